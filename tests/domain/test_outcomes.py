import pytest

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.purchases import Status

RECOVERIES = {
    "credited",
    "clawed_back",
    "restored",
    "processing",
    "failed",
    "expired",
    "membership_active",
    "membership_past_due",
    "membership_ended",
}


@pytest.mark.parametrize(
    ("outcome", "metric", "has_alarm"),
    [
        ("in_review", "PaymentInReview", True),
        ("late_failure", "LateFailure", True),
        ("unforeseen", "Unforeseen", True),
        ("stranger", "WebhookStranger", False),
        ("clawed_back", "WebhookClawedBack", False),
        ("membership_past_due", "WebhookMembershipPastDue", False),
    ],
)
def test_metric_of_an_outcome_keeps_its_name(outcome: str, metric: str, has_alarm: bool) -> None:
    assert (Outcome(outcome).metric, Outcome(outcome).has_alarm) == (metric, has_alarm)


def test_is_recovery_is_true_for_exactly_the_changes() -> None:
    assert {outcome.value for outcome in Outcome if outcome.is_recovery} == RECOVERIES


def test_outcome_exists_for_every_membership_status() -> None:
    assert all(Outcome(f"membership_{status.value}") for status in MembershipStatus)


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.FAILED, Status.EXPIRED])
def test_outcome_exists_for_every_status_that_an_event_sets(status: Status) -> None:
    assert Outcome(status.value).is_recovery
