import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.payments import Movement, PurchaseRef
from chalicelib.domain.purchases import Status
from chalicelib.errors import InsufficientCoins, TryAgain
from chalicelib.usecases.refunds import sync_refunds
from chalicelib.usecases.stripe_events import MONEY_EVENTS
from tests.domain.builders import FAN, KEY, a_purchase
from tests.fakes import START, FakeGateway, session_of, uuid7_at
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, a_stripe_event, moved_money, session_event


def a_desk_with_a_posted_purchase() -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.paid()
    assert harness.deliver(session_event("paid")) == "credited"
    return harness


class LostItsSessions(FakeGateway):
    """Knows what a payment was for, and no longer where it was made."""

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        del payment_intent
        return session_of(a_purchase()).ref


def without_sessions(harness: CheckoutHarness, payment: str) -> str:
    return sync_refunds(payment, dataclasses.replace(harness.stripe_event_services(), gateway=LostItsSessions()))


def adjustments(harness: CheckoutHarness) -> list[tuple[Kind, int]]:
    """What followed the money, in its order."""
    entries = [entry for entry in harness.books.entries[FAN].values() if isinstance(entry, Adjustment)]
    assert all(entry.about == KEY for entry in entries)
    return [(entry.kind, entry.coins) for entry in entries]


def sound(harness: CheckoutHarness) -> bool:
    return broken(books_of(harness.books, []), is_drained=False) == []


# --- coins follow the money -------------------------------------------------------------------------------------------


def test_a_single_coin_that_comes_back_is_told_as_restored() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.move_money(refunds=[moved_money(1)])
    assert (harness.hint(), harness.balance()) == ("clawed_back", 69)
    harness.move_money(refunds=[moved_money(1, "failed")])
    assert (harness.hint(), harness.balance()) == ("restored", 70)


@pytest.mark.parametrize("kind", sorted(MONEY_EVENTS))
def test_every_hint_makes_us_look(kind: str) -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.move_money(refunds=[moved_money(37)])
    assert harness.hint(kind=kind) == "clawed_back"
    assert (harness.balance(), adjustments(harness)) == (35, [(Kind.CLAWBACK, -35)])
    assert harness.purchase().kept_minor == 37
    assert sound(harness)


def test_a_clawback_is_an_entry_of_its_own() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.move_money(refunds=[moved_money()])
    harness.hint()
    entry_id, event_id = uuid7_at(START, 2), uuid7_at(START, 3)
    assert harness.books.entries[FAN][entry_id] == Adjustment(
        entry_id=entry_id, user_id=FAN, kind=Kind.CLAWBACK, coins=-70, posted_at=START, event_id=event_id, about=KEY
    )


MOVES: list[tuple[str, Sequence[Movement], Sequence[Movement], str, int]] = [
    ("nothing happened", [], [], "unchanged", 70),
    ("half is under way", [moved_money(37, "pending")], [], "clawed_back", 35),
    ("and arrived", [moved_money(37)], [], "unchanged", 35),
    ("the rest went, too", [moved_money(37), moved_money(37)], [], "clawed_back", 0),
    ("and failed", [moved_money(37), moved_money(37, "failed")], [], "restored", 35),
    ("the bank asks", [moved_money(37)], [moved_money(37, "warning_needs_response")], "unchanged", 35),
    ("the bank takes", [moved_money(37)], [moved_money(37, "needs_response")], "clawed_back", 0),
    ("and more than there is", [moved_money(37)], [moved_money(74, "needs_response")], "unchanged", 0),
    ("the bank gives back", [moved_money(37)], [moved_money(37, "won")], "restored", 35),
    ("a cent less than before", [moved_money(38)], [], "clawed_back", 34),
    ("less than a coin more", [moved_money(38), moved_money(37, "canceled")], [], "unchanged", 34),
    ("all is well again", [moved_money(37, "failed")], [moved_money(37, "prevented")], "restored", 70),
]


def test_the_coins_are_always_what_the_money_says() -> None:
    harness = a_desk_with_a_posted_purchase()
    for name, refunds, disputes, outcome, coins in MOVES:
        harness.move_money(refunds=refunds, disputes=disputes)
        assert (harness.hint(), harness.balance()) == (outcome, coins), name
        assert (harness.hint(), harness.balance()) == ("unchanged", coins), name
        assert sound(harness), name


@pytest.mark.parametrize("first", range(len(MOVES)))
def test_what_was_in_between_does_not_matter(first: int) -> None:
    for _, refunds, disputes, _, coins in MOVES:
        harness = a_desk_with_a_posted_purchase()
        harness.move_money(refunds=MOVES[first][1], disputes=MOVES[first][2])
        harness.hint()
        harness.move_money(refunds=refunds, disputes=disputes)
        harness.hint()
        assert harness.balance() == coins
        assert sound(harness)


def test_money_that_moves_by_less_than_a_coin_is_noted_all_the_same() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.move_money(refunds=[moved_money(38)])
    harness.hint()
    harness.move_money(refunds=[moved_money(37)])
    harness.hint()
    for refunded, coins in ((37, 35), (38, 34), (39, 33)):
        harness.move_money(refunds=[moved_money(refunded)])
        harness.hint()
        assert (harness.purchase().kept_minor, harness.balance()) == (74 - refunded, coins)


@pytest.mark.parametrize(
    "movement", [{"refunds": [moved_money(37, "reversed")]}, {"disputes": [moved_money(37, "appealed")]},
                 {"refunds": [moved_money(37), moved_money(1, currency="eur")]}], ids=str
)  # fmt: skip
def test_what_nobody_told_us_the_meaning_of_moves_nothing(
    movement: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    harness = a_desk_with_a_posted_purchase()
    before = harness.state()
    harness.move_money(**movement)
    assert harness.hint() == "unknown_status"
    assert harness.state() == before
    assert [line.message for line in caplog.records] == ["unknown_stripe_status"]


# --- coins that were spent already ------------------------------------------------------------------------------------


def test_spent_coins_are_owed_and_the_next_purchase_pays_them_off() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.send(gift_id=uuid7_at(START, 50), item_id="cake")
    harness.move_money(refunds=[moved_money()])
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


# --- hints that come before anything else -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED])
@pytest.mark.parametrize(("refunded", "outcome", "coins"), [(0, "unchanged", 70), (37, "clawed_back", 35)])
def test_what_was_paid_is_fulfilled_first(status: Status, refunded: int, outcome: str, coins: int) -> None:
    harness = CheckoutHarness()
    harness.paid(status=status)
    harness.move_money(refunds=[moved_money(refunded)] if refunded else [])
    assert (harness.hint(), harness.balance()) == (outcome, coins)
    assert harness.purchase().status is Status.POSTED
    assert harness.deliver(session_event("paid")) == "repeated"
    assert harness.balance() == coins
    assert sound(harness)


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED])
def test_where_nothing_was_paid_there_is_no_money_to_follow(status: Status) -> None:
    harness = CheckoutHarness()
    purchase = harness.paid(status=status)
    harness.provider.sessions[KEY] = session_of(purchase, payment_status="unpaid")
    before = harness.state()
    assert harness.hint() == "unpaid"
    assert harness.state() == before


def test_a_payment_whose_session_cannot_be_found_is_no_payment() -> None:
    harness = CheckoutHarness()
    harness.paid()
    assert without_sessions(harness, PAYMENT) == "unpaid"
    assert harness.balance() == 0


def test_a_strangers_payment_is_left_alone() -> None:
    harness = a_desk_with_a_posted_purchase()
    before = harness.state()
    assert harness.hint("pi_of_somebody_else") == "stranger"
    assert harness.state() == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"currency": "eur"}, "other_currency"), ({"subtotal_minor": 1, "total_minor": 1}, "other_amount"),
     ({"payment_status": "no_payment_required"}, "no_payment_required")],
)  # fmt: skip
def test_a_payment_that_does_not_match_is_reviewed_before_its_money_is_followed(
    changes: dict[str, Any], reason: str
) -> None:
    harness = CheckoutHarness()
    harness.provider.sessions[KEY] = session_of(harness.paid(), **changes)
    assert [harness.hint(), harness.hint()] == ["in_review", "reviewed"]
    assert (harness.reasons(), harness.balance()) == ([reason], 0)


def test_money_for_a_purchase_that_we_do_not_know_is_reviewed() -> None:
    harness = CheckoutHarness()
    harness.paid()
    harness.books.entries.clear()
    assert [harness.hint(), harness.hint()] == ["in_review", "reviewed"]
    assert harness.reasons() == ["no_such_purchase"]


# --- a payment that is not the purchase's -----------------------------------------------------------------------------


def test_money_that_leaves_an_unmatched_payment_is_reviewed_once() -> None:
    harness = a_desk_with_a_posted_purchase()
    second = session_of(a_purchase(), payment_intent="pi_second", session_id="cs_second")
    harness.deliver(a_stripe_event(session=second))
    harness.provider.sessions["second"] = second
    harness.move_money(payment="pi_second", refunds=[moved_money()])
    assert [harness.hint("pi_second") for _ in range(3)] == ["in_review", "reviewed", "reviewed"]
    assert harness.reasons() == ["paid_twice", "money_left_an_unmatched_payment"]
    assert (harness.balance(), harness.purchase().kept_minor) == (70, None)
    assert list(harness.books.reviews) == ["pi_second", "pi_second-left-74"]


def test_each_amount_that_leaves_an_unmatched_payment_is_noticed() -> None:
    harness = a_desk_with_a_posted_purchase()
    second = session_of(a_purchase(), payment_intent="pi_second", session_id="cs_second")
    harness.provider.sessions["second"] = second
    said = []
    for refunds in ([], [moved_money(10)], [moved_money(10)], [moved_money(10), moved_money(20)]):
        harness.move_money(payment="pi_second", refunds=refunds)
        said.append(harness.hint("pi_second"))
    assert said == ["in_review", "in_review", "reviewed", "in_review"]
    assert list(harness.books.reviews) == ["pi_second", "pi_second-left-10", "pi_second-left-30"]
    assert harness.balance() == 70


def test_money_that_an_unmatched_payment_lost_in_a_way_nobody_knows_is_told_as_such() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.provider.sessions["second"] = session_of(a_purchase(), payment_intent="pi_second")
    harness.move_money(payment="pi_second", disputes=[moved_money(10, "appealed_to_the_moon")])
    assert harness.hint("pi_second") == "unknown_status"


def test_an_unmatched_payment_whose_session_is_gone_has_no_money_to_follow() -> None:
    harness = a_desk_with_a_posted_purchase()
    assert without_sessions(harness, "pi_second") == "unpaid"
    assert harness.reasons() == []


# --- what cannot be told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize(
    "step", ["find_purchase_ref", "find_entry", "read_money", "update_kept_amount", "find_session", "post_purchase"]
)
def test_a_hint_whose_outcome_is_unknown_comes_again_and_does_its_work_once(fault: str, step: str) -> None:
    harness = CheckoutHarness()
    harness.paid()
    harness.move_money(refunds=[moved_money(37)])
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.hint()
    harness.hint()
    assert (harness.balance(), adjustments(harness)) == (35, [(Kind.CLAWBACK, -35)])
    assert sound(harness)


def test_without_news_nobody_is_asked_for_more_than_is_needed() -> None:
    harness = a_desk_with_a_posted_purchase()
    harness.recorder.calls.clear()
    harness.hint()
    assert harness.recorder.calls == [
        "read_event",
        "find_purchase_ref",
        "find_entry",
        "read_money",
        "update_kept_amount",
    ]
