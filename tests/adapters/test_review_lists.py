"""Contract of the OperatorLedger port: lists of reviews, by pages."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.reviews import Review
from chalicelib.ports.results import Posted
from tests.adapters.samples import a_review, a_settlement, new_month, new_name
from tests.stores import Store


@pytest.fixture
def review(store: Store) -> Review:
    """The only review of its month."""
    review = a_review(user_id=new_name("fan"), paid_at=new_month())
    assert store.ledger.file_review(review) == Posted()
    return review


def listed(store: Store, month: str, limit: int = 100, *, is_any_age: bool = False) -> list[Review]:
    """List all pages. The index lags by moments."""
    found_reviews: list[Review] = []
    after = None
    while True:
        page = store.operators.list_reviews(month, after, limit, is_any_age=is_any_age)
        assert len(page.reviews) <= limit
        found_reviews += page.reviews
        after = page.after
        if after is None:
            return found_reviews


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_list_reviews_pages_through_the_month_by_time_of_opening(store: Store, review: Review, limit: int) -> None:
    at = review.opened_at
    later = [a_review(paid_at=at, opened_at=at + timedelta(milliseconds=number)) for number in (0, 0, 1, 1)]
    for each in (*later, a_review(paid_at=at, opened_at=at + timedelta(days=31))):
        store.ledger.file_review(each)
    settlement = a_settlement(decision="refuse")
    store.operators.settle_review(later[1], settlement, None)

    everything = sorted(
        [review, later[0], replace(later[1], settlement=settlement), *later[2:]],
        key=lambda each: (each.opened_at, each.payment_id),
    )
    assert listed(store, f"{at:%Y-%m}", limit) == everything


def test_list_reviews_of_any_age_lists_open_ones_of_all_months(store: Store, review: Review) -> None:
    settled = a_review(paid_at=review.paid_at)
    store.ledger.file_review(settled)
    store.operators.close_review(settled, a_settlement())

    month = f"{new_month():%Y-%m}"
    everything = listed(store, month, is_any_age=True)
    assert review in everything
    assert settled.payment_id not in {each.payment_id for each in everything}
    assert listed(store, month) == []
    assert store.operators.list_reviews(month, "~~~", 100, is_any_age=True).reviews == []


def test_list_open_reviews_ends_with_the_newest(store: Store, review: Review) -> None:
    newest = a_review(opened_at=review.opened_at + timedelta(days=400))
    store.ledger.file_review(newest)
    pages: list[Review] = []
    after = None
    while True:
        page = store.operators.list_open_reviews(after, 50)
        pages += page.reviews
        after = page.after
        if after is None:
            break
    assert pages.index(review) < pages.index(newest)
