from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import CheckoutSession, UnrelatedPayment
from chalicelib.domain.purchases import UNPOSTED, Status
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.errors import TryAgain
from chalicelib.usecases.fulfillment import fulfill_checkout
from tests.domain.builders import FAN, KEY, a_purchase
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness


def fulfill(harness: CheckoutHarness, session: CheckoutSession | None = None) -> Outcome:
    session = session or session_of(a_purchase())
    return fulfill_checkout(session, gateway=harness.gateway, ledger=harness.ledger, clock=harness.clock)


@pytest.mark.parametrize("status", UNPOSTED)
def test_fulfill_checkout_credits_from_every_status(status: Status) -> None:
    harness = CheckoutHarness()
    harness.stock(status=status)
    assert fulfill(harness) is Outcome.CREDITED
    assert harness.balance() == 70
    assert harness.recorder.calls == ["post_purchase"]
    assert harness.purchase() == a_purchase(
        status=Status.POSTED, posted_at=START, event_id=uuid7_at(START, 1), payment_intent=f"pi_{KEY}", version=2
    )


def test_fulfill_checkout_of_the_same_payment_is_a_repeat() -> None:
    harness = CheckoutHarness()
    harness.stock()
    fulfill(harness)
    before = harness.state()
    harness.clock.advance(timedelta(days=400))
    assert fulfill(harness) is Outcome.REPEATED
    assert harness.state() == before


MISMATCHES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"payment_status": "no_payment_required"}, {}, "no_payment_required"),
    ({"payment_status": "no_payment_required", "payment_intent": None, "total_minor": 0}, {}, "no_payment_required"),
    ({"payment_status": "unpaid"}, {}, "unpaid"),
    ({"payment_intent": None}, {}, "no_payment_intent"),
    ({"total_minor": 37}, {}, "discounted_or_surcharged"),
    ({"total_minor": 0}, {}, "discounted_or_surcharged"),
    ({"currency": "eur"}, {}, "other_currency"),
    ({"subtotal_minor": 148, "total_minor": 148}, {}, "other_amount"),
    ({"subtotal_minor": 0, "total_minor": 0}, {}, "other_amount"),
    ({}, {"coins": 71}, "other_coins"),
    ({}, {"purchase_id": uuid7_at(START, 9)}, "no_such_purchase"),
    ({}, {"user_id": "fan-2"}, "no_such_purchase"),
]


def mismatch(session: dict[str, Any], ref: dict[str, Any]) -> CheckoutSession:
    found = session_of(a_purchase(), **session)
    assert found.ref is not None
    return replace(found, ref=replace(found.ref, **ref))


@pytest.mark.parametrize("status", UNPOSTED)
@pytest.mark.parametrize(("session", "ref", "reason"), MISMATCHES, ids=str)
def test_fulfill_checkout_of_a_mismatch_files_one_review_and_credits_nothing(
    session: dict[str, Any], ref: dict[str, Any], reason: str, status: Status
) -> None:
    harness = CheckoutHarness()
    stored = harness.stock(status=status)
    outcomes = [fulfill(harness, mismatch(session, ref)) for _ in range(3)]
    assert outcomes == [Outcome.IN_REVIEW, Outcome.REVIEWED, Outcome.REVIEWED]
    assert harness.reasons() == [reason]
    assert harness.books.coins == {}
    assert harness.purchase() == stored


@pytest.mark.parametrize(("session", "ref", "reason"), MISMATCHES, ids=str)
def test_fulfill_checkout_after_a_mismatch_credits_the_right_payment(
    session: dict[str, Any], ref: dict[str, Any], reason: str
) -> None:
    harness = CheckoutHarness()
    harness.stock()
    fulfill(harness, mismatch(session, ref))
    assert fulfill(harness) is Outcome.CREDITED
    assert (harness.balance(), harness.reasons()) == (70, [reason])


@pytest.mark.parametrize(
    ("rendered", "present", "outcome", "reasons"),
    [
        ({"payment_intent": None}, {}, Outcome.CREDITED, []),
        ({"total_minor": 0}, {}, Outcome.CREDITED, []),
        ({"payment_intent": None}, {"total_minor": 37}, Outcome.IN_REVIEW, ["discounted_or_surcharged"]),
        ({"total_minor": 37}, {"payment_status": "unpaid"}, Outcome.IN_REVIEW, ["discounted_or_surcharged"]),
    ],
    ids=str,
)
def test_fulfill_checkout_before_a_review_reads_the_session_again(
    rendered: dict[str, Any], present: dict[str, Any], outcome: Outcome, reasons: list[str]
) -> None:
    harness = CheckoutHarness()
    purchase = harness.stock()
    harness.provider.present[f"cs_test_{KEY}"] = session_of(purchase, ref=None, **present)
    assert fulfill(harness, session_of(purchase, **rendered)) is outcome
    assert harness.reasons() == reasons
    assert harness.recorder.calls.count("read_session") == 1


def test_fulfill_checkout_of_a_second_payment_credits_once_and_files_one_review() -> None:
    harness = CheckoutHarness()
    harness.stock()
    second = session_of(a_purchase(), payment_intent="pi_second")
    assert [fulfill(harness), fulfill(harness, second), fulfill(harness, second), fulfill(harness)] == [
        Outcome.CREDITED,
        Outcome.IN_REVIEW,
        Outcome.REVIEWED,
        Outcome.REPEATED,
    ]
    assert (harness.balance(), harness.reasons()) == (70, ["paid_twice"])
    assert harness.purchase().payment_intent == f"pi_{KEY}"


def test_fulfill_checkout_of_two_mismatched_payments_files_two_reviews() -> None:
    harness = CheckoutHarness()
    for payment_intent in ("pi_1", "pi_2"):
        fulfill(harness, session_of(a_purchase(), payment_intent=payment_intent))
    assert list(harness.books.reviews) == ["pi_1", "pi_2"]


def test_fulfill_checkout_review_has_quote_and_payment() -> None:
    harness = CheckoutHarness()
    fulfill(harness, session_of(a_purchase(), total_minor=37))
    assert harness.books.reviews == {
        f"pi_{KEY}": Review(
            payment_id=f"pi_{KEY}",
            reason=ReviewReason.DISCOUNTED,
            session_id=f"cs_test_{KEY}",
            purchase_id=KEY,
            user_id=FAN,
            coins=70,
            amount_minor=37,
            currency="usd",
            paid_at=START,
            opened_at=START,
        )
    }


def test_fulfill_checkout_review_without_payment_has_the_session_id() -> None:
    harness = CheckoutHarness()
    fulfill(harness, session_of(a_purchase(), payment_intent=None))
    assert list(harness.books.reviews) == [f"cs_test_{KEY}"]


@pytest.mark.parametrize(("fault", "then"), [("fail_before", "credited"), ("fail_after", "repeated")])
def test_fulfill_checkout_retry_after_try_again_credits_once(fault: str, then: str) -> None:
    harness = CheckoutHarness()
    harness.stock()
    getattr(harness.recorder, fault)["post_purchase"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(harness)
    assert fulfill(harness) == then
    assert harness.balance() == 70


def test_fulfill_checkout_unwritten_review_raises_try_again() -> None:
    harness = CheckoutHarness()
    harness.recorder.fail_before["file_review"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(harness)
    assert fulfill(harness) is Outcome.IN_REVIEW
    assert harness.reasons() == ["no_such_purchase"]


@pytest.mark.parametrize("changes", [{}, {"payment_intent": None}])
def test_fulfill_checkout_of_an_unrelated_session_raises_unrelated_payment(changes: dict[str, Any]) -> None:
    with pytest.raises(UnrelatedPayment):
        fulfill(CheckoutHarness(), session_of(a_purchase(), ref=None, **changes))
