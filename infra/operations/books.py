"""Recomputation of the ledger's balances from its table, and the check of the invariants I1, I2, I3, I8 and of freezes.

The module shares no code with the adapters that write the table, so that it finds their mistakes.
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

_HOLDS = {"open": 1_000_000, "lost": 1}
_GIFTS = frozenset({"gift", "cheer", "super_chat"})
_REREADS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A stored figure that differs from the one computed from the entries."""

    rule: str
    """I1: a wallet is the sum of its posted entries. I2: a payment is credited once. I3: each gift and reversal reached
    its creator's shard once with all its coins; a shard is the sum of its entries, numbered 1 to n. I8: a purchase
    grants the share of its coins whose price is kept. disputes: a wallet counts the purchases with an open dispute in
    millions, and those with a lost one in ones."""
    subject: str
    stored: int
    computed: int
    partitions: frozenset[str]
    """The partitions that the figures come from."""

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}: stored {self.stored}, computed {self.computed}"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A gift or reversal in the fan's wallet. `coins` has the sign of the creator's side."""

    coins: int
    wallet: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class _Received:
    """A gift or reversal in the creator's shard."""

    coins: int
    sequence: int
    wallet: str


@dataclass(frozen=True, slots=True)
class _Quote:
    """A purchase's coins, its price, and the part of the price that is not refunded or disputed."""

    coins: int
    amount_minor: int
    kept_minor: int

    @property
    def coins_kept(self) -> int:
        return self.coins * self.kept_minor // self.amount_minor if self.amount_minor else self.coins


@dataclass(slots=True)
class _Shard:
    """The stored totals of a shard."""

    coins: int = 0
    gifts: int = 0
    sequence: int = 0


class Books:
    """The figures of the items read so far. Items without coins are skipped."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.wallets: dict[str, int] = {}
        self.shards: dict[str, _Shard] = {}
        self.entries = 0
        self.gifts = 0
        self.event_ids: set[str] = set()
        self._sums: Counter[str] = Counter()
        self._disputes: defaultdict[str, int] = defaultdict(int)
        self._holds: Counter[str] = Counter()
        self._credits: defaultdict[str, list[str]] = defaultdict(list)
        self._quotes: dict[tuple[str, str], _Quote] = {}
        self._granted: Counter[tuple[str, str]] = Counter()
        self._sent: dict[tuple[str, str], _Sent] = {}
        self._received: defaultdict[str, dict[str, _Received]] = defaultdict(dict)
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """Add one item of the table."""
        partition, sort_key = str(item["PK"]), str(item["SK"])
        if sort_key == "WALLET":
            # A wallet that was created by a checkout or a budget has no `coins` attribute yet.
            self.wallets[partition] = _int({"coins": 0, **item}, "coins")
            self._disputes[partition] = _int({"d": 0, **item}, "d")
        elif sort_key == "LANE":
            self.shards[partition] = _Shard(*(_int(item, name) for name in ("coins", "gifts", "sequence")))
        elif sort_key.startswith("GIFT#"):
            received = _Received(_int(item, "coins"), _int(item, "sequence"), f"WALLET#{item['sender_id']}")
            self._received[partition][sort_key.removeprefix("GIFT#")] = received
        elif sort_key.startswith("ENTRY#") and item["status"] == "posted":
            self._add_posted(partition, sort_key.removeprefix("ENTRY#"), item)

    def earned(self) -> Counter[str]:
        """Sum the stored coins of all shards by creator id."""
        earned: Counter[str] = Counter()
        for partition, shard in self.shards.items():
            earned[partition.split("#")[1]] += shard.coins
        return earned

    def in_transit(self, since: datetime) -> int:
        """Count the gifts posted since then that have not reached their creators."""
        return sum(received is None and sent.posted_at >= since for _, _, sent, received in self._undelivered())

    def breaches(self, in_transit_since: datetime | None = None) -> Iterator[Breach]:
        """Find the figures that violate an invariant.

        Args:
            in_transit_since: gifts posted later than this may still be in transit; None requires all to have arrived.
        """
        yield from self._wrong_wallets()
        yield from self._wrong_disputes()
        yield from self._double_credits()
        yield from self._wrong_grants()
        yield from self._undelivered_gifts(in_transit_since)
        yield from self._wrong_shards()

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
            self._holds[wallet] += _HOLDS.get(str(entry.get("hold")), 0)
            if entry.get("payment_intent"):  # a free purchase has none
                self._credits[str(entry["payment_intent"])].append(wallet)
        elif kind in {"clawback", "restore"} and entry.get("about"):  # an operator's clawback is of no purchase
            self._granted[wallet, str(entry["about"])] += coins
        elif kind == "grant" and entry.get("about"):  # the credit of a reviewed payment
            self._credits[str(entry["about"])].append(wallet)
        if entry.get("creator_id"):
            shard = f"CREATOR#{entry['creator_id']}#{entry['lane']}"
            self._sent[shard, str(entry["event_id"])] = _Sent(
                -coins, wallet, datetime.fromisoformat(str(entry["posted_at"]))
            )

    def _wrong_wallets(self) -> Iterator[Breach]:
        for wallet in sorted(self._sums.keys() | self.wallets.keys()):
            stored, computed = self.wallets.get(wallet, 0), self._sums[wallet]
            if stored != computed:
                yield _breach("I1", wallet, stored, computed, wallet)

    def _wrong_disputes(self) -> Iterator[Breach]:
        for wallet in sorted(self._holds.keys() | self._disputes.keys()):
            stored, computed = self._disputes[wallet], self._holds[wallet]
            if stored != computed:
                yield _breach("disputes", wallet, stored, computed, wallet)

    def _double_credits(self) -> Iterator[Breach]:
        for payment, wallets in self._credits.items():
            if len(wallets) > 1:
                yield _breach("I2", f"payment {payment}", len(wallets), 1, *wallets)

    def _wrong_grants(self) -> Iterator[Breach]:
        for (wallet, purchase_id), quote in self._quotes.items():
            granted = self._granted[wallet, purchase_id]
            if granted != quote.coins_kept:
                yield _breach("I8", f"{wallet} purchase {purchase_id}", quote.coins_kept, granted, wallet)

    def _undelivered_gifts(self, in_transit_since: datetime | None) -> Iterator[Breach]:
        for shard, event_id, sent, received in self._undelivered():
            if received or in_transit_since is None or sent.posted_at < in_transit_since:
                coins = received.coins if received else 0
                yield _breach("I3", f"{shard} gift {event_id}", coins, sent.coins, shard, sent.wallet)
        for shard, gifts in self._received.items():
            for event_id, received in gifts.items():
                if (shard, event_id) not in self._sent:
                    yield _breach("I3", f"{shard} gift {event_id}", received.coins, 0, shard, received.wallet)

    def _undelivered(self) -> Iterator[tuple[str, str, _Sent, _Received | None]]:
        """Find the gifts and reversals that their shard has not received, or not with all their coins."""
        for (shard, event_id), sent in self._sent.items():
            received = self._received.get(shard, {}).get(event_id)
            if received is None or received.coins != sent.coins:
                yield shard, event_id, sent, received

    def _wrong_shards(self) -> Iterator[Breach]:
        for shard in sorted(self._received.keys() | self.shards.keys()):
            total, received = self.shards.get(shard, _Shard()), self._received.get(shard, {}).values()
            coins, gifts = sum(one.coins for one in received), sum(one.coins > 0 for one in received)
            if total.coins != coins:
                yield _breach("I3", shard, total.coins, coins, shard)
            if total.gifts != gifts:
                yield _breach("I3", f"{shard} gifts", total.gifts, gifts, shard)
            if sorted(one.sequence for one in received) != list(range(1, total.sequence + 1)):
                yield _breach("I3", f"{shard} sequence", total.sequence, len(received), shard)


def confirm(breaches: Iterable[Breach], table: "Table", in_transit_since: datetime | None) -> list[Breach]:
    """Read the partitions of the breaches again, and return those that are still there.

    A scan is not a snapshot, so writes during it look like breaches. Reading a few partitions takes much less time.
    """
    found = list(breaches)
    for _ in range(_REREADS):
        # The sort puts shards before wallets, so a gift that was read in a shard is in the wallet that is read later.
        partitions = sorted({partition for breach in found for partition in breach.partitions})
        closer = Books(item for partition in partitions for item in read_partition(table, partition))
        remaining = {(breach.rule, breach.subject): breach for breach in closer.breaches(in_transit_since)}
        found = [remaining[name] for breach in found if (name := (breach.rule, breach.subject)) in remaining]
    return found


def read_table(table: "Table") -> Iterator[Item]:
    """Scan the table with consistent reads, page by page."""
    page = table.scan(ConsistentRead=True)
    yield from page["Items"]
    while last := page.get("LastEvaluatedKey"):
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=last)
        yield from page["Items"]


def read_partition(table: "Table", partition: str) -> Iterator[Item]:
    """Query one partition with consistent reads, page by page."""
    wanted = Key("PK").eq(partition)
    page = table.query(ConsistentRead=True, KeyConditionExpression=wanted)
    yield from page["Items"]
    while last := page.get("LastEvaluatedKey"):
        page = table.query(ConsistentRead=True, KeyConditionExpression=wanted, ExclusiveStartKey=last)
        yield from page["Items"]


def _breach(rule: str, subject: str, stored: int, computed: int, *partitions: str) -> Breach:
    return Breach(rule=rule, subject=subject, stored=stored, computed=computed, partitions=frozenset(partitions))


def _int(item: Item, name: str) -> int:
    """Read a number as an int; the SDK returns Decimal. Raises ValueError if it is missing or not a whole number."""
    try:
        return int(str(item[name]))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{item['PK']} {item['SK']}: {name} is not a whole number: {item.get(name)!r}") from error
