"""Disputes: their money, their freeze of the wallet, warnings of fraud, and movements that are not known."""

from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.operators import GrantOrder
from chalicelib.errors import InvalidField, WalletFrozen
from chalicelib.usecases.operators import grant_coins
from chalicelib.usecases.reviews import settle_review
from tests.domain.builders import FAN, KEY, a_catalogue, a_dispute, a_purchase, a_refund, an_act, booked
from tests.fake_operators import FakeOperators
from tests.fake_services import settlement_services
from tests.fakes import START, session_of, uuid7_at
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import CheckoutHarness, a_hint, a_stripe_event, session_event
from tests.usecases.membership_harness import MembershipHarness


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
    assert [review.gone_minor for review in harness.books.reviews.values()] == [None, 10]


def test_sync_refunds_of_an_unmatched_payment_reports_an_unknown_status() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.provider.sessions["second"] = session_of(a_purchase(), payment_intent="pi_second")
    harness.move_money(payment="pi_second", disputes=[a_dispute(10, "appealed_to_the_moon")])
    assert harness.hint("pi_second") == "unknown_status"


# --- the freeze -------------------------------------------------------------------------------------------------------


def becomes(harness: CheckoutHarness, status: str, **changes: Any) -> None:
    """Set the dispute of the purchase at the provider, and deliver the event."""
    harness.move_money(disputes=[a_dispute(74, status, **changes)])
    harness.hint(kind="charge.dispute.updated")
    assert sound(harness)


def reasons(harness: CheckoutHarness) -> list[str]:
    return list(harness.books.read_wallet(FAN).freeze_reasons)


def spend(harness: CheckoutHarness) -> None:
    """Give away 35 of the 70 coins."""
    harness.send(gift_id=uuid7_at(START, 50), item_id="cake")


def clawbacks(harness: CheckoutHarness) -> list[tuple[int, int | None]]:
    """Return the coins of each adjustment, and how many of them had been spent."""
    found = [entry for entry in harness.books.entries[FAN].values() if isinstance(entry, Adjustment)]
    return [(each.coins, each.coins_spent) for each in found]


def test_sync_refunds_of_a_dispute_freezes_until_it_is_won() -> None:
    harness = a_harness_with_a_posted_purchase()
    spend(harness)
    becomes(harness, "needs_response")
    assert (reasons(harness), harness.balance()) == (["dispute"], -35)
    for refused in (
        lambda: harness.send(gift_id=uuid7_at(START, 51)),
        lambda: harness.open(purchase_id=uuid7_at(START, 52)),
    ):
        with pytest.raises(WalletFrozen) as caught:
            refused()
        assert caught.value.extensions == {"reason": "dispute"}
    becomes(harness, "won")
    assert (reasons(harness), harness.balance(), clawbacks(harness)) == ([], 35, [(-70, 35), (70, None)])
    harness.open(purchase_id=uuid7_at(START, 52))


def test_sync_refunds_of_a_lost_dispute_freezes_until_its_coins_are_paid() -> None:
    harness = a_harness_with_a_posted_purchase()
    spend(harness)
    becomes(harness, "needs_response")
    becomes(harness, "lost")
    assert reasons(harness) == ["dispute"]
    grant = GrantOrder(act=an_act(key=uuid7_at(START, 53)), user_id=FAN, coins=35)
    grant_coins(grant, ledger=harness.books, operators=FakeOperators(harness.books), clock=harness.clock)
    assert (reasons(harness), harness.balance()) == ([], 0)


def test_sync_refunds_of_an_unrelated_refund_does_not_freeze_for_a_dispute_that_was_paid() -> None:
    harness = a_harness_with_a_posted_purchase()
    spend(harness)
    for status in ("needs_response", "lost"):
        becomes(harness, status)
    operators = FakeOperators(harness.books)
    grant = GrantOrder(act=an_act(key=uuid7_at(START, 53)), user_id=FAN, coins=35)
    grant_coins(grant, ledger=harness.books, operators=operators, clock=harness.clock)
    second = a_purchase(purchase_id=uuid7_at(START, 54))
    harness.books.open_purchase(second)
    session = session_of(second, payment_intent="pi_second")
    harness.provider.sessions["pi_second"] = session
    assert harness.deliver(a_stripe_event(session=session)) == "credited"
    harness.send(gift_id=uuid7_at(START, 55), item_id="cake")

    harness.move_money(payment="pi_second", refunds=[a_refund()])
    assert (harness.hint("pi_second"), reasons(harness), harness.balance()) == ("clawed_back", [], -35)
    harness.move_money(payment="pi_second", disputes=[a_dispute(74, "lost", bookings=booked(-74))])
    harness.hint("pi_second")
    assert reasons(harness) == ["dispute"]
    becomes(harness, "won")
    assert (reasons(harness), sound(harness)) == ([], True)


@pytest.mark.parametrize("course", ["lost", "needs_response lost", "warning_needs_response", "warning_closed", "won"])
def test_sync_refunds_does_not_freeze_for_unspent_coins_or_an_inquiry(course: str) -> None:
    harness = a_harness_with_a_posted_purchase()
    for status in course.split():
        becomes(harness, status)
    assert reasons(harness) == []


@pytest.mark.parametrize("shows_as", [{"bookings": booked(-74)}, {}], ids=["balance transaction", "refund"])
def test_sync_refunds_of_a_resolution_freezes_in_either_form(shows_as: dict[str, Any]) -> None:
    harness = a_harness_with_a_posted_purchase()
    spend(harness)
    dispute = a_dispute(74, "prevented", case_type="resolution", **shows_as)
    harness.move_money(refunds=[] if shows_as else [a_refund()], disputes=[dispute])
    harness.hint(kind="charge.dispute.created")
    assert (reasons(harness), harness.balance(), sound(harness)) == (["dispute"], -35, True)


def test_sync_refunds_of_a_second_lost_dispute_of_one_payment_freezes_again() -> None:
    harness = a_harness_with_a_posted_purchase()
    first, second = (a_dispute(37, "lost", bookings=booked(-37)) for _ in range(2))
    harness.move_money(disputes=[first])
    harness.hint(kind="charge.dispute.updated")
    spend(harness)
    assert (reasons(harness), harness.balance()) == ([], 0)

    harness.move_money(disputes=[first, second])
    harness.hint(kind="charge.dispute.created")
    assert (reasons(harness), harness.balance()) == (["dispute"], -35)


def test_sync_refunds_does_not_freeze_where_the_catalogue_says_so() -> None:
    harness = a_harness_with_a_posted_purchase()
    becomes(harness, "needs_response")
    assert reasons(harness) == ["dispute"]
    harness.catalogue = a_catalogue(freeze_on_dispute=False)
    becomes(harness, "under_review")
    assert (reasons(harness), harness.balance()) == ([], 0)


def test_open_checkout_repeat_while_frozen_has_no_url() -> None:
    harness = a_harness_with_a_posted_purchase()
    opened = harness.open(purchase_id=uuid7_at(START, 60))
    becomes(harness, "needs_response")
    repeated = harness.open(purchase_id=uuid7_at(START, 60))
    assert (opened.url is None, repeated.url, repeated.is_repeat) == (False, None, True)


def test_open_membership_while_frozen_is_refused() -> None:
    harness = MembershipHarness()
    harness.paid()
    harness.deliver(session_event("paid"))
    becomes(harness, "needs_response")
    with pytest.raises(WalletFrozen):
        harness.join(membership_id=uuid7_at(START, 61))
    becomes(harness, "won")
    opened = harness.join(membership_id=uuid7_at(START, 61))
    becomes(harness, "under_review")
    assert (opened.url is None, harness.join(membership_id=uuid7_at(START, 61)).url) == (False, None)


@pytest.mark.parametrize(("given", "spent"), [(0, 0), (1, 35), (2, 70)])
def test_sync_refunds_clawback_says_how_many_coins_were_spent(given: int, spent: int) -> None:
    harness = a_harness_with_a_posted_purchase()
    for number in range(given):
        harness.send(gift_id=uuid7_at(START, 50 + number), item_id="cake")
    harness.move_money(refunds=[a_refund()])
    harness.hint()
    assert clawbacks(harness) == [(-70, spent)]


def test_sync_refunds_counts_again_when_coins_are_spent_meanwhile() -> None:
    harness = a_harness_with_a_posted_purchase()
    harness.move_money(refunds=[a_refund()])
    harness.recorder.before["update_kept_amount"] = lambda: spend(harness)
    assert (harness.hint(), clawbacks(harness), harness.balance()) == ("clawed_back", [(-70, 35)], -35)


# --- early fraud warnings ---------------------------------------------------------------------------------------------

WARNING = "radar.early_fraud_warning.created"


def test_review_fraud_warning_files_one_review_and_freezes_nothing() -> None:
    harness = a_harness_with_a_posted_purchase()
    assert [harness.hint(kind=WARNING) for _ in range(2)] == ["in_review", "reviewed"]
    assert (harness.reasons(), reasons(harness), harness.balance()) == (["early_fraud_warning"], [], 70)
    [review] = harness.books.reviews.values()
    assert (review.purchase_id, review.user_id, review.amount_minor) == (KEY, FAN, 74)
    services = settlement_services(harness, FakeOperators(harness.books))
    with pytest.raises(InvalidField):
        settle_review(review.ref, "credit", an_act(), services)


def test_review_fraud_warning_of_a_membership_names_its_invoice() -> None:
    harness = MembershipHarness()
    harness.joined()
    invoice = harness.billed()
    assert harness.hint(str(invoice.payment_intent), WARNING) == "in_review"
    assert [review.session_id for review in harness.books.reviews.values()] == [invoice.invoice_id]


@pytest.mark.parametrize("payment", ["pi_of_somebody_else", None])
def test_review_fraud_warning_of_an_unrelated_payment_does_nothing(payment: str | None) -> None:
    harness = a_harness_with_a_posted_purchase()
    assert harness.deliver(a_hint(payment, WARNING)) == "stranger"
    assert harness.reasons() == []
