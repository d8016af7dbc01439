"""Round trips and request units of the Ledger port."""

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import BudgetChange, Limits, changed, due_change
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import NotFound
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from tests.adapters.costs import Cost, measured, reported
from tests.adapters.samples import (
    MAX_SMALL_BYTES,
    a_budget,
    a_gift,
    a_notification,
    a_posting,
    a_purchase,
    a_review,
    an_exclusion,
    buy,
    gifts_to,
    new_id,
    new_name,
)
from tests.fakes import START, session_of
from tests.stores import DynamoStore


@pytest.fixture
def ledger(atomic_store: DynamoStore) -> Ledger:
    return atomic_store.ledger


def set_longest_budget(ledger: Ledger, user_id: str) -> None:
    """Set a budget of the largest size: every limit, and pending limits."""
    budget = a_budget(currency="usd", coins=ByPeriod(999, 9_999, 999_999_999), money=ByPeriod(9_999, 99_999, 999_999))
    assert ledger.change_budget(user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    pending_limits = Limits(zone="America/Argentina/ComodRivadavia")
    change = BudgetChange(seen=budget, budget=changed(budget, pending_limits, START))
    assert ledger.change_budget(user_id, change) == Posted()


@pytest.fixture
def purchase(ledger: Ledger) -> Purchase:
    """A pending purchase with ids of the largest size."""
    purchase = a_purchase(new_name("f" * 120), bundle_id="b" * 64)
    ledger.open_purchase(purchase)
    return purchase


def test_open_purchase_costs_one_trip_and_six_units(atomic_store: DynamoStore, ledger: Ledger) -> None:
    purchase = a_purchase()

    first = measured(atomic_store, lambda: ledger.open_purchase(purchase))
    assert reported(atomic_store, first) == reported(atomic_store, Cost(1, wru=6))

    assert measured(atomic_store, lambda: ledger.open_purchase(purchase)) == Cost(1), "a repeat"


def test_claim_asking_costs_one_unit(atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase) -> None:
    assert measured(atomic_store, lambda: ledger.claim_asking(purchase.ref, START, START)) == Cost(1, wru=1)


def test_post_purchase_costs_one_trip_and_five_units(
    atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase
) -> None:
    session = session_of(purchase)

    first = measured(atomic_store, lambda: ledger.post_purchase(session, a_posting()))
    assert reported(atomic_store, first) == reported(atomic_store, Cost(1, wru=5))

    assert measured(atomic_store, lambda: ledger.post_purchase(session, a_posting())) == Cost(1)


def test_post_purchase_of_unknown_purchase_costs_one_trip(atomic_store: DynamoStore, ledger: Ledger) -> None:
    def post() -> None:
        with pytest.raises(NotFound):
            ledger.post_purchase(session_of(a_purchase()), a_posting())

    assert measured(atomic_store, post) == Cost(1)


def test_post_gift_costs_one_trip_and_five_units(atomic_store: DynamoStore, ledger: Ledger) -> None:
    gift = a_gift(
        new_name("f" * 120),
        creator_id="c" * 128,
        item_id="i" * 64,
        stream_id="s" * 64,
        message="x" * MAX_SMALL_BYTES,
        anonymous=True,
    )
    buy(ledger, gift.user_id, 60)

    first = measured(atomic_store, lambda: ledger.post_gift(gift))
    assert reported(atomic_store, first) == reported(atomic_store, Cost(1, wru=5))

    assert measured(atomic_store, lambda: ledger.post_gift(gift)) == Cost(1), "a repeat"
    assert measured(atomic_store, lambda: ledger.post_gift(a_gift(gift.user_id))) == Cost(1), "a refusal"


def test_post_gift_with_budget_costs_the_same(atomic_store: DynamoStore, ledger: Ledger) -> None:
    fan = new_name("f" * 120)
    buy(ledger, fan, 1_000)
    set_longest_budget(ledger, fan)

    first = measured(atomic_store, lambda: ledger.post_gift(a_gift(fan)))
    assert reported(atomic_store, first) == reported(atomic_store, Cost(1, wru=5))
    assert measured(atomic_store, lambda: ledger.post_gift(a_gift(fan, price_coins=999))) == Cost(1), "a refusal"

    tomorrow = START + timedelta(days=1)
    change = due_change(ledger.read_wallet(fan).budget, tomorrow)
    renewing = measured(atomic_store, lambda: ledger.post_gift(a_gift(fan, posted_at=tomorrow), change))
    assert reported(atomic_store, renewing) == reported(atomic_store, Cost(1, wru=5))


@pytest.mark.parametrize(("message", "further"), [("x" * 400, 0), ("漢" * 350, 1), ("🎂" * 400, 1)])
def test_post_gift_costs_two_units_per_further_kilobyte(
    atomic_store: DynamoStore, ledger: Ledger, message: str, further: int
) -> None:
    gift = a_gift(kind=GiftKind.SUPER_CHAT, item_id=None, quantity=1, message=message, color="red", pin_seconds=60)
    buy(ledger, gift.user_id, 60)
    cost = measured(atomic_store, lambda: ledger.post_gift(gift))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=5 + 2 * further))


@pytest.mark.parametrize("number", [1, 9, 10, 99])
def test_receive_gifts_costs_two_units_per_gift_and_two_per_shard(atomic_store: DynamoStore, number: int) -> None:
    creator_id, number = new_name("creator"), min(number, atomic_store.max_gifts)
    gifts = gifts_to(creator_id, number)

    def receive() -> None:
        atomic_store.ledger.receive_gifts(creator_id, 0, gifts, new_id())

    first = measured(atomic_store, receive)
    assert reported(atomic_store, first) == reported(atomic_store, Cost(2, wru=2 * number + 2, rru=1))

    assert measured(atomic_store, receive) == Cost(2, rru=1), "all of them again"


def test_receive_gifts_of_partly_known_batch_costs_four_trips(atomic_store: DynamoStore, ledger: Ledger) -> None:
    creator_id = new_name("creator")
    gifts = gifts_to(creator_id, 9)
    ledger.receive_gifts(creator_id, 0, gifts[:5])

    again = measured(atomic_store, lambda: ledger.receive_gifts(creator_id, 0, gifts))

    assert reported(atomic_store, again) == reported(atomic_store, Cost(4, wru=10, rru=2))


def test_move_purchase_costs_one_unit(atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase) -> None:
    def move() -> None:
        ledger.move_purchase(purchase.ref, Status.PROCESSING, [Status.PENDING])

    assert measured(atomic_store, move) == Cost(1, wru=1)
    assert measured(atomic_store, move) == Cost(2, rru=1), "refused, and read"


def test_move_purchase_after_a_refusal_costs_one_trip_and_four_units(
    atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase
) -> None:
    def refuse() -> None:
        ledger.move_purchase(purchase.ref, Status.FAILED, [Status.PENDING], None, "payment_unavailable")

    assert reported(atomic_store, measured(atomic_store, refuse)) == reported(atomic_store, Cost(1, wru=4))


def test_notes_of_published_gifts_cost_one_unit(atomic_store: DynamoStore, ledger: Ledger) -> None:
    gift = a_gift()
    ledger.receive_gifts(gift.creator_id, gift.shard, [gift], run_id := new_id())

    assert measured(atomic_store, lambda: ledger.mark_run_published(run_id, START)) == Cost(1, wru=1)
    note = partial(ledger.mark_gift_published, gift.creator_id, gift.shard, gift.event_id, START)
    assert measured(atomic_store, note) == Cost(1, wru=1)


def test_mark_published_costs_one_unit(atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase) -> None:
    ledger.post_purchase(session_of(purchase), a_posting())
    for _ in range(2):
        assert measured(
            atomic_store, lambda: ledger.mark_published(purchase.user_id, purchase.entry_id, START)
        ) == Cost(1, wru=1)


def test_may_publish_again_costs_one_unit(atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase) -> None:
    ledger.post_purchase(session_of(purchase), a_posting())
    ask = partial(ledger.may_publish_again, purchase.user_id, purchase.entry_id)
    assert measured(atomic_store, ask) == Cost(1, wru=1)


def test_file_review_costs_two_units(atomic_store: DynamoStore, ledger: Ledger) -> None:
    review = a_review()
    assert measured(atomic_store, lambda: ledger.file_review(review)) == Cost(2, wru=2, rru=1), (
        "the row of an older version is looked up first"
    )
    assert measured(atomic_store, lambda: ledger.file_review(review)) == Cost(2, rru=1)


def test_reads_cost_one_consistent_read(atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase) -> None:
    user_id = purchase.user_id
    assert measured(atomic_store, lambda: ledger.find_entry(user_id, purchase.purchase_id)) == Cost(1, rru=1)
    assert measured(atomic_store, lambda: ledger.read_wallet(user_id)) == Cost(1, rru=1)


@pytest.mark.parametrize("limit", [1, 3, 4, 20])
def test_list_entries_costs_one_trip(atomic_store: DynamoStore, ledger: Ledger, limit: int) -> None:
    user_id = new_name("fan")
    made = [a_purchase(user_id) for _ in range(4)]
    for purchase in made:
        ledger.open_purchase(purchase)

    assert measured(atomic_store, lambda: ledger.list_entries(user_id, limit)) == Cost(1, rru=1)
    newest = made[-1].purchase_id
    assert measured(atomic_store, lambda: ledger.list_entries(user_id, limit, newest)) == Cost(1, rru=1)


def test_change_budget_costs_one_unit(atomic_store: DynamoStore, ledger: Ledger) -> None:
    change = BudgetChange(seen=None, budget=a_budget(coins=ByPeriod(1, 2, 3)))
    fan = new_name("fan")
    assert measured(atomic_store, lambda: ledger.change_budget(fan, change)) == Cost(1, wru=1)
    assert measured(atomic_store, lambda: ledger.change_budget(fan, change)) == Cost(1), "refused"


def test_exclude_costs_one_trip_and_four_units(atomic_store: DynamoStore, ledger: Ledger) -> None:
    exclusion = an_exclusion()
    first = measured(atomic_store, lambda: ledger.exclude(exclusion))
    assert reported(atomic_store, first) == reported(atomic_store, Cost(1, wru=4))
    assert measured(atomic_store, lambda: ledger.exclude(exclusion)) == Cost(1), "a repeat"


def test_move_purchase_with_release_costs_one_trip_and_four_units(
    atomic_store: DynamoStore, ledger: Ledger, purchase: Purchase
) -> None:
    set_longest_budget(ledger, purchase.user_id)
    seen = ledger.read_wallet(purchase.user_id).budget
    assert seen
    change = BudgetChange(seen=seen, budget=replace(seen, version=seen.version + 1))

    released = measured(
        atomic_store,
        lambda: ledger.move_purchase(purchase.ref, Status.EXPIRED, [Status.PENDING], change),
    )

    assert reported(atomic_store, released) == reported(atomic_store, Cost(1, wru=4))


def test_post_notification_costs_two_units(atomic_store: DynamoStore, ledger: Ledger) -> None:
    notification = a_notification()
    assert measured(atomic_store, lambda: ledger.post_notification(notification)) == Cost(1, wru=2)
    assert measured(atomic_store, lambda: ledger.post_notification(notification)) == Cost(1)
