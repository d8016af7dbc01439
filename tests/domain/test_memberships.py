from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.memberships import (
    LIVE,
    RENEWAL_GRACE,
    SUBSCRIPTION_STATUSES,
    Membership,
    MembershipStatus,
    end_notification,
    invoice_review_reason,
    membership_as_followed,
    month_of,
    repeated_month_review_reason,
    unmatched_month_review_reason,
)
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.payments import Invoice, PurchaseRef, Subscription, UnrelatedPayment
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reversals import UnknownStatus
from tests.domain.builders import (
    EVENT_ID,
    FAN,
    KEY,
    a_gift,
    a_membership,
    a_posted_purchase,
)
from tests.fake_memberships import MONTH, FakeSubscriptions, hint_of, invoice_of
from tests.fakes import START, uuid7_at

POSTING = Posting(posted_at=START + timedelta(seconds=5), event_id=EVENT_ID)
ACTIVE, PAST_DUE, ENDED, PENDING = (MembershipStatus(word) for word in ("active", "past_due", "ended", "pending"))
MILLISECOND = timedelta(milliseconds=1)


def an_invoice(month: int = 1, **changes: Any) -> Invoice:
    return replace(invoice_of(a_membership(), month), **changes)


def a_month(month: int = 1, **changes: Any) -> Purchase:
    return replace(month_of(an_invoice(month), POSTING), **changes)


def a_subscription(**changes: Any) -> Subscription:
    return FakeSubscriptions().subscribe(a_membership(), **changes)


def followed(last: Purchase | None, **subscription: Any) -> Membership:
    return membership_as_followed(a_membership(), a_subscription(**subscription), last)


# --- the paid time ----------------------------------------------------------------------------------------------------

END = START + MONTH


@pytest.mark.parametrize(
    ("changes", "now", "is_active"),
    [
        ({"status": ACTIVE, "paid_until": END}, END - MILLISECOND, True),
        ({"status": ACTIVE, "paid_until": END}, END, False),
        ({"status": ACTIVE, "paid_until": END, "renews": True}, END + RENEWAL_GRACE - MILLISECOND, True),
        ({"status": ACTIVE, "paid_until": END, "renews": True}, END + RENEWAL_GRACE, False),
        ({"status": PAST_DUE, "paid_until": END, "renews": True}, END - MILLISECOND, True),
        ({"status": PAST_DUE, "paid_until": END, "renews": True}, END, False),
        ({"status": ENDED, "paid_until": END}, START, False),
        ({"status": PENDING}, START, False),
        ({"status": ACTIVE}, START, False),
    ],
    ids=str,
)
def test_membership_is_active_until_the_end_of_the_paid_time(
    changes: dict[str, Any], now: datetime, is_active: bool
) -> None:
    assert a_membership(**changes).is_active(now) is is_active


# --- a paid month -----------------------------------------------------------------------------------------------------


def test_month_of_a_paid_invoice_is_a_posted_purchase() -> None:
    assert month_of(an_invoice(), POSTING) == Purchase(
        purchase_id=an_invoice().purchase_id,
        user_id=FAN,
        bundle_id="coin_club",
        channel="membership",
        coins=500,
        amount_minor=499,
        currency="usd",
        created_at=START,
        status=Status.POSTED,
        posted_at=POSTING.posted_at,
        event_id=EVENT_ID,
        payment_intent=f"pi_1_{KEY}",
        membership_id=KEY,
        is_renewal=False,
        paid_until=START + MONTH,
    )
    assert month_of(an_invoice(2), POSTING).is_renewal


def test_invoice_purchase_id_depends_only_on_its_id() -> None:
    assert an_invoice().purchase_id == an_invoice(status="open", paid_minor=0).purchase_id
    assert an_invoice().purchase_id != an_invoice(invoice_id="in_other").purchase_id
    assert an_invoice().ref == PurchaseRef(purchase_id=an_invoice().purchase_id, user_id=FAN, coins=500)
    assert an_invoice().hint == hint_of(a_membership())


def test_month_of_an_unrelated_invoice_raises_unrelated_payment() -> None:
    unrelated = an_invoice(membership=None)
    assert (unrelated.ref, unrelated.hint) == (None, None)
    with pytest.raises(UnrelatedPayment):
        month_of(unrelated, POSTING)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"billing_reason": "subscription_cycle"}, None),
        ({"billing_reason": "subscription_update"}, "other_billing_reason"),
        ({"billing_reason": "manual"}, "other_billing_reason"),
        ({"subtotal_minor": 0, "total_minor": 0, "paid_minor": 0}, "no_payment_required"),
        ({"payment_intent": None}, "no_payment_yet"),
        ({"total_minor": 399, "paid_minor": 399}, "discounted_or_surcharged"),
        ({"paid_minor": 399}, "other_amount"),
        ({"paid_until": None}, "no_period"),
    ],
    ids=str,
)
def test_invoice_review_reason_is_none_only_for_the_whole_price(changes: dict[str, Any], reason: str | None) -> None:
    assert invoice_review_reason(an_invoice(**changes)) == reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [(a_month(), None), (a_month(payment_intent="pi_other"), "paid_twice"), (a_gift(), "paid_twice")],
    ids=str,
)
def test_repeated_month_review_reason_is_none_only_for_the_same_payment(entry: Entry, reason: str | None) -> None:
    assert repeated_month_review_reason(entry, a_month()) == reason


@pytest.mark.parametrize(
    ("membership", "reason"),
    [
        (None, "no_such_membership"),
        (a_membership(currency="eur"), "other_currency"),
        (a_membership(amount_minor=500), "other_amount"),
        (a_membership(coins=501), "other_coins"),
        (a_membership(plan_id="moon_club"), "other_coins"),
        (a_membership(subscription_id="sub_other"), "other_subscription"),
    ],
    ids=str,
)
def test_unmatched_month_review_reason_names_the_first_difference(membership: Membership | None, reason: str) -> None:
    assert unmatched_month_review_reason(membership, a_month()) == reason


# --- following the subscription ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), SUBSCRIPTION_STATUSES.items())
def test_followed_paid_membership_has_the_subscriptions_status(word: str, status: MembershipStatus) -> None:
    after = followed(a_month(2), status=word)
    assert after == a_membership(
        status=status,
        subscription_id=f"sub_{KEY}",
        customer_id=f"cus_{FAN}",
        paid_until=START + 2 * MONTH,
        renews=status in LIVE,
        ended_reason="unpaid" if word in {"unpaid", "incomplete_expired"} else "cancelled" if status is ENDED else None,
        version=2,
    )


@pytest.mark.parametrize(("word", "status"), SUBSCRIPTION_STATUSES.items())
def test_followed_membership_without_a_paid_month_is_pending(word: str, status: MembershipStatus) -> None:
    after = followed(None, status=word)
    assert after.status is (ENDED if status is ENDED else PENDING)
    assert (after.paid_until, after.renews) == (None, False)


def test_followed_canceling_subscription_does_not_renew() -> None:
    assert not followed(a_month(), renews=False).renews


def test_followed_ended_reason_after_failed_payments_is_unpaid() -> None:
    assert followed(a_month(), status="canceled", cancel_reason="payment_failed").ended_reason == "unpaid"
    assert followed(a_month(), status="canceled", cancel_reason="cancellation_requested").ended_reason == "cancelled"


@pytest.mark.parametrize(("kept", "status"), [(None, ACTIVE), (499, ACTIVE), (1, ACTIVE), (0, ENDED)])
def test_followed_fully_refunded_month_ends_the_membership(kept: int | None, status: MembershipStatus) -> None:
    after = followed(a_month(kept_minor=kept))
    assert (after.status, after.ended_reason) == (status, "refunded" if status is ENDED else None)


def test_followed_unknown_status_raises_unknown_status() -> None:
    with pytest.raises(UnknownStatus, match="dormant"):
        followed(a_month(), status="dormant")


# --- the end ----------------------------------------------------------------------------------------------------------


def end(before: MembershipStatus, after: MembershipStatus, **changes: Any) -> NotificationEntry | None:
    membership = a_membership(status=after, ended_reason="cancelled", **{"paid_until": END} | changes)
    return end_notification(a_membership(status=before), membership, POSTING, KEY)


@pytest.mark.parametrize("before", [PENDING, ACTIVE, PAST_DUE])
def test_end_notification_has_the_reason(before: MembershipStatus) -> None:
    assert end(before, ENDED) == NotificationEntry(
        entry_id=KEY,
        user_id=FAN,
        kind=NotificationKind.MEMBERSHIP_END,
        posted_at=POSTING.posted_at,
        event_id=EVENT_ID,
        payload={"membership_id": KEY, "plan_id": "coin_club", "reason": "cancelled"},
    )


@pytest.mark.parametrize(("before", "after"), [(ENDED, ENDED), (ACTIVE, PAST_DUE), (ENDED, ACTIVE)])
def test_end_notification_without_a_new_end_is_none(before: MembershipStatus, after: MembershipStatus) -> None:
    assert end(before, after) is None


def test_end_notification_of_a_pending_membership_is_none() -> None:
    assert end(PENDING, ENDED, paid_until=None) is None


def test_purchase_without_membership_has_no_membership_id() -> None:
    assert a_posted_purchase().membership_id is None
    assert uuid7_at(START, 1) != an_invoice().purchase_id
