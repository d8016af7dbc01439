"""Outcomes of Stripe events."""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """The result of handling one Stripe event.

    The values are public in v1: the webhook's response and the metric names contain them.
    """

    # credits
    CREDITED = "credited"
    REPEATED = "repeated"
    IN_REVIEW = "in_review"
    """A new review was filed."""
    REVIEWED = "reviewed"
    """The review had been filed before."""
    # unpaid purchases
    PROCESSING = "processing"
    FAILED = "failed"
    EXPIRED = "expired"
    LATE_FAILURE = "late_failure"
    """A payment failed after its coins were credited."""
    # refunds and disputes
    CLAWED_BACK = "clawed_back"
    RESTORED = "restored"
    UNKNOWN_STATUS = "unknown_status"
    """Stripe reports a status or currency that is not known; only the movements that are known count."""
    UNPAID = "unpaid"
    """The payment captured no money."""
    # memberships
    MEMBERSHIP_PENDING = "membership_pending"
    MEMBERSHIP_ACTIVE = "membership_active"
    MEMBERSHIP_PAST_DUE = "membership_past_due"
    MEMBERSHIP_ENDED = "membership_ended"
    # nothing was done
    UNCHANGED = "unchanged"
    OTHER_MODE = "other_mode"
    OTHER_ACCOUNT = "other_account"
    UNRELATED = "stranger"
    """The object was not created by this system. The value is public in v1."""
    IGNORED = "ignored"
    # reconcile only
    TRY_AGAIN = "try_again"
    UNFORESEEN = "unforeseen"

    @property
    def is_recovery(self) -> bool:
        """True if the event changed something: when reconcile finds it, the webhook was lost."""
        return self in _RECOVERIES

    @property
    def has_alarm(self) -> bool:
        """True if an alarm watches the metric."""
        return self in _ALARM_METRICS

    @property
    def metric(self) -> str:
        """The metric that counts the outcome."""
        return _ALARM_METRICS.get(self) or f"Webhook{self.value.title().replace('_', '')}"


_RECOVERIES: Final = frozenset(
    {
        Outcome.CREDITED,
        Outcome.CLAWED_BACK,
        Outcome.RESTORED,
        Outcome.PROCESSING,
        Outcome.FAILED,
        Outcome.EXPIRED,
        Outcome.MEMBERSHIP_ACTIVE,
        Outcome.MEMBERSHIP_PAST_DUE,
        Outcome.MEMBERSHIP_ENDED,
    }
)
_ALARM_METRICS: Final = {
    Outcome.IN_REVIEW: "PaymentInReview",
    Outcome.LATE_FAILURE: "LateFailure",
    Outcome.UNFORESEEN: "Unforeseen",
}
