"""Notifications of a membership's end and return."""

from chalicelib.domain.ids import iso
from chalicelib.domain.memberships import LIVE, Membership, MembershipStatus
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.posting import Posting


def end_notification(
    before: Membership, after: Membership, posting: Posting, entry_id: str
) -> NotificationEntry | None:
    """Build the notification that a paid membership has just ended; None otherwise."""
    has_ended = after.status is MembershipStatus.ENDED and before.status is not MembershipStatus.ENDED
    if not has_ended or after.paid_until is None:
        return None
    return _notification(NotificationKind.MEMBERSHIP_END, after, posting, entry_id, reason=after.ended_reason)


def resume_notification(
    before: Membership, after: Membership, posting: Posting, entry_id: str
) -> NotificationEntry | None:
    """Build the notification that a membership is back after an end that was published; None otherwise."""
    was_ended = before.status is MembershipStatus.ENDED and before.paid_until is not None
    if not was_ended or after.status not in LIVE or after.paid_until is None:
        return None
    resumed, paid_until = NotificationKind.MEMBERSHIP_RESUME, iso(after.paid_until)
    return _notification(resumed, after, posting, entry_id, paid_until=paid_until)


def _notification(
    kind: NotificationKind, membership: Membership, posting: Posting, entry_id: str, **facts: str | None
) -> NotificationEntry:
    return NotificationEntry(
        entry_id=entry_id,
        user_id=membership.user_id,
        kind=kind,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payload={"membership_id": membership.membership_id, "plan_id": membership.plan_id, **facts},
    )
