"""Round trips and request units of refunds, of the OperatorLedger port and of the Journal port."""

from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.journal import JournalLine
from chalicelib.domain.purchases import Purchase
from tests.adapters.costs import Cost, measured, reported
from tests.adapters.samples import (
    a_clawback,
    a_credit,
    a_freeze,
    a_gift,
    a_membership,
    a_purchase,
    a_reversal,
    a_review,
    a_settlement,
    an_adjustment,
    buy,
    gifts_to,
    new_id,
    new_month,
    new_name,
)
from tests.fake_memberships import invoice_of
from tests.fakes import START
from tests.journal_hours import put_watermark
from tests.stores import DynamoStore

LONG_ID_LENGTH = 120


@pytest.fixture
def purchase(atomic_store: DynamoStore) -> Purchase:
    """A posted purchase of a user with a long id."""
    return buy(atomic_store.ledger, new_name("f" * LONG_ID_LENGTH), 500)


def assert_costs(store: DynamoStore, act: Callable[[], object], cost: Cost) -> None:
    """Check the cost of a transaction."""
    assert reported(store, measured(store, act)) == reported(store, cost)


def adjusting(coins: int) -> Callable[[Purchase], Adjustment | None]:
    return lambda purchase: a_clawback(purchase, coins, kind=Kind.CLAWBACK if coins > 0 else Kind.RESTORE)


@pytest.mark.parametrize(
    ("adjust", "wru"),
    [(adjusting(100), 7), (adjusting(-100), 7), (lambda _: None, 2)],
    ids=["a clawback", "a restore", "no coins"],
)
def test_update_kept_amount_costs_one_trip(
    atomic_store: DynamoStore, purchase: Purchase, adjust: Callable[[Purchase], Adjustment | None], wru: int
) -> None:
    adjustment = adjust(purchase)

    def follow() -> None:
        atomic_store.ledger.update_kept_amount(purchase, 423, adjustment)

    assert_costs(atomic_store, follow, Cost(1, wru=wru))
    assert measured(atomic_store, follow) == Cost(1), "the guard is lost"


def test_grant_costs_one_trip_and_seven_units(atomic_store: DynamoStore, purchase: Purchase) -> None:
    grant = an_adjustment(purchase.user_id, reason="r" * 200, actor="o" * 128)

    assert_costs(atomic_store, lambda: atomic_store.operators.grant(grant), Cost(1, wru=7))
    assert measured(atomic_store, lambda: atomic_store.operators.grant(grant)) == Cost(1), "a repeat"


def test_reverse_gift_costs_one_trip_and_nine_units(atomic_store: DynamoStore, purchase: Purchase) -> None:
    gift = a_gift(purchase.user_id, creator_id="c" * 128)
    atomic_store.ledger.post_gift(gift)
    reversal = a_reversal(gift, reason="r" * 200, actor="o" * 128)

    assert_costs(atomic_store, lambda: atomic_store.operators.reverse_gift(reversal), Cost(1, wru=9))
    assert measured(atomic_store, lambda: atomic_store.operators.reverse_gift(reversal)) == Cost(1), "a repeat"


@pytest.mark.parametrize(("how", "wru"), [("refuse", 6), ("credit", 11), ("a pending purchase", 11), ("a month", 15)])
def test_settle_review_costs_one_trip(atomic_store: DynamoStore, purchase: Purchase, how: str, wru: int) -> None:
    fan = purchase.user_id
    membership = a_membership(fan)
    invoice = invoice_of(membership)
    review = a_review(user_id=fan, purchase_id=invoice.purchase_id if how == "a month" else new_id())
    atomic_store.ledger.file_review(review)
    credit = None if how == "refuse" else a_credit(review)
    if how == "a pending purchase":
        pending = a_purchase(fan, purchase_id=review.purchase_id, amount_minor=740)
        atomic_store.ledger.open_purchase(pending)
        credit = a_credit(review, pending)
    if how == "a month":
        atomic_store.memberships.open_membership(membership)
        credit = a_credit(review, invoice=invoice, member=membership)
    settlement = a_settlement(reason="r" * 200, actor="o" * 128, decision="credit" if credit else "refuse")

    def settle() -> None:
        atomic_store.operators.settle_review(review, settlement, credit)

    assert_costs(atomic_store, settle, Cost(1, wru=wru))
    assert measured(atomic_store, settle) == Cost(1), "settled before"


def test_freeze_costs_one_trip_and_four_units(atomic_store: DynamoStore, purchase: Purchase) -> None:
    freeze = a_freeze(purchase.user_id, reason="r" * 200, actor="o" * 128)

    assert_costs(atomic_store, lambda: atomic_store.operators.freeze(freeze), Cost(1, wru=4))
    assert measured(atomic_store, lambda: atomic_store.operators.freeze(freeze)) == Cost(1), "a repeat"


def a_line(adjustment: Adjustment) -> JournalLine:
    return JournalLine(
        user_id=adjustment.user_id,
        entry_id=adjustment.entry_id,
        event_id=adjustment.event_id,
        kind=str(adjustment.kind),
        coins=adjustment.coins,
        posted_at=adjustment.posted_at,
        creator_id=adjustment.creator_id,
        shard=adjustment.shard,
    )


@pytest.mark.parametrize(("number", "trips"), [(1, 1), (100, 1), (101, 2)])
def test_not_relayed_costs_one_trip_per_hundred_lines(atomic_store: DynamoStore, number: int, trips: int) -> None:
    lines = [a_line(a_reversal(gift)) for gift in gifts_to(new_name("creator"), number)]

    assert measured(atomic_store, lambda: atomic_store.journal.not_relayed(lines)).trips == trips
    grants = [replace(line, creator_id=None) for line in lines]
    assert measured(atomic_store, lambda: atomic_store.journal.not_relayed(grants)).trips == trips


def test_not_relayed_of_received_gifts_costs_one_trip_more_for_their_runs(atomic_store: DynamoStore) -> None:
    gifts = gifts_to(new_name("creator"), 9)
    atomic_store.ledger.receive_gifts(gifts[0].creator_id, gifts[0].shard, gifts, new_id())
    lines = [replace(a_line(a_reversal(gift)), event_id=gift.event_id, shard=gift.shard) for gift in gifts]

    assert measured(atomic_store, lambda: atomic_store.journal.not_relayed(lines)).trips == 2


def test_watermark_costs_one_unit_to_read(atomic_store: DynamoStore) -> None:
    name, journal = new_name("sweep"), atomic_store.journal
    put_watermark(atomic_store, name, START)
    assert measured(atomic_store, lambda: journal.read_watermark(name)) == Cost(1, rru=1)


def test_file_review_costs_two_units_and_a_read(atomic_store: DynamoStore) -> None:
    review = a_review(user_id="f" * LONG_ID_LENGTH)

    assert_costs(atomic_store, lambda: atomic_store.ledger.file_review(review), Cost(2, rru=1, wru=2))
    moved = replace(review, moved="0" * 16, gone_minor=74)
    assert_costs(atomic_store, lambda: atomic_store.ledger.file_review(moved), Cost(1, wru=2))
    assert measured(atomic_store, lambda: atomic_store.ledger.has_moved_reviews(review.payment_id)) == Cost(1, rru=1)


def test_close_review_costs_one_trip_and_three_units(atomic_store: DynamoStore) -> None:
    atomic_store.ledger.file_review(review := a_review())

    close = partial(atomic_store.operators.close_review, review, a_settlement())
    assert_costs(atomic_store, close, Cost(1, wru=3))


def test_find_review_costs_one_trip_and_lists_two_queries_and_a_read(atomic_store: DynamoStore) -> None:
    month = new_month()
    review = a_review(paid_at=month)
    atomic_store.ledger.file_review(review)

    operators = atomic_store.operators
    assert measured(atomic_store, lambda: operators.find_review(review.ref)) == Cost(1, rru=1)
    assert measured(atomic_store, lambda: operators.list_open_reviews(None, 1)).trips == 2
    # With the query of the first release's reviews of that month.
    assert measured(atomic_store, lambda: operators.list_reviews(f"{month:%Y-%m}", None, 9)).trips == 4
