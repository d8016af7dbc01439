"""The ledger's books, added up again from its table: what must hold of them, and where it does not.

Nothing here knows the code that writes the table: it goes by the items alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

Item = Mapping[str, object]

_GIFTS = frozenset({"gift", "cheer", "super_chat"})
_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A figure that is not what the entries make it."""

    rule: str
    """I1: a wallet is the sum of its posted entries. I2: a payment is credited once. I3: a gift, or its reversal,
    reached its creator's shard once with all its coins, and a shard is the sum of what it received, from 1 to n. I8:
    a purchase grants the share of its coins whose price is kept."""
    what: str
    stored: int
    added_up: int
    partitions: frozenset[str]
    """Where to look again."""

    def __str__(self) -> str:
        """One line for an operator."""
        return f"{self.rule} {self.what}: stored {self.stored}, by the entries {self.added_up}"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A gift, or its reversal, on the fan's side; coins as the shard has them."""

    coins: int
    wallet: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class _Received:
    """The same on the creator's side."""

    coins: int
    sequence: int
    wallet: str


@dataclass(frozen=True, slots=True)
class _Quote:
    """What a purchase grants, at what price, and how much of that is kept."""

    coins: int
    amount_minor: int
    kept_minor: int

    @property
    def coins_kept(self) -> int:
        return self.coins * self.kept_minor // self.amount_minor if self.amount_minor else self.coins


@dataclass(slots=True)
class _Lane:
    """What a shard says of itself."""

    coins: int = 0
    gifts: int = 0
    sequence: int = 0


class Books:
    """What was read of the table so far, by what it is. Items that have nothing to do with coins are passed over."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.wallets: dict[str, int] = {}
        self.shards: dict[str, _Lane] = {}
        self.entries = 0
        self.gifts = 0
        self.event_ids: set[str] = set()
        self._sums: Counter[str] = Counter()
        self._credits: defaultdict[str, list[str]] = defaultdict(list)
        self._quotes: dict[tuple[str, str], _Quote] = {}
        self._granted: Counter[tuple[str, str]] = Counter()
        self._sent: dict[tuple[str, str], _Sent] = {}
        self._received: defaultdict[str, dict[str, _Received]] = defaultdict(dict)
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """Take one item of the table in."""
        partition, sort_key = str(item["PK"]), str(item["SK"])
        if sort_key == "WALLET":
            # A fan who has only opened a checkout, or set a budget, has a wallet with no coins in it yet.
            self.wallets[partition] = _int({"coins": 0, **item}, "coins")
        elif sort_key == "LANE":
            self.shards[partition] = _Lane(*(_int(item, name) for name in ("coins", "gifts", "sequence")))
        elif sort_key.startswith("GIFT#"):
            received = _Received(_int(item, "coins"), _int(item, "sequence"), f"WALLET#{item['sender_id']}")
            self._received[partition][sort_key.removeprefix("GIFT#")] = received
        elif sort_key.startswith("ENTRY#") and item["status"] == "posted":
            self._add_posted(partition, sort_key.removeprefix("ENTRY#"), item)

    def earned(self) -> Counter[str]:
        """What the shards of each creator come to."""
        earned: Counter[str] = Counter()
        for partition, shard in self.shards.items():
            earned[partition.split("#")[1]] += shard.coins
        return earned

    def under_way(self, since: datetime) -> int:
        """How many gifts have not reached their creators, but were posted since then."""
        return sum(received is None and sent.posted_at >= since for _, _, sent, received in self._astray())

    def breaches(self, under_way_since: datetime | None = None) -> Iterator[Breach]:
        """Where the books do not hold.

        Args:
            under_way_since: gifts posted later than this need not have reached their creators; None: all must.
        """
        yield from self._wallets_not_summing()
        yield from self._credited_twice()
        yield from self._grants_beyond_the_money()
        yield from self._gifts_astray(under_way_since)
        yield from self._lanes_not_summing()

    def _add_posted(self, wallet: str, entry_id: str, entry: Item) -> None:
        kind, coins = entry["kind"], _int(entry, "coins")
        self.entries += 1
        self.gifts += kind in _GIFTS
        self.event_ids.add(str(entry["event_id"]))
        self._sums[wallet] += coins
        if kind == "purchase":
            amount = _int(entry, "amount_minor")
            kept = amount if entry.get("kept_minor") is None else _int(entry, "kept_minor")
            self._quotes[wallet, entry_id] = _Quote(coins, amount, kept)
            self._granted[wallet, entry_id] += coins
            if entry.get("payment_intent"):  # what costs nothing is paid by nothing
                self._credits[str(entry["payment_intent"])].append(wallet)
        elif kind in {"clawback", "restore"}:
            self._granted[wallet, str(entry["about"])] += coins
        elif kind == "grant" and entry.get("about"):  # it settled the review of a payment
            self._credits[str(entry["about"])].append(wallet)
        if entry.get("creator_id"):
            shard = f"CREATOR#{entry['creator_id']}#{entry['lane']}"
            self._sent[shard, str(entry["event_id"])] = _Sent(
                -coins, wallet, datetime.fromisoformat(str(entry["posted_at"]))
            )

    def _wallets_not_summing(self) -> Iterator[Breach]:
        for wallet in sorted(self._sums.keys() | self.wallets.keys()):
            held, added_up = self.wallets.get(wallet, 0), self._sums[wallet]
            if held != added_up:
                yield _breach("I1", wallet, held, added_up, wallet)

    def _credited_twice(self) -> Iterator[Breach]:
        for payment, wallets in self._credits.items():
            if len(wallets) > 1:
                yield _breach("I2", f"payment {payment}", len(wallets), 1, *wallets)

    def _grants_beyond_the_money(self) -> Iterator[Breach]:
        for (wallet, purchase_id), quote in self._quotes.items():
            granted = self._granted[wallet, purchase_id]
            if granted != quote.coins_kept:
                yield _breach("I8", f"{wallet} purchase {purchase_id}", quote.coins_kept, granted, wallet)

    def _gifts_astray(self, under_way_since: datetime | None) -> Iterator[Breach]:
        for shard, event_id, sent, received in self._astray():
            if received or under_way_since is None or sent.posted_at < under_way_since:
                coins = received.coins if received else 0
                yield _breach("I3", f"{shard} gift {event_id}", coins, sent.coins, shard, sent.wallet)
        for shard, gifts in self._received.items():
            for event_id, received in gifts.items():
                if (shard, event_id) not in self._sent:
                    yield _breach("I3", f"{shard} gift {event_id}", received.coins, 0, shard, received.wallet)

    def _astray(self) -> Iterator[tuple[str, str, _Sent, _Received | None]]:
        """What was sent and has not been received, or not with all its coins."""
        for (shard, event_id), sent in self._sent.items():
            received = self._received.get(shard, {}).get(event_id)
            if received is None or received.coins != sent.coins:
                yield shard, event_id, sent, received

    def _lanes_not_summing(self) -> Iterator[Breach]:
        for shard in sorted(self._received.keys() | self.shards.keys()):
            total, received = self.shards.get(shard, _Lane()), self._received.get(shard, {}).values()
            coins, gifts = sum(one.coins for one in received), sum(one.coins > 0 for one in received)
            if total.coins != coins:
                yield _breach("I3", shard, total.coins, coins, shard)
            if total.gifts != gifts:
                yield _breach("I3", f"{shard} gifts", total.gifts, gifts, shard)
            if sorted(one.sequence for one in received) != list(range(1, total.sequence + 1)):
                yield _breach("I3", f"{shard} sequence", total.sequence, len(received), shard)


def confirmed(breaches: Iterable[Breach], table: "Table", under_way_since: datetime | None) -> list[Breach]:
    """Those breaches that stand when one looks again, closer.

    A table that is written to cannot be read whole at one moment; a few partitions nearly can.
    """
    found = list(breaches)
    for _ in range(_LOOKS):
        # In this order shards come before wallets, so whatever was received is found sent.
        partitions = sorted({partition for breach in found for partition in breach.partitions})
        closer = Books(item for partition in partitions for item in read_partition(table, partition))
        standing = {(breach.rule, breach.what): breach for breach in closer.breaches(under_way_since)}
        found = [standing[name] for breach in found if (name := (breach.rule, breach.what)) in standing]
    return found


def read_table(table: "Table") -> Iterator[Item]:
    """Everything in the table, consistently read page by page."""
    page = table.scan(ConsistentRead=True)
    yield from page["Items"]
    while last := page.get("LastEvaluatedKey"):
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=last)
        yield from page["Items"]


def read_partition(table: "Table", partition: str) -> Iterator[Item]:
    """The same of one partition."""
    wanted = Key("PK").eq(partition)
    page = table.query(ConsistentRead=True, KeyConditionExpression=wanted)
    yield from page["Items"]
    while last := page.get("LastEvaluatedKey"):
        page = table.query(ConsistentRead=True, KeyConditionExpression=wanted, ExclusiveStartKey=last)
        yield from page["Items"]


def _breach(rule: str, what: str, stored: int, added_up: int, *partitions: str) -> Breach:
    return Breach(rule=rule, what=what, stored=stored, added_up=added_up, partitions=frozenset(partitions))


def _int(item: Item, name: str) -> int:
    """A number of the table as an int: the SDK gives decimals. Raises ValueError when it is no whole number."""
    try:
        return int(str(item[name]))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{item['PK']} {item['SK']}: {name} is no whole number: {item.get(name)!r}") from error
