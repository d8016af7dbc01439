from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.membership_notifications import end_notification, resume_notification
from chalicelib.domain.memberships import (
    LIVE,
    SUBSCRIPTION_STATUSES,
    Membership,
    MembershipStatus,
    PaidMonth,
    membership_as_followed,
    membership_as_gone,
)
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.payments import Subscription
from chalicelib.domain.posting import Posting
from chalicelib.domain.reversals import UnknownStatus
from tests.domain.builders import EVENT_ID, FAN, KEY, a_membership
from tests.fake_memberships import MONTH, FakeSubscriptions
from tests.fakes import START

POSTING = Posting(posted_at=START + timedelta(seconds=5), event_id=EVENT_ID)
ACTIVE, PAST_DUE, ENDED, PENDING = (MembershipStatus(word) for word in ("active", "past_due", "ended", "pending"))
MILLISECOND = timedelta(milliseconds=1)


def a_month(month: int = 1, **changes: Any) -> PaidMonth:
    return replace(PaidMonth(paid_until=START + month * MONTH), **changes)


def a_subscription(**changes: Any) -> Subscription:
    return FakeSubscriptions().subscribe(a_membership(), **changes)


def followed(last: PaidMonth | None, **subscription: Any) -> Membership:
    return membership_as_followed(a_membership(), a_subscription(**subscription), last)


# --- the paid time ----------------------------------------------------------------------------------------------------

END = START + MONTH


@pytest.mark.parametrize(
    ("changes", "now", "is_active"),
    [
        ({"status": ACTIVE, "paid_until": END}, END - MILLISECOND, True),
        ({"status": ACTIVE, "paid_until": END}, END, False),
        ({"status": ACTIVE, "paid_until": END, "renews": True}, END + timedelta(hours=3) - MILLISECOND, True),
        ({"status": ACTIVE, "paid_until": END, "renews": True}, END + timedelta(hours=3), False),
        ({"status": PAST_DUE, "paid_until": END, "renews": True}, END - MILLISECOND, True),
        ({"status": PAST_DUE, "paid_until": END, "renews": True}, END, False),
        ({"status": ENDED, "paid_until": END}, START, False),
        ({"status": PENDING}, START, False),
        ({"status": ACTIVE}, START, False),
        ({"status": ACTIVE, "paid_until": START, "served_until": END}, END - MILLISECOND, True),
        ({"status": ACTIVE, "paid_until": START, "served_until": END}, END, False),
        ({"status": ACTIVE, "paid_until": END, "served_until": START}, END - MILLISECOND, True),
        ({"status": ENDED, "paid_until": START, "served_until": END}, START, False),
    ],
    ids=str,
)
def test_membership_is_active_until_the_end_of_the_paid_time(
    changes: dict[str, Any], now: datetime, is_active: bool
) -> None:
    assert a_membership(**changes).is_active(now) is is_active


# --- following the subscription ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), SUBSCRIPTION_STATUSES.items())
def test_followed_paid_membership_has_the_subscriptions_status(word: str, status: MembershipStatus) -> None:
    after = followed(a_month(2), status=word)
    assert after == a_membership(
        status=status,
        subscription_id=f"sub_{KEY}",
        customer_id=f"cus_{FAN}",
        paid_until=START + 2 * MONTH,
        renews=status in LIVE and word != "paused",
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


@pytest.mark.parametrize(("is_kept", "status"), [(True, ACTIVE), (False, ENDED)])
def test_followed_fully_refunded_month_ends_the_membership(is_kept: bool, status: MembershipStatus) -> None:
    after = followed(a_month(is_kept=is_kept), period_ends_at=END)
    assert (after.status, after.ended_reason) == (status, None if is_kept else "refunded")
    assert after.served_until == (END if is_kept else None)


@pytest.mark.parametrize("word", SUBSCRIPTION_STATUSES)
@pytest.mark.parametrize("month", [a_month(), None], ids=["paid", "unpaid"])
def test_followed_period_is_served_while_stripe_has_it_in_order(word: str, month: PaidMonth | None) -> None:
    after = followed(month, status=word, period_ends_at=END)
    assert after.served_until == (END if month and word in {"active", "trialing"} else None)


def test_membership_as_gone_has_ended() -> None:
    member = a_membership(status=ACTIVE, paid_until=END, served_until=END, renews=True, version=3)
    gone = membership_as_gone(member, END)
    assert gone == replace(member, status=ENDED, served_until=None, renews=False, ended_reason="cancelled", version=4)
    unpaid = replace(gone, ended_reason="unpaid")
    assert membership_as_gone(unpaid, END) == replace(unpaid, version=5)


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


# --- the return -------------------------------------------------------------------------------------------------------


def resumption(before: MembershipStatus, after: MembershipStatus, **changes: Any) -> NotificationEntry | None:
    stored = a_membership(status=before, **{"paid_until": START} | changes)
    return resume_notification(stored, a_membership(status=after, paid_until=END), POSTING, KEY)


@pytest.mark.parametrize("after", LIVE)
def test_resume_notification_has_the_end_of_the_paid_time(after: MembershipStatus) -> None:
    assert resumption(ENDED, after) == NotificationEntry(
        entry_id=KEY,
        user_id=FAN,
        kind=NotificationKind.MEMBERSHIP_RESUME,
        posted_at=POSTING.posted_at,
        event_id=EVENT_ID,
        payload={"membership_id": KEY, "plan_id": "coin_club", "paid_until": "2026-12-22T12:00:00.000Z"},
    )


@pytest.mark.parametrize(
    ("before", "after"), [(ENDED, ENDED), (ENDED, PENDING), (PAST_DUE, ACTIVE), (PENDING, ACTIVE), (ACTIVE, ACTIVE)]
)
def test_resume_notification_without_a_return_is_none(before: MembershipStatus, after: MembershipStatus) -> None:
    assert resumption(before, after) is None


def test_resume_notification_after_an_unpublished_end_is_none() -> None:
    assert resumption(ENDED, ACTIVE, paid_until=None) is None
    unpaid = a_membership(status=ACTIVE)
    assert resume_notification(a_membership(status=ENDED, paid_until=START), unpaid, POSTING, KEY) is None
