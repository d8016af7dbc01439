"""Disputes, and refunds and disputes that are not known."""

from typing import Any

import pytest

from tests.domain.builders import a_dispute, a_purchase, a_refund, booked
from tests.fakes import session_of
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import CheckoutHarness, session_event


def a_harness_with_a_posted_purchase() -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.paid()
    assert harness.deliver(session_event("paid")) == "credited"
    return harness


def sound(harness: CheckoutHarness) -> bool:
    return broken(books_of(harness.books, []), is_drained=False) == []


@pytest.mark.parametrize(
    "movement", [{"refunds": [a_refund(37, "reversed")]}, {"disputes": [a_dispute(37, "appealed")]},
                 {"refunds": [a_refund(1, currency="eur")]}], ids=str
)  # fmt: skip
def test_sync_refunds_of_an_unknown_status_moves_nothing(
    movement: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(**movement)
    assert harness.hint() == "unknown_status"
    assert harness.balance() == 70
    assert [line.message for line in caplog.records] == ["unknown_stripe_status"]


@pytest.mark.parametrize(
    ("movement", "coins"),
    [({"refunds": [a_refund()], "disputes": [a_dispute(74, "warning_needs_response", "eur")]}, 0),
     ({"refunds": [a_refund(37), a_refund(1, "reversed")]}, 35),
     ({"disputes": [a_dispute(74, "appealed", bookings=booked(-37))]}, 35)], ids=str,
)  # fmt: skip
def test_sync_refunds_of_an_unknown_movement_does_not_hide_the_known_ones(movement: dict[str, Any], coins: int) -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(**movement)
    assert [(harness.hint(), harness.balance()) for _ in range(2)] == [("unknown_status", coins)] * 2
    assert sound(harness)


@pytest.mark.parametrize(
    ("movement", "coins"),
    [({"disputes": [a_dispute(74, "prevented")]}, 70),
     ({"disputes": [a_dispute(74, "prevented", bookings=booked(-74))]}, 0),
     ({"refunds": [a_refund()], "disputes": [a_dispute(74, "prevented")]}, 0),
     ({"refunds": [a_refund()], "disputes": [a_dispute(74, "prevented", bookings=booked(-74))]}, 0)],
    ids=["block", "resolution", "resolution shown as a refund", "resolution shown as both"],
)  # fmt: skip
def test_sync_refunds_of_a_prevented_dispute_follows_its_money(movement: dict[str, Any], coins: int) -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(**movement)
    harness.hint(kind="charge.dispute.created")
    assert (harness.balance(), sound(harness)) == (coins, True)


def test_sync_refunds_of_an_unmatched_payment_with_an_unknown_status_files_its_known_money() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.provider.sessions["second"] = session_of(a_purchase(), payment_intent="pi_second")
    harness.move_money(payment="pi_second", refunds=[a_refund(10), a_refund(1, "reversed")])
    assert harness.hint("pi_second") == "unknown_status"
    assert list(harness.books.reviews) == ["pi_second", "pi_second-left-10"]


def test_sync_refunds_of_an_unmatched_payment_reports_an_unknown_status() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.provider.sessions["second"] = session_of(a_purchase(), payment_intent="pi_second")
    harness.move_money(payment="pi_second", disputes=[a_dispute(10, "appealed_to_the_moon")])
    assert harness.hint("pi_second") == "unknown_status"
