"""Contract of the OperatorLedger port: reviews and their settlements."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.ports.results import AlreadySettled, Conflict, Posted, Repeated
from tests.adapters.samples import a_review, a_settlement, an_adjustment, buy, new_id, new_month, new_name
from tests.stores import Store


@pytest.fixture
def review(store: Store) -> Review:
    """The only review of its month."""
    review = a_review(user_id=new_name("fan"), paid_at=new_month())
    assert store.ledger.file_review(review) == Posted()
    return review


def a_credit(review: Review, **changes: str) -> Adjustment:
    return replace(an_adjustment(review.user_id, coins=review.coins, about=review.payment_id), **changes)


def found(store: Store, review: Review) -> Review | None:
    return store.operators.find_review(review.month, review.payment_id)


def coins(store: Store, review: Review) -> int:
    return store.ledger.read_wallet(review.user_id).coins


def test_file_review_keeps_first_review_of_a_payment(store: Store, review: Review) -> None:
    assert store.ledger.file_review(replace(review, reason=ReviewReason.OTHER_AMOUNT, coins=1)) == Repeated()
    assert found(store, review) == review


def test_list_reviews_returns_all_of_the_month_only(store: Store, review: Review) -> None:
    same_month = [a_review(paid_at=review.paid_at) for _ in range(3)]
    for each in (*same_month, a_review(paid_at=new_month())):
        store.ledger.file_review(each)

    listed = store.operators.list_reviews(review.month)

    assert sorted(listed, key=lambda each: each.payment_id) == sorted(
        [review, *same_month], key=lambda each: each.payment_id
    )


def test_list_reviews_of_empty_month_is_empty(store: Store) -> None:
    assert list(store.operators.list_reviews(f"{new_month():%Y-%m}")) == []


def test_find_review_requires_its_month(store: Store, review: Review) -> None:
    assert found(store, review) == review
    assert store.operators.find_review(f"{new_month():%Y-%m}", review.payment_id) is None
    assert store.operators.find_review(review.month, new_name("pi")) is None


def test_settle_review_by_refusing_moves_no_coins(store: Store, review: Review) -> None:
    settlement = a_settlement(decision="refuse")

    assert store.operators.settle_review(review, settlement, None) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert list(store.operators.list_reviews(review.month)) == [replace(review, settlement=settlement)]
    assert coins(store, review) == 0


@pytest.mark.parametrize("held", [0, 30])
def test_settle_review_by_crediting_credits_the_coins(store: Store, review: Review, held: int) -> None:
    if held:
        buy(store.ledger, review.user_id, held)
    settlement, credit = a_settlement(reason="Grüße 🎉"), a_credit(review)

    assert store.operators.settle_review(review, settlement, credit) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert store.ledger.find_entry(review.user_id, credit.entry_id) == credit
    assert coins(store, review) == held + 500


Settle = Callable[[Store, Review], Posted | AlreadySettled | Conflict]


def refuse(store: Store, review: Review) -> Posted | AlreadySettled | Conflict:
    return store.operators.settle_review(review, a_settlement(decision="refuse"), None)


def credit_coins(store: Store, review: Review) -> Posted | AlreadySettled | Conflict:
    return store.operators.settle_review(review, a_settlement(), a_credit(review))


@pytest.mark.parametrize("first", [refuse, credit_coins])
@pytest.mark.parametrize("second", [refuse, credit_coins])
def test_settle_review_again_returns_first_settlement(
    store: Store, review: Review, first: Settle, second: Settle
) -> None:
    first(store, review)
    settled, before = found(store, review), store.snapshot(review.user_id)

    assert settled is not None
    assert second(store, review) == AlreadySettled(review=settled)

    assert found(store, review) == settled
    assert store.snapshot(review.user_id) == before


def test_settle_review_repeat_returns_its_settlement(store: Store, review: Review) -> None:
    settlement, credit = a_settlement(), a_credit(review)
    store.operators.settle_review(review, settlement, credit)

    settled = replace(review, settlement=settlement)
    assert store.operators.settle_review(review, settlement, credit) == AlreadySettled(review=settled)
    assert coins(store, review) == 500


@pytest.mark.parametrize("settle", [refuse, credit_coins])
def test_settle_review_of_unknown_review_is_a_conflict(store: Store, settle: Settle) -> None:
    unknown = a_review(user_id=new_name("fan"), paid_at=new_month())
    before = store.snapshot(unknown.user_id)

    assert settle(store, unknown) == Conflict()

    assert found(store, unknown) is None
    assert store.snapshot(unknown.user_id) == before


def test_settle_review_with_taken_key_is_a_conflict(store: Store, review: Review) -> None:
    other = buy(store.ledger, review.user_id, 30)
    before = store.snapshot(review.user_id)

    assert (
        store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=other.entry_id)) == Conflict()
    )

    assert found(store, review) == review, "it is still open"
    assert store.snapshot(review.user_id) == before
    assert store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=new_id())) == Posted()


def test_settle_review_again_with_taken_key_returns_first_settlement(store: Store, review: Review) -> None:
    refuse(store, review)
    other = buy(store.ledger, review.user_id, 30)

    result = store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=other.entry_id))

    assert isinstance(result, AlreadySettled)
    assert result.review == found(store, review)
    assert result.review.settlement is not None
