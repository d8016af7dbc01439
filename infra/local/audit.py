"""Audit a ledger from outside: scan the table, and see whether what must hold does."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from infra.local.facts import StackFacts, aws_session

Item = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. The ledger is in order when `broken` is empty."""

    wallets: int
    entries: int
    """Posted ones."""
    gifts: int
    coins_held: int
    """In all wallets."""
    earned: Mapping[str, int]
    """Coins by creator id, over all lanes."""
    event_ids: frozenset[str]
    """Of all posted entries: what subscribers have heard of, or will."""
    broken: tuple[str, ...]
    """Each breach in a sentence that begins with the invariant's name."""


def audit(facts: StackFacts, heard: Set[str] | None = None) -> Audit:
    """Read the whole table and check the invariants I1 to I4 of the ledger.

    Args:
        facts: the stack.
        heard: ids of all messages that a subscriber received who was there from the start; None leaves I4 out.
    """
    books = _Books(items(facts))
    broken = [*books.wallets_not_summing(), *books.credited_twice(), *books.creators_not_matching()]
    event_ids = frozenset(str(entry["event_id"]) for entry in books.posted)
    if heard is not None and heard != event_ids:
        broken.append(f"I4 {len(event_ids - heard)} entries unheard of, {len(heard - event_ids)} messages of nothing")
    return Audit(
        wallets=len(books.wallets),
        entries=len(books.posted),
        gifts=len(books.gifts),
        coins_held=sum(_int(wallet, "coins") for wallet in books.wallets),
        earned=books.earned(),
        event_ids=event_ids,
        broken=tuple(broken),
    )


def items(facts: StackFacts) -> Iterator[Item]:
    """Everything in the table, consistently read page by page."""
    client = aws_session(facts.aws_region).resource("dynamodb", endpoint_url=facts.aws_endpoint_url)
    table = client.Table(facts.table_name)
    page = table.scan(ConsistentRead=True)
    yield from page["Items"]
    while last := page.get("LastEvaluatedKey"):
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=last)
        yield from page["Items"]


class _Books:
    """The table's items, by what they are."""

    def __init__(self, items: Iterable[Item]) -> None:
        everything = list(items)
        self.wallets = [item for item in everything if item["SK"] == "WALLET"]
        self.lanes = [item for item in everything if item["SK"] == "LANE"]
        self.received = [item for item in everything if str(item["SK"]).startswith("GIFT#")]
        entries = [item for item in everything if str(item["SK"]).startswith("ENTRY#")]
        self.posted = [entry for entry in entries if entry["status"] == "posted"]
        self.gifts = [entry for entry in self.posted if entry["kind"] == "gift"]

    def earned(self) -> Counter[str]:
        """What the lanes of each creator come to."""
        earned: Counter[str] = Counter()
        for lane in self.lanes:
            earned[str(lane["PK"]).split("#")[1]] += _int(lane, "coins")
        return earned

    def wallets_not_summing(self) -> Iterator[str]:
        """I1: a wallet's coins are the sum of its posted entries."""
        sums: Counter[object] = Counter()
        for entry in self.posted:
            sums[entry["PK"]] += _int(entry, "coins")
        held = {wallet["PK"]: _int(wallet, "coins") for wallet in self.wallets}
        for wallet in sums.keys() | held.keys():
            if held.get(wallet, 0) != sums[wallet]:
                yield f"I1 {wallet} holds {held.get(wallet, 0)} coins, its entries say {sums[wallet]}"

    def credited_twice(self) -> Iterator[str]:
        """I2: a payment is credited once."""
        payments = Counter(entry["payment_intent"] for entry in self.posted if entry["kind"] == "purchase")
        for payment, times in payments.items():
            if times > 1:
                yield f"I2 {payment} was credited {times} times"

    def creators_not_matching(self) -> Iterator[str]:
        """I3: each gift reached its creator once, with all its coins; lanes add up and number without gaps."""
        sent = {(_lane_of(gift), f"GIFT#{gift['event_id']}"): -_int(gift, "coins") for gift in self.gifts}
        received = {(item["PK"], item["SK"]): _int(item, "coins") for item in self.received}
        if sent != received:
            yield f"I3 {len(sent.items() ^ received.items())} gifts differ between senders and creators"
        by_lane: dict[object, list[Item]] = defaultdict(list)
        for item in self.received:
            by_lane[item["PK"]].append(item)
        for lane in self.lanes:
            entries = by_lane.pop(lane["PK"], [])
            totals = (_int(lane, "coins"), _int(lane, "gifts"), _int(lane, "sequence"))
            if totals != (sum(_int(entry, "coins") for entry in entries), len(entries), len(entries)):
                yield f"I3 {lane['PK']} does not add up"
            if sorted(_int(entry, "sequence") for entry in entries) != list(range(1, len(entries) + 1)):
                yield f"I3 {lane['PK']} has gaps in its sequence"
        for orphan in by_lane:
            yield f"I3 {orphan} has entries but no totals"


def _lane_of(gift: Item) -> str:
    return f"CREATOR#{gift['creator_id']}#{gift['lane']}"


def _int(item: Item, name: str) -> int:
    """A number of the table as an int: the SDK gives decimals."""
    return int(str(item[name]))
