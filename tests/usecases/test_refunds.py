import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.payments import Dispute, PurchaseRef, Refund
from chalicelib.domain.purchases import Status
from chalicelib.errors import InsufficientCoins, TryAgain
from chalicelib.usecases.refunds import sync_refunds
from chalicelib.usecases.stripe_events import MONEY_EVENTS
from tests.domain.builders import FAN, KEY, a_dispute, a_purchase, a_refund
from tests.fakes import START, FakeGateway, session_of, uuid7_at
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, a_stripe_event, session_event


def a_harness_with_a_posted_purchase() -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.paid()
    assert harness.deliver(session_event("paid")) == "credited"
    return harness


class GatewayWithoutSessions(FakeGateway):
    """A gateway that knows the reference of a payment but not its session."""

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        del payment_intent
        return session_of(a_purchase()).ref


def without_sessions(harness: CheckoutHarness, payment: str) -> str:
    return sync_refunds(payment, dataclasses.replace(harness.stripe_event_services(), gateway=GatewayWithoutSessions()))


def adjustments(harness: CheckoutHarness) -> list[tuple[Kind, int]]:
    """Return kind and coins of the adjustments, in order."""
    entries = [entry for entry in harness.books.entries[FAN].values() if isinstance(entry, Adjustment)]
    assert all(entry.about == KEY for entry in entries)
    return [(entry.kind, entry.coins) for entry in entries]


def sound(harness: CheckoutHarness) -> bool:
    return broken(books_of(harness.books, []), is_drained=False) == []


# --- coins follow the money -------------------------------------------------------------------------------------------


def test_sync_refunds_restores_a_single_coin() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(refunds=[a_refund(1)])
    assert (harness.hint(), harness.balance()) == ("clawed_back", 69)
    harness.move_money(refunds=[a_refund(1, "failed")])
    assert (harness.hint(), harness.balance()) == ("restored", 70)


@pytest.mark.parametrize("kind", sorted(MONEY_EVENTS))
def test_sync_refunds_runs_for_every_refund_and_dispute_event(kind: str) -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(refunds=[a_refund(37)])
    assert harness.hint(kind=kind) == "clawed_back"
    assert (harness.balance(), adjustments(harness)) == (35, [(Kind.CLAWBACK, -35)])
    assert harness.purchase().kept_minor == 37
    assert sound(harness)


def test_sync_refunds_posts_a_clawback_entry() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(refunds=[a_refund()])
    harness.hint()
    entry_id, event_id = uuid7_at(START, 2), uuid7_at(START, 3)
    assert harness.books.entries[FAN][entry_id] == Adjustment(
        entry_id=entry_id,
        user_id=FAN,
        kind=Kind.CLAWBACK,
        coins=-70,
        posted_at=START,
        event_id=event_id,
        about=KEY,
        coins_spent=0,
    )


MOVES: list[tuple[str, Sequence[Refund], Sequence[Dispute], str, int]] = [
    ("nothing happened", [], [], "unchanged", 70),
    ("half is under way", [a_refund(37, "pending")], [], "clawed_back", 35),
    ("and arrived", [a_refund(37)], [], "unchanged", 35),
    ("the rest went, too", [a_refund(37), a_refund(37)], [], "clawed_back", 0),
    ("and failed", [a_refund(37), a_refund(37, "failed")], [], "restored", 35),
    ("the bank asks", [a_refund(37)], [a_dispute(37, "warning_needs_response")], "unchanged", 35),
    ("the bank takes", [a_refund(37)], [a_dispute(37, "needs_response")], "clawed_back", 0),
    ("and more than there is", [a_refund(37)], [a_dispute(74, "needs_response")], "unchanged", 0),
    ("the bank gives back", [a_refund(37)], [a_dispute(37, "won")], "restored", 35),
    ("a cent less than before", [a_refund(38)], [], "clawed_back", 34),
    ("less than a coin more", [a_refund(38), a_refund(37, "canceled")], [], "unchanged", 34),
    ("all is well again", [a_refund(37, "failed")], [a_dispute(37, "prevented")], "restored", 70),
]


def test_sync_refunds_keeps_coins_equal_to_the_money() -> None:
    harness = a_harness_with_a_posted_purchase()
    for name, refunds, disputes, outcome, coins in MOVES:
        harness.move_money(refunds=refunds, disputes=disputes)
        assert (harness.hint(), harness.balance()) == (outcome, coins), name
        assert (harness.hint(), harness.balance()) == ("unchanged", coins), name
        assert sound(harness), name


@pytest.mark.parametrize("first", range(len(MOVES)))
def test_sync_refunds_ignores_intermediate_states(first: int) -> None:
    for _, refunds, disputes, _, coins in MOVES:
        harness = a_harness_with_a_posted_purchase()
        harness.move_money(refunds=MOVES[first][1], disputes=MOVES[first][2])
        harness.hint()
        harness.move_money(refunds=refunds, disputes=disputes)
        harness.hint()
        assert harness.balance() == coins
        assert sound(harness)


def test_sync_refunds_records_money_below_one_coin() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(refunds=[a_refund(38)])
    harness.hint()
    harness.move_money(refunds=[a_refund(37)])
    harness.hint()
    for refunded, coins in ((37, 35), (38, 34), (39, 33)):
        harness.move_money(refunds=[a_refund(refunded)])
        harness.hint()
        assert (harness.purchase().kept_minor, harness.balance()) == (74 - refunded, coins)


# --- spent coins ------------------------------------------------------------------------------------------------------


def test_sync_refunds_of_spent_coins_makes_the_balance_negative() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.send(gift_id=uuid7_at(START, 50), item_id="cake")
    harness.move_money(refunds=[a_refund()])
    assert (harness.hint(), harness.balance()) == ("clawed_back", -35)
    with pytest.raises(InsufficientCoins) as refused:
        harness.send(gift_id=uuid7_at(START, 51))
    assert refused.value.extensions == {"coins": 0, "needed": 1}
    assert sound(harness)
    second = harness.paid(purchase_id=uuid7_at(START, 60))
    harness.deliver(session_event("paid", second))
    assert harness.balance() == 35
    harness.send(gift_id=uuid7_at(START, 51))
    assert (harness.balance(), sound(harness)) == (34, True)


# --- events before fulfillment ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED])
@pytest.mark.parametrize(("refunded", "outcome", "coins"), [(0, "unchanged", 70), (37, "clawed_back", 35)])
def test_sync_refunds_fulfills_a_paid_purchase_first(status: Status, refunded: int, outcome: str, coins: int) -> None:
    harness = CheckoutHarness()
    harness.paid(status=status)
    harness.move_money(refunds=[a_refund(refunded)] if refunded else [])
    assert (harness.hint(), harness.balance()) == (outcome, coins)
    assert harness.purchase().status is Status.POSTED
    assert harness.deliver(session_event("paid")) == "repeated"
    assert harness.balance() == coins
    assert sound(harness)


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED])
def test_sync_refunds_of_an_unpaid_session_does_nothing(status: Status) -> None:
    harness = CheckoutHarness()
    purchase = harness.paid(status=status)
    harness.provider.sessions[KEY] = session_of(purchase, payment_status="unpaid")
    before = harness.state()
    assert harness.hint() == "unpaid"
    assert harness.state() == before


def test_sync_refunds_without_a_session_is_unpaid() -> None:
    harness = CheckoutHarness()
    harness.paid()
    assert without_sessions(harness, PAYMENT) == "unpaid"
    assert harness.balance() == 0


def test_sync_refunds_ignores_an_unrelated_payment() -> None:
    harness = a_harness_with_a_posted_purchase()
    before = harness.state()
    assert harness.hint("pi_of_somebody_else") == "stranger"
    assert harness.state() == before


def test_sync_refunds_of_a_payment_that_is_gone_is_unrelated() -> None:
    harness = a_harness_with_a_posted_purchase()
    del harness.provider.money[PAYMENT]
    assert (harness.hint(), harness.balance()) == ("stranger", 70)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"currency": "eur"}, "other_currency"), ({"subtotal_minor": 1, "total_minor": 1}, "other_amount"),
     ({"payment_status": "no_payment_required"}, "no_payment_required")],
)  # fmt: skip
def test_sync_refunds_of_a_mismatched_payment_files_a_review_first(changes: dict[str, Any], reason: str) -> None:
    harness = CheckoutHarness()
    harness.provider.sessions[KEY] = session_of(harness.paid(), **changes)
    assert [harness.hint(), harness.hint()] == ["in_review", "reviewed"]
    assert (harness.reasons(), harness.balance()) == ([reason], 0)


def test_sync_refunds_of_an_unknown_purchase_files_a_review() -> None:
    harness = CheckoutHarness()
    harness.paid()
    harness.books.entries.clear()
    assert [harness.hint(), harness.hint()] == ["in_review", "reviewed"]
    assert harness.reasons() == ["no_such_purchase"]


# --- unmatched payments -----------------------------------------------------------------------------------------------


def test_sync_refunds_of_an_unmatched_payment_files_one_review() -> None:
    harness = a_harness_with_a_posted_purchase()
    second = session_of(a_purchase(), payment_intent="pi_second", session_id="cs_second")
    harness.deliver(a_stripe_event(session=second))
    harness.provider.sessions["second"] = second
    harness.move_money(payment="pi_second", refunds=[a_refund()])
    assert [harness.hint("pi_second") for _ in range(3)] == ["in_review", "reviewed", "reviewed"]
    assert harness.reasons() == ["paid_twice", "money_left_an_unmatched_payment"]
    assert (harness.balance(), harness.purchase().kept_minor) == (70, None)
    assert [review.gone_minor for review in harness.books.reviews.values()] == [None, 74]


def test_sync_refunds_of_an_unmatched_payment_files_a_review_per_amount() -> None:
    harness = a_harness_with_a_posted_purchase()
    second = session_of(a_purchase(), payment_intent="pi_second", session_id="cs_second")
    harness.provider.sessions["second"] = second
    outcomes = []
    for refunds in ([], [a_refund(10, "failed")], [a_refund(10)], [a_refund(10)], [a_refund(10), a_refund(20)]):
        harness.move_money(payment="pi_second", refunds=refunds)
        outcomes.append(harness.hint("pi_second"))
    assert outcomes == ["in_review", "reviewed", "in_review", "reviewed", "in_review"]
    assert [review.gone_minor for review in harness.books.reviews.values()] == [None, 10, 30]
    assert harness.balance() == 70


def test_sync_refunds_of_an_unmatched_payment_without_session_is_unpaid() -> None:
    harness = a_harness_with_a_posted_purchase()
    assert without_sessions(harness, "pi_second") == "unpaid"
    assert harness.reasons() == []


# --- unknown outcomes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize(
    "step", ["find_purchase_ref", "find_entry", "read_money", "update_kept_amount", "find_session", "post_purchase"]
)
def test_sync_refunds_retry_after_try_again_takes_effect_once(fault: str, step: str) -> None:
    harness = CheckoutHarness()
    harness.paid()
    harness.move_money(refunds=[a_refund(37)])
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.hint()
    harness.hint()
    assert (harness.balance(), adjustments(harness)) == (35, [(Kind.CLAWBACK, -35)])
    assert sound(harness)


def test_sync_refunds_without_a_change_makes_no_extra_calls() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.recorder.calls.clear()
    harness.hint()
    assert harness.recorder.calls == [
        "read_event",
        "find_purchase_ref",
        "find_entry",
        "read_money",
        "update_kept_amount",
    ]
