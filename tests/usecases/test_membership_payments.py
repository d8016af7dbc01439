"""Ways in which a month is paid: the table in chalicelib/http/README.md, row by row, each with its renewal."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.payments import MoneyState
from chalicelib.domain.reviews import ReviewReason
from chalicelib.errors import AlreadyMember, TryAgain
from tests.domain.builders import KEY, a_refund
from tests.fake_memberships import MONTH
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness
from tests.usecases.settlement_harness import SettlementHarness

README: Final = Path(__file__).parents[2] / "chalicelib/http/README.md"
NOTHING: Final = {"paid_minor": 0, "payment_intent": None}
PAYMENT, SECOND = f"pi_1_{KEY}", "pi_second"

WAYS: Final[dict[str, dict[str, Any]]] = {
    "at the quoted price, in one payment": {},
    "at the quoted price, in several payments": {"more_payment_intents": [SECOND]},
    "in part by a coupon": {"total_minor": 250, "paid_minor": 250},
    "by a coupon for all of it (0.00)": {"total_minor": 0, **NOTHING},
    "by a trial (0.00)": {"subtotal_minor": 0, "total_minor": 0, **NOTHING},
    "from the customer's balance": NOTHING,
    "in part from the customer's balance": {"paid_minor": 99},
    "with a proration on it": {"subtotal_minor": 620, "total_minor": 620, "paid_minor": 620},
    "at another price than quoted": {"subtotal_minor": 599, "total_minor": 599, "paid_minor": 599},
    "outside Stripe": {"payment_intent": None, "off_stripe_minor": 499},
    "in part outside Stripe": {"off_stripe_minor": 200},
    "and its payment is not attached yet": {"payment_intent": None, "paid_at": START},
    "and its payment is never attached": {"payment_intent": None, "paid_at": START - timedelta(days=1)},
}
"""Changes to the paid invoice of a month, by the first column of the table."""


def rows() -> dict[str, list[str]]:
    """Parse the table's rows: coins, review and member, by the first column."""
    table = README.read_text().split("| the invoice of a month is paid |")[1].split("\n\n")[0]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {first: others for first, *others in cells}


def a_member(month: int) -> MembershipHarness:
    """Build a fan whose months before `month` are paid as quoted."""
    harness = MembershipHarness()
    harness.joined()
    for paid in range(1, month):
        harness.billed(paid)
        harness.deliver_invoice(paid)
    return harness


def is_member(harness: MembershipHarness) -> bool:
    """Check that a member is refused another membership, and that others are not."""
    is_active = harness.membership().is_active(harness.clock.now())
    if is_active:
        with pytest.raises(AlreadyMember):
            harness.join(membership_id=uuid7_at(harness.clock.now(), 900))
    elif harness.membership().status is not MembershipStatus.PAST_DUE:
        harness.join(membership_id=uuid7_at(harness.clock.now(), 901))
    return is_active


def test_membership_payments_table_has_every_way() -> None:
    assert rows().keys() == WAYS.keys()


@pytest.mark.parametrize("month", [1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_month_paid_in_this_way_has_the_result_of_the_table(way: str, month: int) -> None:
    coins, reason, member = rows()[way]
    harness = a_member(month)
    before = harness.balance()
    harness.billed(month, **WAYS[way])
    if member == "later":
        with pytest.raises(TryAgain):
            harness.deliver_invoice(month)
        assert harness.balance() == before
        harness.billed(month)
        coins, member = "yes", "yes"
    for _ in range(2):
        harness.deliver_invoice(month)
        harness.deliver_subscription()

    assert (harness.balance() - before, harness.reasons()) == (500 if coins == "yes" else 0, [reason] if reason else [])
    assert harness.membership().paid_until == START + month * MONTH
    harness.clock.advance(month * MONTH - timedelta(seconds=1))
    assert is_member(harness) is (member == "yes")

    # The next month is paid as quoted.
    balance = harness.balance()
    harness.billed(month + 1)
    assert harness.deliver_invoice(month + 1) == "credited"
    harness.clock.advance(MONTH)
    assert is_member(harness)
    assert harness.balance() - balance == 500
    harness.becomes("canceled")
    harness.deliver_subscription("deleted")
    assert harness.ends() == ["cancelled"]
    assert not is_member(harness)
    assert harness.is_sound()


REVIEWED: Final = [way for way, (_, reason, _) in rows().items() if reason and ReviewReason(reason).can_credit]


@pytest.mark.parametrize("way", REVIEWED)
def test_month_that_an_operator_credits_has_its_coins_and_its_member(way: str) -> None:
    harness = SettlementHarness()
    harness.joined()
    invoice = harness.billed(1, **WAYS[way])
    harness.deliver_invoice(1)
    assert harness.decision(invoice.payment_intent or invoice.invoice_id) == "credit"
    assert (harness.balance(), harness.published_types()) == (500, ["membership.started"])
    assert harness.deliver_invoice(1) in {"reviewed", "unchanged"}
    harness.deliver_subscription()
    assert is_member(harness)
    assert harness.membership().paid_until == START + MONTH
    harness.billed(2)
    assert harness.deliver_invoice(2) == "credited"
    assert harness.balance() == 1_000
    assert harness.is_sound()


def test_refund_of_the_part_at_stripe_keeps_the_coins_of_the_part_outside() -> None:
    harness = SettlementHarness()
    harness.joined()
    harness.billed(1, off_stripe_minor=200)
    harness.provider.money[PAYMENT] = MoneyState(captured_minor=299)
    harness.deliver_invoice(1)
    harness.decision(PAYMENT)
    assert harness.balance() == 500
    harness.move_money(payment=PAYMENT, captured_minor=299, refunds=[a_refund(299)])
    harness.hint(PAYMENT)
    assert harness.balance() == 500 * 200 // 499


PERIOD_2: Final = START + 2 * MONTH
UNPAID: Final = {"status": "open", **NOTHING}


@pytest.mark.parametrize(
    ("subscription", "invoice", "is_active"),
    [
        ({"status": "active"}, UNPAID, True),
        ({"status": "active"}, {**UNPAID, "status": "draft"}, True),
        ({"status": "active"}, {**UNPAID, "status": "void"}, True),
        ({"status": "active"}, {**UNPAID, "status": "uncollectible"}, True),
        ({"status": "trialing"}, {**UNPAID, "status": "draft"}, True),
        ({"status": "paused"}, None, False),
        ({"status": "past_due"}, UNPAID, False),
    ],
    ids=["bank debit", "paused: draft", "paused: void", "paused: uncollectible", "trial", "trial over", "overdue"],
)
def test_second_period_without_a_payment_is_served_while_stripe_has_it_in_order(
    subscription: dict[str, Any], invoice: dict[str, Any] | None, is_active: bool
) -> None:
    harness = a_member(2)
    harness.clock.advance(MONTH + timedelta(days=9))
    if invoice is not None:
        harness.billed(2, **invoice)
    harness.becomes(**subscription, period_ends_at=PERIOD_2)
    harness.deliver_subscription()
    assert is_member(harness) is is_active
    assert (harness.balance(), harness.reasons()) == (500, [])
    harness.billed(3)
    harness.becomes("active", period_ends_at=START + 3 * MONTH)
    assert harness.deliver_invoice(3) == "credited"
    assert is_member(harness)
    assert harness.published_types() == ["membership.started", "membership.renewed"]


def test_first_month_by_bank_debit_makes_a_member_when_it_is_paid() -> None:
    harness = a_member(1)
    harness.billed(1, **UNPAID)
    harness.becomes("active", period_ends_at=START + MONTH)
    assert harness.deliver_subscription("created") == "membership_pending"
    assert not is_member(harness)
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert is_member(harness)


@pytest.mark.parametrize("part", [PAYMENT, SECOND])
def test_refund_of_one_part_takes_back_its_coins(part: str) -> None:
    harness = a_member(1)
    harness.billed(1, more_payment_intents=[SECOND])
    harness.provider.money[PAYMENT] = MoneyState(captured_minor=300)
    harness.provider.money[SECOND] = MoneyState(captured_minor=199)
    harness.deliver_invoice(1)
    captured = harness.provider.money[part].captured_minor
    harness.move_money(payment=part, captured_minor=captured, refunds=[a_refund(captured)])
    assert harness.hint(part) == "clawed_back"
    assert harness.hint(part) == "unchanged"
    assert harness.balance() == 500 * (499 - captured) // 499
    assert is_member(harness)
    assert harness.is_sound()


@pytest.mark.parametrize("change", [{"billing_reason": "subscription_update"}, {"billing_reason": "manual"}], ids=str)
def test_other_invoice_of_the_subscription_changes_no_membership(change: dict[str, Any]) -> None:
    harness = a_member(2)
    harness.billed(2, subtotal_minor=100, total_minor=100, paid_minor=100, paid_until=START + 2 * MONTH, **change)
    assert harness.deliver_invoice(2) == "in_review"
    harness.billed(3, subtotal_minor=-100, total_minor=-100, **NOTHING, **change)
    assert harness.deliver_invoice(3) == "unchanged"
    assert (harness.membership().paid_until, harness.balance()) == (START + MONTH, 500)
    assert harness.reasons() == ["other_billing_reason"]
