"""Contract of the OperatorLedger port: reviews and their settlements."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.reviews import Review
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


def test_a_payment_is_in_review_once(store: Store, review: Review) -> None:
    assert store.ledger.file_review(replace(review, reason="other_amount", coins=1)) == Repeated()
    assert found(store, review) == review


def test_a_month_lists_its_reviews_and_no_others(store: Store, review: Review) -> None:
    same_month = [a_review(paid_at=review.paid_at) for _ in range(3)]
    for each in (*same_month, a_review(paid_at=new_month())):
        store.ledger.file_review(each)

    listed = store.operators.list_reviews(review.month)

    assert sorted(listed, key=lambda each: each.payment_id) == sorted(
        [review, *same_month], key=lambda each: each.payment_id
    )


def test_a_month_without_reviews_is_empty(store: Store) -> None:
    assert list(store.operators.list_reviews(f"{new_month():%Y-%m}")) == []


def test_a_review_is_found_in_its_month_only(store: Store, review: Review) -> None:
    assert found(store, review) == review
    assert store.operators.find_review(f"{new_month():%Y-%m}", review.payment_id) is None
    assert store.operators.find_review(review.month, new_name("pi")) is None


def test_to_refuse_moves_nothing(store: Store, review: Review) -> None:
    settlement = a_settlement(decision="refuse")

    assert store.operators.settle_review(review, settlement, None) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert list(store.operators.list_reviews(review.month)) == [replace(review, settlement=settlement)]
    assert coins(store, review) == 0


@pytest.mark.parametrize("held", [0, 30])
def test_to_credit_moves_the_coins(store: Store, review: Review, held: int) -> None:
    if held:
        buy(store.ledger, review.user_id, held)
    settlement, credit = a_settlement(reason="Grüße 🎉"), a_credit(review)

    assert store.operators.settle_review(review, settlement, credit) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert store.ledger.find_entry(review.user_id, credit.entry_id) == credit
    assert coins(store, review) == held + 500


Settle = Callable[[Store, Review], Posted | AlreadySettled | Conflict]


def by_refusing(store: Store, review: Review) -> Posted | AlreadySettled | Conflict:
    return store.operators.settle_review(review, a_settlement(decision="refuse"), None)


def by_crediting(store: Store, review: Review) -> Posted | AlreadySettled | Conflict:
    return store.operators.settle_review(review, a_settlement(), a_credit(review))


@pytest.mark.parametrize("first", [by_refusing, by_crediting])
@pytest.mark.parametrize("then", [by_refusing, by_crediting])
def test_a_review_is_settled_once(store: Store, review: Review, first: Settle, then: Settle) -> None:
    first(store, review)
    settled, before = found(store, review), store.of(review.user_id)

    assert settled is not None
    assert then(store, review) == AlreadySettled(review=settled)

    assert found(store, review) == settled
    assert store.of(review.user_id) == before


def test_the_very_same_act_again_is_told_what_it_did(store: Store, review: Review) -> None:
    settlement, credit = a_settlement(), a_credit(review)
    store.operators.settle_review(review, settlement, credit)

    settled = replace(review, settlement=settlement)
    assert store.operators.settle_review(review, settlement, credit) == AlreadySettled(review=settled)
    assert coins(store, review) == 500


@pytest.mark.parametrize("settle", [by_refusing, by_crediting])
def test_a_review_that_is_not_there_is_not_made(store: Store, settle: Settle) -> None:
    stranger = a_review(user_id=new_name("fan"), paid_at=new_month())
    before = store.of(stranger.user_id)

    assert settle(store, stranger) == Conflict()

    assert found(store, stranger) is None
    assert store.of(stranger.user_id) == before


def test_a_key_that_names_something_else_settles_nothing(store: Store, review: Review) -> None:
    taken = buy(store.ledger, review.user_id, 30)
    before = store.of(review.user_id)

    assert (
        store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=taken.entry_id)) == Conflict()
    )

    assert found(store, review) == review, "it is still open"
    assert store.of(review.user_id) == before
    assert store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=new_id())) == Posted()


def test_of_two_reasons_to_refuse_the_earlier_settlement_is_told(store: Store, review: Review) -> None:
    by_refusing(store, review)
    taken = buy(store.ledger, review.user_id, 30)

    answer = store.operators.settle_review(review, a_settlement(), a_credit(review, entry_id=taken.entry_id))

    assert isinstance(answer, AlreadySettled)
    assert answer.review == found(store, review)
    assert answer.review.settlement is not None
