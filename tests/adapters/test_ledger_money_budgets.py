"""Contract of the Ledger port: budgets on money, and the release of unpaid amounts."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import (
    UNLIMITED,
    Budget,
    BudgetChange,
    changed,
    due_change,
    released,
)
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import NotFound, TryAgain
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Unchanged
from tests.adapters.budget_lab import MIDNIGHT, budget_of, coins, fan_with_coins, set_budget, wallet
from tests.adapters.samples import (
    a_budget,
    a_credit,
    a_posting,
    a_purchase,
    a_review,
    a_settlement,
    new_id,
)
from tests.fakes import START, session_of
from tests.stores import Store


@pytest.fixture
def fan(store: Store) -> str:
    return fan_with_coins(store)


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [0, 1, 2])
def test_open_purchase_spends_budget_to_its_last_cent(store: Store, fan: str, period: int) -> None:
    limits = ByPeriod(*(1_000 if place == period else UNLIMITED for place in range(3)))
    set_budget(store, fan, a_budget(currency="usd", money=limits))

    assert store.ledger.open_purchase(a_purchase(fan, amount_minor=600)) == Posted()
    refused = store.ledger.open_purchase(a_purchase(fan, amount_minor=401))
    assert refused == Rejected(wallet=wallet(store, fan))
    assert store.ledger.open_purchase(a_purchase(fan, amount_minor=400)) == Posted()

    assert budget_of(store, fan).money_left[period] == 0
    assert wallet(store, fan).coins == 1_000


def test_open_purchase_in_another_currency_is_rejected(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(currency="usd", money=coins(day=1_000)))

    assert store.ledger.open_purchase(a_purchase(fan, currency="eur")) == Rejected(wallet=wallet(store, fan))
    assert budget_of(store, fan).money_left.day == 1_000


def test_open_purchase_with_budget_on_coins_accepts_any_currency(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=0)))
    for currency in ("usd", "eur"):
        assert store.ledger.open_purchase(a_purchase(fan, currency=currency)) == Posted()


def test_open_purchase_first_of_a_day_renews_budget(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(currency="usd", money=ByPeriod(600, UNLIMITED, 1_000)))
    store.ledger.open_purchase(a_purchase(fan, amount_minor=600))
    late = a_purchase(fan, amount_minor=400, created_at=MIDNIGHT)
    assert store.ledger.open_purchase(late) == Rejected(wallet=wallet(store, fan))
    change = due_change(budget_of(store, fan), MIDNIGHT)

    assert store.ledger.open_purchase(late, change) == Posted()
    assert store.ledger.open_purchase(a_purchase(fan, created_at=MIDNIGHT), change) != Posted(), "renewed before"

    assert budget_of(store, fan).money_left == ByPeriod(200, UNLIMITED - 400, 0)


def test_open_purchase_rejected_stores_nothing(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(currency="usd", money=coins(day=0)))
    purchase = a_purchase(fan)

    assert store.ledger.open_purchase(purchase) != Posted()

    assert store.ledger.find_entry(fan, purchase.purchase_id) is None


def test_open_purchase_with_taken_id_returns_that_entry(store: Store, fan: str) -> None:
    purchase = a_purchase(fan)
    store.ledger.open_purchase(purchase)
    set_budget(store, fan, a_budget(currency="usd", money=coins(day=0)))

    assert store.ledger.open_purchase(purchase) == AlreadyExists(entry=purchase, wallet=wallet(store, fan))


# --- release of unpaid amounts ----------------------------------------------------------------------------------------


def opened(store: Store, fan: str, budget: Budget) -> Purchase:
    """Open a purchase of 5.29 USD that counts against the budget."""
    set_budget(store, fan, budget)
    purchase = a_purchase(fan)
    assert store.ledger.open_purchase(purchase) == Posted()
    return purchase


def end(store: Store, purchase: Purchase, to: Status = Status.EXPIRED) -> Posted | Unchanged:
    """End the purchase unpaid and release its price."""
    seen = budget_of(store, purchase.user_id)
    budget = released(seen, purchase.amount_minor, purchase.currency, purchase.created_at, START)
    assert budget
    allowed = [Status.PENDING, Status.PROCESSING]
    return store.ledger.move_purchase(purchase.ref, to, allowed, BudgetChange(seen=seen, budget=budget))


@pytest.mark.parametrize("to", [Status.EXPIRED, Status.FAILED])
def test_move_purchase_to_unpaid_end_releases_price(store: Store, fan: str, to: Status) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=ByPeriod(600, 700, UNLIMITED)))
    assert budget_of(store, fan).money_left == ByPeriod(71, 171, UNLIMITED - 529)

    assert end(store, purchase, to) == Posted()

    assert budget_of(store, fan).money_left == ByPeriod(600, 700, UNLIMITED)
    assert store.ledger.find_entry(fan, purchase.purchase_id) == replace(purchase, status=to, is_released=True)


def test_move_purchase_releases_price_once(store: Store, fan: str) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=5_000)))
    store.ledger.open_purchase(a_purchase(fan))
    end(store, purchase)
    ended = store.ledger.find_entry(fan, purchase.purchase_id)

    assert isinstance(ended, Purchase)
    assert end(store, purchase, Status.FAILED) == Unchanged(purchase=ended)
    store.ledger.move_purchase(purchase.ref, Status.PROCESSING, [Status.EXPIRED])
    with pytest.raises(TryAgain):
        end(store, purchase, Status.FAILED)

    assert budget_of(store, fan).money_left.day == 5_000 - 529


def test_move_purchase_with_outdated_budget_raises_try_again(store: Store, fan: str) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=5_000)))
    seen = budget_of(store, fan)
    released_budget = released(seen, 529, "usd", START, START)
    assert released_budget
    lower = changed(seen, replace(seen.limits, money=coins(day=1_000)), START)
    store.ledger.change_budget(fan, BudgetChange(seen=seen, budget=lower))

    with pytest.raises(TryAgain):
        store.ledger.move_purchase(
            purchase.ref, Status.EXPIRED, [Status.PENDING], BudgetChange(seen=seen, budget=released_budget)
        )

    assert store.ledger.find_entry(fan, purchase.purchase_id) == purchase
    assert budget_of(store, fan) == lower


def test_move_purchase_of_unknown_purchase_is_not_found(store: Store, fan: str) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=5_000)))
    with pytest.raises(NotFound):
        end(store, replace(purchase, purchase_id=new_id()))


def test_post_purchase_after_release_counts_price_again(store: Store, fan: str) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=600)))
    end(store, purchase)
    store.ledger.open_purchase(a_purchase(fan, amount_minor=600))
    posting = a_posting()

    assert store.ledger.post_purchase(session_of(purchase), posting) == Posted()
    again = store.ledger.post_purchase(session_of(purchase), a_posting())

    assert budget_of(store, fan).money_left == ByPeriod(-529, UNLIMITED - 1_129, UNLIMITED - 1_129)
    assert wallet(store, fan).coins == 1_500
    posted = replace(
        purchase,
        status=Status.POSTED,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payment_intent=f"pi_{purchase.purchase_id}",
        version=2,
    )
    assert again == Unchanged(purchase=posted)


@pytest.mark.parametrize("is_released", [False, True])
def test_settle_review_with_credit_counts_money_once(store: Store, fan: str, *, is_released: bool) -> None:
    """A price that was released counts again, as it was paid; one that still counts stays as quoted."""
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=600)))
    if is_released:
        end(store, purchase)
    stored = store.ledger.find_entry(fan, purchase.purchase_id)
    review = a_review(user_id=fan, purchase_id=purchase.purchase_id, amount_minor=400)
    store.ledger.file_review(review)

    assert store.operators.settle_review(review, a_settlement(), a_credit(review, stored)) == Posted()

    assert budget_of(store, fan).money_left.day == (200 if is_released else 71)


def test_post_purchase_without_release_counts_price_once(store: Store, fan: str) -> None:
    purchase = opened(store, fan, a_budget(currency="usd", money=coins(day=600)))

    store.ledger.post_purchase(session_of(purchase), a_posting())

    assert budget_of(store, fan).money_left.day == 71
