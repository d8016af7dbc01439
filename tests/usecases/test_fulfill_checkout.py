from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.payments import CheckoutSession
from chalicelib.domain.purchases import UNPOSTED, Status
from chalicelib.domain.reviews import Review
from chalicelib.errors import TryAgain
from chalicelib.usecases.fulfillment import Fulfillment, fulfill_checkout
from tests.domain.builders import FAN, KEY, a_purchase
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.desk import Desk


def fulfill(desk: Desk, session: CheckoutSession | None = None) -> Fulfillment:
    return fulfill_checkout(session or session_of(a_purchase()), ledger=desk.ledger, clock=desk.clock)


@pytest.mark.parametrize("status", UNPOSTED)
def test_paid_coins_land_in_the_wallet_from_every_status(status: Status) -> None:
    desk = Desk()
    desk.stock(status=status)
    assert fulfill(desk) is Fulfillment.CREDITED
    assert desk.balance() == 70
    assert desk.watch.calls == ["post_purchase"]
    assert desk.purchase() == a_purchase(
        status=Status.POSTED, posted_at=START, event_id=uuid7_at(START, 1), payment_intent=f"pi_{KEY}", version=2
    )


def test_the_same_payment_again_is_a_repeat_that_changes_nothing() -> None:
    desk = Desk()
    desk.stock()
    fulfill(desk)
    before = desk.state()
    desk.clock.advance(timedelta(days=400))
    assert fulfill(desk) is Fulfillment.REPEATED
    assert desk.state() == before


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


def mismatch(session: dict[str, Any], claim: dict[str, Any]) -> CheckoutSession:
    found = session_of(a_purchase(), **session)
    assert found.claim is not None
    return replace(found, claim=replace(found.claim, **claim))


@pytest.mark.parametrize("status", UNPOSTED)
@pytest.mark.parametrize(("session", "claim", "reason"), MISMATCHES, ids=str)
def test_what_does_not_match_the_quote_is_reviewed_once_and_credits_nothing(
    session: dict[str, Any], claim: dict[str, Any], reason: str, status: Status
) -> None:
    desk = Desk()
    stored = desk.stock(status=status)
    told = [fulfill(desk, mismatch(session, claim)) for _ in range(3)]
    assert told == [Fulfillment.IN_REVIEW, Fulfillment.REVIEWED, Fulfillment.REVIEWED]
    assert desk.reasons() == [reason]
    assert desk.books.coins == {}
    assert desk.purchase() == stored


@pytest.mark.parametrize(("session", "claim", "reason"), MISMATCHES, ids=str)
def test_a_mismatch_does_not_stand_in_the_way_of_the_right_payment(
    session: dict[str, Any], claim: dict[str, Any], reason: str
) -> None:
    desk = Desk()
    desk.stock()
    fulfill(desk, mismatch(session, claim))
    assert fulfill(desk) is Fulfillment.CREDITED
    assert (desk.balance(), desk.reasons()) == (70, [reason])


def test_a_purchase_paid_twice_is_credited_once_and_its_second_payment_reviewed_once() -> None:
    desk = Desk()
    desk.stock()
    second = session_of(a_purchase(), payment_intent="pi_second")
    assert [fulfill(desk), fulfill(desk, second), fulfill(desk, second), fulfill(desk)] == [
        Fulfillment.CREDITED,
        Fulfillment.IN_REVIEW,
        Fulfillment.REVIEWED,
        Fulfillment.REPEATED,
    ]
    assert (desk.balance(), desk.reasons()) == (70, ["paid_twice"])
    assert desk.purchase().payment_intent == f"pi_{KEY}"


def test_two_strange_payments_are_two_reviews() -> None:
    desk = Desk()
    for payment_intent in ("pi_1", "pi_2"):
        fulfill(desk, session_of(a_purchase(), payment_intent=payment_intent))
    assert list(desk.books.reviews) == ["pi_1", "pi_2"]


def test_a_review_holds_what_was_claimed_and_what_was_paid() -> None:
    desk = Desk()
    fulfill(desk, session_of(a_purchase(), total_minor=37))
    assert desk.books.reviews == {
        f"pi_{KEY}": Review(
            payment_id=f"pi_{KEY}",
            reason="discounted_or_surcharged",
            session_id=f"cs_test_{KEY}",
            purchase_id=KEY,
            user_id=FAN,
            coins=70,
            amount_minor=37,
            currency="usd",
            paid_at=START,
        )
    }


def test_a_session_without_a_payment_is_reviewed_under_its_own_id() -> None:
    desk = Desk()
    fulfill(desk, session_of(a_purchase(), payment_intent=None))
    assert list(desk.books.reviews) == [f"cs_test_{KEY}"]


@pytest.mark.parametrize(("fault", "then"), [("fail_before", "credited"), ("fail_after", "repeated")])
def test_an_unknown_outcome_is_told_and_the_retry_credits_once(fault: str, then: str) -> None:
    desk = Desk()
    desk.stock()
    getattr(desk.watch, fault)["post_purchase"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(desk)
    assert fulfill(desk) == then
    assert desk.balance() == 70


def test_a_review_that_could_not_be_written_is_not_told_as_done() -> None:
    desk = Desk()
    desk.watch.fail_before["file_review"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(desk)
    assert fulfill(desk) is Fulfillment.IN_REVIEW
    assert desk.reasons() == ["no_such_purchase"]


@pytest.mark.parametrize("changes", [{}, {"payment_intent": None}])
def test_a_strangers_session_is_a_mistake_of_ours(changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        fulfill(Desk(), session_of(a_purchase(), claim=None, **changes))
