"""Count of unsettled reviews of this month and the last."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from chalicelib.domain.reviews import Review, ReviewReason, Settlement
from chalicelib.usecases.audit import count_open_reviews
from tests.fake_operators import FakeOperators
from tests.fakes import FakeClock, FakeLedger

NOW = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
SETTLED = Settlement(key="k", decision="refuse", reason="seen", actor="olga", settled_at=NOW)
REVIEW = Review(
    payment_id="pi_1",
    reason=ReviewReason.PAID_TWICE,
    session_id="cs_1",
    purchase_id="p",
    user_id="ann",
    coins=70,
    amount_minor=74,
    currency="usd",
    paid_at=NOW,
)


@pytest.mark.parametrize(
    ("review", "waiting"),
    [
        (REVIEW, 1),
        (replace(REVIEW, settlement=SETTLED), 0),
        (replace(REVIEW, paid_at=datetime(2026, 2, 1, tzinfo=UTC)), 1),
        (replace(REVIEW, paid_at=datetime(2026, 1, 31, tzinfo=UTC)), 0),
    ],
)
def test_count_open_reviews_counts_unsettled_ones(review: Review, waiting: int) -> None:
    ledger = FakeLedger()
    ledger.file_review(review)
    assert count_open_reviews(operators=FakeOperators(ledger), clock=FakeClock(NOW)) == waiting
