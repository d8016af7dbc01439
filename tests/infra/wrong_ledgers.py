"""Hand-made ledgers: a right one, and wrong ones with what the rules find in each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.ids import iso
from infra.operations.table_reads import RawItem

MAX: Final = 2**53 - 1
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SETTLED = NOW - timedelta(minutes=30)
OLD = iso(SETTLED - timedelta(days=1))

Value = str | int | None
WrongLedger = tuple[Sequence[RawItem], Sequence[str]]
"""Items, and the lines of the wrong figures in them."""


def an_item(pk: str, sk: str, **values: Value) -> RawItem:
    """Build an item in DynamoDB's form. Values of None are absent."""
    typed = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
    return {"PK": {"S": pk}, "SK": {"S": sk}, **{name: typed[name] for name in typed if values[name] is not None}}


def a_wallet(fan: str, coins: int | None, **values: Value) -> RawItem:
    return an_item(f"WALLET#{fan}", "WALLET", coins=coins, **values)


def an_entry(fan: str, entry_id: str, kind: str, coins: int | str, **changes: Value) -> RawItem:
    values: dict[str, Value] = {"status": "posted", "event_id": f"{fan}-{entry_id}", "posted_at": OLD}
    return an_item(
        f"WALLET#{fan}", f"ENTRY#{entry_id}", kind=kind, coins=coins, **values | {"announced_at": OLD} | changes
    )


def a_purchase(fan: str, entry_id: str, coins: int, **changes: Value) -> RawItem:
    values: dict[str, Value] = {"amount_minor": 100, "payment_intent": f"pi_{fan}_{entry_id}"}
    return an_entry(fan, entry_id, "purchase", coins, **values | changes)


def a_gift(fan: str, entry_id: str, coins: int, creator: str, **changes: Value) -> RawItem:
    values: dict[str, Value] = {"creator_id": creator, "lane": 3, "announced_at": None}
    return an_entry(fan, entry_id, "gift", -coins, **values | changes)


def a_receipt(fan: str, entry_id: str, coins: int, creator: str, sequence: int, posted_at: str | None = OLD) -> RawItem:
    place = f"GIFT#{fan}-{entry_id}"
    return an_item(f"CREATOR#{creator}#3", place, coins=coins, sequence=sequence, sender_id=fan, posted_at=posted_at)


def a_shard(creator: str, coins: int, gifts: int, sequence: int) -> RawItem:
    return an_item(f"CREATOR#{creator}#3", "LANE", coins=coins, gifts=gifts, sequence=sequence)


RIGHT: Sequence[RawItem] = [
    a_wallet("ann", MAX - 60 - 1),
    a_purchase("ann", "1", MAX, amount_minor=MAX, kept_minor=MAX - 1, hold="open"),
    an_entry("ann", "2", "clawback", -1, about="1"),
    a_gift("ann", "3", 60, "grace"),
    a_purchase("ann", "4", 70, status="pending", posted_at=None, event_id=None, announced_at=None),
    a_purchase("ann", "5", 70, status="expired", kept_minor=None, payment_intent=None),
    a_receipt("ann", "3", 60, "grace", 1),
    a_shard("grace", 60, 1, 1),
    an_item("CREATOR#grace#3", "STREAK#ann#9", coins=5, gifts=5),
    # Rounded down, free, paid back and restored, taken back by an operator, spent in advance.
    a_wallet("ben", 10 - 7 + 5 + 7 - 7 + 7 - 40 + 3),
    a_purchase("ben", "1", 10, amount_minor=3, kept_minor=1),
    an_entry("ben", "2", "clawback", -7, about="1"),
    a_purchase("ben", "3", 5, amount_minor=0, payment_intent=None),
    a_purchase("ben", "4", 7, kept_minor=100),
    an_entry("ben", "5", "clawback", -7, about="4"),
    an_entry("ben", "6", "restore", 7, about="4"),
    an_entry("ben", "7", "clawback", -40, actor="op"),
    an_entry("ben", "8", "grant", 3, actor="op"),
    # A wallet of a budget alone, another one with its disputes, a customer, a checkout, a review, a position.
    a_wallet("cid", None),
    an_item("WALLET#cid", "OPEN#7", amount_minor=74, until=1, ttl=1),
    an_item("WALLET#cid", "MEMBERSHIP#7", coins=5, amount_minor=74, status="active"),
    an_item("REVIEW#pi_1", "payment", coins=70, amount_minor=74),
    an_item("WATERMARK#sweep", "WATERMARK", at="now"),
]
RIGHT_DISPUTES = 1_000_000
"""Of ann's wallet: one open dispute."""


def wrong_wallets() -> Iterator[WrongLedger]:
    """Break I1."""
    yield [a_wallet("w1", 700)], ["I1 WALLET#w1: stored 700, computed 0"]
    yield [a_purchase("w2", "1", 5)], ["I1 WALLET#w2: stored 0, computed 5"]
    yield (
        [a_wallet("w3", MAX - 1), a_purchase("w3", "1", MAX)],
        [f"I1 WALLET#w3: stored {MAX - 1}, computed {MAX}"],
    )
    # The sum is beyond 2^53 - 1 and beyond 64 bits, and still exact.
    yield (
        [
            a_wallet("w4", 2**53),
            *(a_purchase("w4", f"{number}", MAX) for number in range(1025)),
        ],
        [
            f"I1 WALLET#w4: stored {2**53}, computed {1025 * MAX}",
            f"I6 WALLET#w4 WALLET coins: stored {2**53}",
        ],
    )


def wrong_credits() -> Iterator[WrongLedger]:
    """Break I2."""
    yield (
        [
            *(a_purchase(fan, "1", 5, payment_intent="pi_twice") for fan in ("p1", "p2")),
            *(a_wallet(fan, 5) for fan in ("p1", "p2")),
        ],
        ["I2 payment pi_twice: stored 2, computed 1"],
    )
    # The first release credited a reviewed payment by a grant.
    yield (
        [
            a_wallet("p3", 10),
            a_purchase("p3", "1", 5, payment_intent="pi_granted"),
            an_entry("p3", "2", "grant", 5, about="pi_granted"),
        ],
        ["I2 payment pi_granted: stored 2, computed 1"],
    )


def wrong_gifts() -> Iterator[WrongLedger]:
    """Break I3 and I9 by gift."""
    # Undelivered; not due yet; with other coins; never sent, and by an unposted entry.
    yield [a_wallet("g1", -60), a_gift("g1", "1", 60, "c1")], ["I3 CREATOR#c1#3 GIFT#g1-1: stored 0, computed 60"]
    yield [a_wallet("g2", -60), a_gift("g2", "1", 60, "c2", posted_at=iso(SETTLED))], []
    yield (
        [
            a_wallet("g3", -MAX),
            a_gift("g3", "1", MAX, "c3"),
            a_receipt("g3", "1", MAX - 1, "c3", 1),
            a_shard("c3", MAX - 1, 1, 1),
        ],
        [
            f"I3 CREATOR#c3#3 GIFT#g3-1: stored {MAX - 1}, computed {MAX}",
            f"I9 creator c3: stored {MAX - 1}, computed {MAX}",
        ],
    )
    yield (
        [a_receipt("g4", "1", 60, "c4", 1), a_shard("c4", 60, 1, 1)],
        ["I3 CREATOR#c4#3 GIFT#g4-1: stored 60, computed 0"],
    )
    # Received by another creator's shard.
    yield (
        [
            a_wallet("g5", -60),
            a_gift("g5", "1", 60, "c5"),
            a_receipt("g5", "1", 60, "c6", 1),
            a_shard("c6", 60, 1, 1),
        ],
        [
            "I3 CREATOR#c5#3 GIFT#g5-1: stored 0, computed 60",
            "I3 CREATOR#c6#3 GIFT#g5-1: stored 60, computed 0",
        ],
    )


def one_sided_gifts() -> Iterator[WrongLedger]:
    """Break I3 by gifts that one side lacks, or that lack an attribute."""
    # Of a wallet that was read before it was sent; of no time.
    yield [a_receipt("g7", "1", 60, "c7", 1, posted_at=iso(SETTLED)), a_shard("c7", 60, 1, 1)], []
    yield (
        [a_receipt("g8", "1", 60, "c8", 1, posted_at=None), a_shard("c8", 60, 1, 1)],
        ["I3 CREATOR#c8#3 GIFT#g8-1: stored 60, computed 0"],
    )
    # Of no event, and to no shard.
    yield (
        [a_wallet("g9", -60), *(a_gift("g9", number, 30, "c9", event_id=None) for number in "12")],
        [
            "I3 CREATOR#c9#3 GIFT#(none): stored 0, computed 60",
            *(f"I4 WALLET#g9 ENTRY#{number}: stored 0, computed 1" for number in "12"),
        ],
    )
    yield (
        [a_wallet("g10", -60), a_gift("g10", "1", 60, "c10", lane=None)],
        ["I3 CREATOR#c10#(none) GIFT#g10-1: stored 0, computed 60"],
    )


def wrong_shards() -> Iterator[WrongLedger]:
    """Break I3 and I9 by shard."""
    for name, totals, found in (
        ("s1", (61, 1, 1), ["I3 CREATOR#s1#3: stored 61, computed 60", "I9 creator s1: stored 61, computed 60"]),
        ("s2", (60, 2, 1), ["I3 CREATOR#s2#3 gifts: stored 2, computed 1"]),
        ("s3", (60, 1, 2), ["I3 CREATOR#s3#3 sequence: stored 2, computed 1"]),
    ):
        sent = [a_wallet(name, -60), a_gift(name, "1", 60, name), a_receipt(name, "1", 60, name, 1)]
        yield [*sent, a_shard(name, *totals)], found
    for name, places, line in (
        ("s4", (1, 1), "I3 CREATOR#s4#3 sequence: stored 2, computed 1"),
        ("s5", (1, 3), "I3 CREATOR#s5#3 sequence: stored 2, computed 3"),
        ("s6", (0, 1), "I3 CREATOR#s6#3 sequence: stored 2, computed 1"),
    ):
        gifts = [a_gift(name, f"{number}", 30, name) for number in (0, 1)]
        receipts = [a_receipt(name, f"{number}", 30, name, place) for number, place in enumerate(places)]
        yield [a_wallet(name, -60), *gifts, *receipts, a_shard(name, 60, 2, 2)], [line]


def wrong_announcements() -> Iterator[WrongLedger]:
    """Break I4."""
    yield (
        [a_wallet("e1", 5), a_purchase("e1", "1", 5, announced_at=None)],
        ["I4 WALLET#e1 ENTRY#1: stored 0, computed 1"],
    )
    yield [a_wallet("e2", 5), a_purchase("e2", "1", 5, announced_at=None, posted_at=iso(NOW))], []
    yield (
        [
            a_wallet("e3", 3),
            an_entry("e3", "1", "grant", 1, event_id="same"),
            an_entry("e3", "2", "grant", 2, event_id="same"),
        ],
        ["I4 event same: stored 2, computed 1"],
    )
    yield (
        [a_wallet("e4", 3), an_entry("e4", "1", "grant", 3, event_id=None)],
        ["I4 WALLET#e4 ENTRY#1: stored 0, computed 1"],
    )


def wrong_amounts() -> Iterator[WrongLedger]:
    """Break I6."""
    yield (
        [a_wallet("a1", 0), an_entry("a1", "1", "grant", "many")],
        ["I6 WALLET#a1 ENTRY#1 coins: stored no whole number"],
    )
    yield (
        [a_wallet("a2", 0), {**an_entry("a2", "1", "grant", 0), "coins": {"N": "1.5"}}],
        ["I6 WALLET#a2 ENTRY#1 coins: stored no whole number"],
    )
    yield (
        [a_wallet("a3", -MAX - 1), an_entry("a3", "1", "clawback", -MAX - 1)],
        [f"I6 WALLET#a3 {each} coins: stored {-MAX - 1}" for each in ("ENTRY#1", "WALLET")],
    )
    # Too large to be multiplied by a price.
    yield (
        [a_wallet("a4", 0), a_purchase("a4", "1", 10**36)],
        ["I6 WALLET#a4 ENTRY#1 coins: stored no whole number"],
    )
    # Present where they may be absent.
    yield (
        [
            {**a_wallet("a5", 0), "coins": {"N": "0.5"}, "d": {"N": f"{10**18}"}},
            a_purchase("a5", "1", 0, kept_minor="most"),
        ],
        [f"I6 WALLET#a5 {name}: stored no whole number" for name in ("ENTRY#1 kept_minor", "WALLET coins", "WALLET d")],
    )


def wrong_grants() -> Iterator[WrongLedger]:
    """Break I8 and I10."""
    # Kept money without a clawback, one coin too many, one too few, at the largest amounts; of no purchase.
    yield [a_wallet("k1", 500), a_purchase("k1", "1", 500, kept_minor=0)], ["I8 WALLET#k1 ENTRY#1: stored 500"]
    for name, taken in (("k2", 0), ("k3", 2)):
        yield (
            [
                a_wallet(name, MAX - taken),
                a_purchase(name, "1", MAX, amount_minor=MAX, kept_minor=MAX - 1),
                an_entry(name, "2", "clawback", -taken, about="1"),
            ],
            [f"I8 WALLET#{name} ENTRY#1: stored {MAX - taken}"],
        )
    yield (
        [a_wallet("k4", 4), a_purchase("k4", "1", 5, amount_minor=0), an_entry("k4", "2", "clawback", -1, about="1")],
        ["I8 WALLET#k4 ENTRY#1: stored 4"],
    )
    yield (
        [a_wallet("k5", 5), an_entry("k5", "2", "restore", 5, about="1")],
        ["I8 WALLET#k5 ENTRY#1: stored 5"],
    )
    yield (
        [a_wallet("k6", 6), a_purchase("k6", "1", 5, kept_minor=120), an_entry("k6", "2", "restore", 1, about="1")],
        ["I8 WALLET#k6 ENTRY#1: stored 6"],
    )
    yield (
        [a_wallet("d1", 10, d=1), a_purchase("d1", "1", 5, hold="open"), a_purchase("d1", "2", 5, hold="lost")],
        ["I10 WALLET#d1: stored 1, computed 1000001"],
    )


WRONG: Final = [
    *wrong_wallets(),
    *wrong_credits(),
    *wrong_gifts(),
    *one_sided_gifts(),
    *wrong_shards(),
    *wrong_announcements(),
    *wrong_amounts(),
    *wrong_grants(),
]
