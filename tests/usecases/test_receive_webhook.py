from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest

from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotAuthentic, TryAgain
from chalicelib.usecases.stripe_events import MONEY_EVENTS
from tests.domain.builders import KEY, a_purchase
from tests.fakes import session_of
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event, moved, session_event

WORDS = ("paid", "unpaid", "succeeded", "failed", "expired")
KINDS = ("completed", "async_payment_succeeded", "async_payment_failed", "expired")

# Outcome of each session event, by the status of the purchase.
MEANINGS = {
    "pending": {"unpaid": "processing", "failed": "failed", "expired": "expired"},
    "processing": {"failed": "failed"},
    "failed": {},
    "expired": {"unpaid": "processing"},
    "posted": {"failed": "late_failure"},
}


def meaning(status: str, word: str) -> tuple[str, str]:
    """Return the outcome and the resulting status."""
    if word in {"paid", "succeeded"}:
        return ("repeated" if status == "posted" else "credited"), "posted"
    outcome = MEANINGS[status].get(word, "unchanged")
    return outcome, (status if outcome in {"unchanged", "late_failure"} else outcome)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("status", Status)
def test_receive_webhook_has_one_outcome_per_event_and_status(status: Status, word: str) -> None:
    harness = CheckoutHarness()
    harness.stock(**moved(status))
    outcome, after = meaning(status, word)
    assert harness.deliver(session_event(word)) == outcome
    assert harness.purchase().status == after
    assert harness.balance() == (70 if outcome == "credited" else 0)
    assert harness.reasons() == []


@pytest.mark.parametrize("first", WORDS)
def test_receive_webhook_events_in_any_order_credit_once(first: str) -> None:
    for words in product([first], WORDS, WORDS, WORDS, WORDS):
        harness = CheckoutHarness()
        harness.stock()
        status, outcomes = "pending", []
        for word in words:
            outcome, status = meaning(status, word)
            outcomes.append(outcome)
        assert [harness.deliver(session_event(word)) for word in words] == outcomes, words
        was_paid = not {"paid", "succeeded"}.isdisjoint(words)
        assert harness.balance() == (70 if was_paid else 0), words
        assert (harness.purchase().status is Status.POSTED) is was_paid, words


@pytest.mark.parametrize(
    ("words", "outcomes"),
    [
        (["paid", "paid", "paid"], ["credited", "repeated", "repeated"]),
        (["unpaid", "succeeded"], ["processing", "credited"]),
        (["succeeded", "unpaid"], ["credited", "unchanged"]),
        (["unpaid", "failed", "succeeded"], ["processing", "failed", "credited"]),
        (["unpaid", "succeeded", "failed"], ["processing", "credited", "late_failure"]),
        (["expired", "paid"], ["expired", "credited"]),
        (["expired", "unpaid", "succeeded"], ["expired", "processing", "credited"]),
        (["failed", "unpaid"], ["failed", "unchanged"]),
        (["unpaid", "expired"], ["processing", "unchanged"]),
    ],
    ids=str,
)
def test_receive_webhook_of_usual_sequences_has_these_outcomes(words: list[str], outcomes: list[str]) -> None:
    harness = CheckoutHarness()
    harness.stock()
    assert [harness.deliver(session_event(word)) for word in words] == outcomes


@pytest.mark.parametrize("word", ["unpaid", "failed", "expired"])
def test_receive_webhook_of_an_unknown_unpaid_purchase_changes_nothing(word: str) -> None:
    harness = CheckoutHarness()
    assert harness.deliver(session_event(word)) == "unchanged"
    assert harness.books.entries == {}
    assert harness.reasons() == []


@pytest.mark.parametrize("word", ["paid", "succeeded"])
def test_receive_webhook_of_an_unknown_paid_purchase_files_one_review(word: str) -> None:
    harness = CheckoutHarness()
    assert [harness.deliver(session_event(word)), harness.deliver(session_event(word))] == ["in_review", "reviewed"]
    assert harness.reasons() == ["no_such_purchase"]
    assert harness.balance() == 0


@pytest.mark.parametrize("kind", ["completed", "async_payment_succeeded"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_status": "no_payment_required"}, "no_payment_required"),
        ({"total_minor": 1}, "discounted_or_surcharged"),
        ({"currency": "eur"}, "other_currency"),
        ({"subtotal_minor": 1, "total_minor": 1}, "other_amount"),
    ],
    ids=str,
)
def test_receive_webhook_of_a_mismatched_payment_files_a_review(
    kind: str, changes: dict[str, Any], reason: str
) -> None:
    harness = CheckoutHarness()
    harness.stock()
    event = a_stripe_event(kind, session_of(a_purchase(), **changes))
    assert [harness.deliver(event), harness.deliver(event)] == ["in_review", "reviewed"]
    assert harness.reasons() == [reason]
    assert harness.balance() == 0


def test_receive_webhook_of_a_success_with_an_unpaid_session_files_a_review() -> None:
    harness = CheckoutHarness()
    harness.stock()
    event = a_stripe_event("async_payment_succeeded", session_of(a_purchase(), payment_status="unpaid"))
    assert harness.deliver(event) == "in_review"
    assert harness.balance() == 0


def all_kinds(**changes: Any) -> Iterable[StripeEvent]:
    for kind in KINDS:
        session = session_of(a_purchase(), **changes.get("session", {}))
        yield a_stripe_event(kind, session, **{name: value for name, value in changes.items() if name != "session"})


STRANGERS = [
    *[("stranger", event) for event in all_kinds(session={"ref": None})],
    *[("stranger", event) for event in all_kinds(session={"mode": "subscription"})],
    *[("stranger", event) for event in all_kinds(session={"mode": "setup"})],
    *[("other_account", event) for event in all_kinds(account="acct_other")],
    *[("other_mode", event) for event in all_kinds(livemode=True)],
    *[("other_mode", event) for event in all_kinds(livemode=True, account="acct_other")],
    *[
        ("ignored", a_stripe_event(type=kind))
        for kind in ("payment_intent.succeeded", "charge.succeeded", "checkout.session.", "refund.", "new.thing", "")
    ],
    *[("stranger", a_stripe_event(type=kind)) for kind in sorted(MONEY_EVENTS)],  # paid without a payment intent
    ("stranger", StripeEvent(stripe_event_id="evt_1", type="checkout.session.completed", livemode=False, account=None,
                             created_at=a_purchase().created_at)),
]  # fmt: skip


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(("outcome", "event"), STRANGERS)
def test_receive_webhook_of_unrelated_events_changes_nothing(outcome: str, event: StripeEvent, status: Status) -> None:
    harness = CheckoutHarness()
    harness.stock(**moved(status))
    before = harness.state()
    assert harness.deliver(event) == outcome
    assert harness.state() == before
    assert harness.recorder.calls == ["read_event"]


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("theirs", [True, False])
def test_receive_webhook_of_the_other_mode_credits_nothing(*, ours: bool, theirs: bool) -> None:
    harness = CheckoutHarness()
    harness.stock()
    outcome = harness.deliver(a_stripe_event(livemode=theirs), livemode=ours)
    assert outcome == ("credited" if ours is theirs else "other_mode")


def test_receive_webhook_with_a_forged_signature_is_refused_first() -> None:
    harness = CheckoutHarness()
    harness.stock()
    before = harness.state()
    with pytest.raises(NotAuthentic):
        harness.deliver(session_event("paid"), signature="forged")
    assert harness.state() == before
    assert harness.recorder.calls == ["read_event"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
def test_receive_webhook_retry_after_try_again_takes_effect_once(fault: str, word: str) -> None:
    harness, undisturbed = CheckoutHarness(), CheckoutHarness()
    harness.stock()
    undisturbed.stock()
    step = "post_purchase" if word in {"paid", "succeeded"} else "move_purchase"
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.deliver(session_event(word))
    harness.deliver(session_event(word))
    undisturbed.deliver(session_event(word))
    assert harness.purchase().status is undisturbed.purchase().status
    assert harness.balance() == undisturbed.balance()
    assert harness.purchase().purchase_id == KEY
