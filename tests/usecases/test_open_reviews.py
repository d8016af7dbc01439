"""Count of open reviews of any age, which closes those whose payment was credited meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.reviews import ReviewPage, ReviewReason, Settlement
from chalicelib.errors import TryAgain
from chalicelib.usecases.reviews import count_open_reviews
from tests.domain.builders import a_dispute, a_purchase, a_refund, booked
from tests.fakes import START, session_of
from tests.usecases.checkout_harness import PAYMENT, a_stripe_event
from tests.usecases.settlement_harness import ACT, SECOND, SettlementHarness

SETTLED = Settlement(key="k", decision="refuse", reason="seen", actor="olga", settled_at=START)


@pytest.fixture
def harness() -> SettlementHarness:
    return SettlementHarness()


def decisions(harness: SettlementHarness) -> list[str | None]:
    return [review.settlement.decision if review.settlement else None for review in harness.books.reviews.values()]


def test_count_open_reviews_counts_all_of_any_age(harness: SettlementHarness) -> None:
    harness.odd()
    [review] = harness.books.reviews.values()
    for number in range(250):
        age = timedelta(days=3 * number)
        harness.books.file_review(replace(review, payment_id=f"pi_{number}", opened_at=START - age))
    harness.books.file_review(replace(review, payment_id="pi_settled", settlement=SETTLED))
    assert count_open_reviews(harness) == 251


@pytest.mark.parametrize(
    ("month", "settlement", "waiting"),
    [
        (START, None, 1),
        (START, SETTLED, 0),
        (START - timedelta(days=22), None, 1),
        (START - timedelta(days=60), None, 0),
    ],
    ids=str,
)
def test_count_open_reviews_counts_recent_ones_that_are_not_copied(
    harness: SettlementHarness, month: datetime, settlement: Settlement | None, waiting: int
) -> None:
    harness.odd()
    review = harness.books.reviews.pop(PAYMENT)
    harness.fake.old_reviews.append(replace(review, paid_at=month, settlement=settlement))
    assert count_open_reviews(harness) == waiting


def posted_after_review(harness: SettlementHarness) -> None:
    """Post the purchase by a payment in review, whose event was rendered otherwise than its session is."""
    harness.paid()
    harness.deliver(a_stripe_event(session=session_of(a_purchase(), total_minor=1)))
    assert harness.deliver(a_stripe_event()) == "credited"


def test_count_open_reviews_closes_one_whose_payment_was_posted(harness: SettlementHarness) -> None:
    posted_after_review(harness)
    assert [count_open_reviews(harness) for _ in range(2)] == [0, 0]
    settlement = harness.books.reviews[PAYMENT].settlement
    assert settlement is not None
    assert (settlement.decision, settlement.actor) == ("superseded", "audit")
    assert harness.balance() == 70


def test_count_open_reviews_leaves_a_second_payment_open(harness: SettlementHarness) -> None:
    harness.paid_twice()
    assert (count_open_reviews(harness), decisions(harness)) == (1, [None])


def test_count_open_reviews_closes_reviews_of_money_once_the_coins_follow_it(harness: SettlementHarness) -> None:
    harness.paid_twice()
    harness.move_money(payment=SECOND, refunds=[a_refund(37)])
    assert harness.hint(SECOND) == "in_review"
    assert count_open_reviews(harness) == 2
    harness.settle(SECOND)
    assert (harness.balance(), count_open_reviews(harness)) == (105, 0)
    assert decisions(harness) == ["credit", "superseded"]


def test_count_open_reviews_of_money_that_no_coins_follow_yet_stays_open(harness: SettlementHarness) -> None:
    posted_after_review(harness)
    review = harness.books.reviews[PAYMENT]
    harness.books.file_review(replace(review, reason=ReviewReason.MONEY_LEFT, moved="0" * 16, gone_minor=74))
    assert (count_open_reviews(harness), decisions(harness)) == (1, ["superseded", None])


@pytest.mark.parametrize(
    ("movement", "waiting"),
    [
        ({"refunds": [a_refund()]}, 0),
        ({"disputes": [a_dispute(74, bookings=booked(-74))]}, 0),
        ({"disputes": [a_dispute(37, "lost", bookings=booked(-37))]}, 0),
        ({"disputes": [a_dispute(74, "prevented", case_type="resolution")], "refunds": [a_refund()]}, 0),
        ({"refunds": [a_refund(73)]}, 1),
        ({"refunds": [a_refund(74, "failed")]}, 1),
        ({"refunds": [a_refund(74, "pending")]}, 1),
        ({"refunds": [a_refund(73), a_refund(1, "requires_action")]}, 1),
        ({"disputes": [a_dispute(74, "warning_needs_response")]}, 1),
        ({"disputes": [a_dispute(74, "won", bookings=booked(-74, 74))]}, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_second", [False, True])
def test_count_open_reviews_closes_a_warning_when_the_money_has_left(
    harness: SettlementHarness, movement: dict[str, Any], waiting: int, is_second: bool
) -> None:
    """As Stripe's `actionable`. Also where an operator has credited a second payment of the purchase."""
    payment = SECOND if is_second else PAYMENT
    harness.paid_twice()
    harness.settle(SECOND)
    assert harness.hint(payment, "radar.early_fraud_warning.created") == "in_review"
    assert (count_open_reviews(harness), decisions(harness)) == (1, ["credit", None])
    harness.move_money(payment=payment, **movement)
    harness.hint(payment)
    assert count_open_reviews(harness) == waiting
    [warning] = [review for review in harness.books.reviews.values() if review.reason == "early_fraud_warning"]
    assert (warning.settlement is None) == bool(waiting)
    if warning.settlement:
        assert warning.settlement.reason == "the money was taken back"


def test_count_open_reviews_leaves_a_warning_until_the_money_of_that_part_has_left(harness: SettlementHarness) -> None:
    harness.joined()
    first, second = parts = "pi_part_1", "pi_part_2"
    harness.billed(1, payment_intent=first, more_payment_intents=[second])
    for part, paid_minor in zip(parts, (400, 99), strict=True):
        harness.move_money(payment=part, captured_minor=paid_minor)
    assert harness.deliver_invoice(1) == "credited"
    assert harness.hint(second, "radar.early_fraud_warning.created") == "in_review"
    for part, paid_minor, waiting in ((first, 400, 1), (second, 99, 0)):
        taken = a_dispute(paid_minor, bookings=booked(-paid_minor))
        harness.move_money(payment=part, captured_minor=paid_minor, disputes=[taken])
        harness.hint(part, "charge.dispute.funds_withdrawn")
        assert count_open_reviews(harness) == waiting


def test_count_open_reviews_leaves_a_warning_of_an_uncredited_payment(harness: SettlementHarness) -> None:
    harness.odd()
    harness.hint(PAYMENT, "radar.early_fraud_warning.created")
    harness.settle(decision="refuse")
    harness.move_money(captured_minor=70, refunds=[a_refund(70)])
    harness.hint()
    assert (count_open_reviews(harness), decisions(harness)) == (2, ["refuse", None, None])


def test_count_open_reviews_closes_one_whose_payment_showed_later(harness: SettlementHarness) -> None:
    harness.joined()
    harness.billed(1, payment_intent=None)
    assert (harness.deliver_invoice(1), count_open_reviews(harness)) == ("in_review", 1)
    harness.billed(1)
    assert (harness.deliver_invoice(1), count_open_reviews(harness)) == ("credited", 0)
    assert (decisions(harness), harness.balance()) == (["superseded"], 500)


def test_count_open_reviews_with_an_unreadable_entry_goes_on(harness: SettlementHarness) -> None:
    posted_after_review(harness)
    review = harness.books.reviews[PAYMENT]
    harness.books.reviews = {"pi_0": replace(review, payment_id="pi_0"), PAYMENT: review}
    harness.recorder.fail_before["find_entry"] = ValueError("an unreadable row")
    assert (count_open_reviews(harness), decisions(harness)) == (1, [None, "superseded"])
    harness.recorder.fail_before["find_entry"] = TryAgain()
    with pytest.raises(TryAgain):
        count_open_reviews(harness)


def test_count_open_reviews_meets_an_operator_who_settles_one(harness: SettlementHarness) -> None:
    posted_after_review(harness)
    harness.fake.list_open_reviews = lambda *_: ReviewPage(  # type: ignore[method-assign]  # as read before
        reviews=[replace(harness.books.reviews[PAYMENT], settlement=SETTLED)], after=None
    )
    assert (count_open_reviews(harness), decisions(harness)) == (0, [None])


# --- money that moves on a payment in review --------------------------------------------------------------------------


def test_each_movement_out_and_back_is_one_review(harness: SettlementHarness) -> None:
    """A payment is disputed 120 days later, won, and refunded after all."""
    harness.odd()
    harness.settle(decision="refuse", key=ACT)
    harness.clock.advance(timedelta(days=120))
    out, back = a_refund(70, "pending"), a_refund(70, "failed")
    again = replace(a_refund(70), refund_id="re_2")
    seen = []
    for refunds in ([out], [out], [back], [out], [back, again], [back, again], [back, replace(again, status="failed")]):
        harness.move_money(captured_minor=70, refunds=refunds)
        seen.append(harness.hint())
    assert seen == ["in_review", "reviewed", "in_review", "reviewed", "in_review", "reviewed", "in_review"]
    moved = [review for review in harness.books.reviews.values() if review.moved]
    assert [review.gone_minor for review in moved] == [70, 0, 70, 0]
    assert {review.opened_at for review in moved} == {START + timedelta(days=120)}
    assert (count_open_reviews(harness), harness.balance()) == (4, 0)


def test_money_that_never_left_files_no_review(harness: SettlementHarness) -> None:
    harness.odd()
    harness.move_money(captured_minor=70, refunds=[a_refund(70, "failed")])
    assert harness.hint() == "reviewed"
    assert list(harness.books.reviews) == [PAYMENT]
