"""Credit of payments in review: one payment, one credit, at what was paid, and the coins follow its money."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.purchases import Status
from chalicelib.domain.reviews import ReviewReason
from chalicelib.domain.settlements import UNMATCHED, payment_entry_id
from chalicelib.errors import IdempotencyConflict, TryAgain
from chalicelib.ports.results import Stale
from chalicelib.usecases.reviews import MAX_ATTEMPTS
from tests.domain.builders import FAN, KEY, a_gift, a_purchase, a_refund
from tests.fakes import START, session_of
from tests.usecases.checkout_harness import PAYMENT, a_stripe_event
from tests.usecases.settlement_harness import ACT, OTHER_ACT, SECOND, SettlementHarness

OWN_ID = payment_entry_id(START, SECOND)


@pytest.fixture
def harness() -> SettlementHarness:
    return SettlementHarness()


def test_settle_review_posts_the_pending_purchase_as_paid(harness: SettlementHarness) -> None:
    harness.stock()
    harness.odd()
    assert harness.decision() == "credit"
    entry = harness.entry()
    assert (entry.status, entry.payment_intent, entry.actor) == (Status.POSTED, PAYMENT, "olga")
    assert (entry.amount_minor, entry.quoted_minor, harness.balance()) == (70, 74, 70)
    assert harness.deliver(a_stripe_event(session=session_of(a_purchase()))) == "repeated"
    assert harness.is_sound()


def test_settle_review_of_a_second_payment_posts_an_entry_of_its_own(harness: SettlementHarness) -> None:
    harness.paid_twice()
    assert harness.decision(SECOND) == "credit"
    assert (harness.entry(OWN_ID).payment_intent, harness.entry(OWN_ID).amount_minor) == (SECOND, 74)
    assert harness.balance() == 140
    harness.move_money(payment=SECOND, refunds=[a_refund(37)])
    assert harness.hint(SECOND) == "clawed_back"
    assert (harness.balance(), harness.entry(OWN_ID).kept_minor) == (105, 37)
    assert harness.reasons() == [ReviewReason.PAID_TWICE]
    assert harness.is_sound()


def test_settle_review_without_a_purchase_posts_an_unmatched_one(harness: SettlementHarness) -> None:
    harness.odd()
    harness.settle()
    assert (harness.entry().bundle_id, harness.entry().coins, harness.balance()) == (UNMATCHED, 70, 70)


def test_settle_review_with_a_gift_under_the_purchase_id_posts_its_own_entry(harness: SettlementHarness) -> None:
    """A fan may have used one key for a gift and, after the pending purchase expired, for nothing else."""
    harness.odd()
    harness.books.entries.setdefault(FAN, {})[KEY] = a_gift()
    harness.settle()
    assert harness.entry(payment_entry_id(START, PAYMENT)).coins == 70


@pytest.mark.parametrize(("gone", "coins"), [(70, 0), (35, 35)])
def test_settle_review_takes_the_coins_of_money_that_left_before(
    harness: SettlementHarness, gone: int, coins: int
) -> None:
    harness.stock()
    harness.odd()
    harness.move_money(captured_minor=70, refunds=[a_refund(gone)])
    assert harness.hint() == "in_review", "the money left"
    assert harness.decision() == "credit"
    assert (harness.balance(), harness.entry().kept_minor) == (coins, 70 - gone)


def test_settle_review_of_a_payment_that_was_posted_is_superseded(harness: SettlementHarness) -> None:
    """A later look finds the payment as quoted: the event was rendered otherwise."""
    harness.paid()
    harness.deliver(a_stripe_event(session=session_of(a_purchase(), total_minor=1)))
    harness.deliver(a_stripe_event())
    for _ in range(2):
        assert harness.decision() == "superseded"
    assert harness.balance() == 70
    with pytest.raises(IdempotencyConflict):
        harness.settle(key=OTHER_ACT)
    with pytest.raises(IdempotencyConflict):
        harness.settle(decision="refuse")


def test_settle_review_of_a_second_payment_that_was_posted_is_superseded(harness: SettlementHarness) -> None:
    harness.paid_twice()
    harness.settle(SECOND)
    harness.books.reviews[SECOND] = replace(harness.books.reviews[SECOND], settlement=None)
    assert harness.decision(SECOND, key=OTHER_ACT) == "superseded"
    assert harness.balance() == 140


def test_settle_review_loses_to_a_webhook_between_read_and_write(harness: SettlementHarness) -> None:
    harness.paid()
    harness.deliver(a_stripe_event(session=session_of(a_purchase(), total_minor=1)))
    find = harness.fake.ledger.find_entry

    def find_then_deliver(user_id: str, entry_id: str) -> object:
        found = find(user_id, entry_id)
        del harness.books.find_entry
        harness.deliver(a_stripe_event())
        return found

    harness.books.find_entry = find_then_deliver  # type: ignore[method-assign,assignment]  # runs once
    assert harness.decision() == "superseded"
    assert harness.balance() == 70


def test_settle_review_of_a_purchase_that_keeps_changing_raises_try_again(harness: SettlementHarness) -> None:
    class Busy:
        tries = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.fake, name)

        def settle_review(self, *_: object) -> Stale:
            self.tries += 1
            return Stale()

    harness.odd()
    harness.operators = busy = Busy()
    with pytest.raises(TryAgain):
        harness.settle()
    assert busy.tries == MAX_ATTEMPTS


@pytest.mark.parametrize(("key", "coins"), [(ACT, 70), (OTHER_ACT, None)])
def test_settle_review_meets_another_request_that_settles_it(
    harness: SettlementHarness, key: str, coins: int | None
) -> None:
    harness.odd()
    seen = harness.books.reviews[PAYMENT]
    harness.settle()
    harness.fake.find_review = lambda *_: seen  # type: ignore[method-assign]  # as read before
    harness.books.entries.clear()
    if coins is None:
        with pytest.raises(IdempotencyConflict):
            harness.settle(key=key)
    else:
        assert harness.decision(key=key) == "credit"
    assert (harness.books.entries, harness.balance()) == ({}, 70)


def test_settle_review_repeat_follows_the_money_that_could_not_be_read(harness: SettlementHarness) -> None:
    harness.stock()
    harness.odd()
    harness.move_money(captured_minor=70, refunds=[a_refund(70)])
    harness.recorder.fail_before["read_money"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.settle()
    assert (harness.balance(), harness.decision(), harness.balance()) == (70, "credit", 0)


def test_settle_review_of_a_session_without_a_payment_posts_it_once(harness: SettlementHarness) -> None:
    """A session of 0.00 shows no payment. Its coins are kept whole, because nothing can leave."""
    harness.stock()
    free = session_of(a_purchase(), payment_status="no_payment_required", payment_intent=None, total_minor=0)
    harness.deliver(a_stripe_event(session=free))
    assert harness.decision(free.session_id) == "credit"
    assert (harness.entry().payment_intent, harness.entry().amount_minor, harness.balance()) == (None, 0, 70)
    assert harness.is_sound()
