"""Concurrent updates of one membership, and failing calls: the newest state is kept, its end published once."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.payments import Subscription
from chalicelib.errors import TryAgain
from chalicelib.usecases.memberships import MAX_ATTEMPTS, sync_membership
from tests.fake_memberships import hint_of
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness

ACTIVE, ENDED = MembershipStatus.ACTIVE, MembershipStatus.ENDED


@pytest.fixture
def harness() -> MembershipHarness:
    harness = MembershipHarness()
    harness.joined()
    return harness


class InterruptedSubscriptions:
    """A Subscriptions port that runs an action after each response."""

    def __init__(self, harness: MembershipHarness, actions: list[Callable[[], object]]) -> None:
        self.harness, self.actions = harness, actions

    def read_subscription(self, subscription_id: str) -> Subscription | None:
        answer = self.harness.billing.read_subscription(subscription_id)
        if self.actions:
            self.actions.pop(0)()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.harness.billing, name)


def sync_interrupted(harness: MembershipHarness, *actions: Callable[[], object]) -> str:
    return sync_membership(
        hint_of(MEMBERSHIP),
        dataclasses.replace(
            harness.stripe_event_services(), subscriptions=InterruptedSubscriptions(harness, list(actions))
        ),
    )


def test_sync_membership_stale_response_never_overwrites_a_newer_one(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()

    def ended() -> None:
        harness.becomes("canceled")
        harness.deliver_subscription("deleted")

    assert sync_interrupted(harness, ended) == "unchanged"
    assert (harness.membership().status, harness.ends()) == (ENDED, ["cancelled"])


def test_sync_membership_concurrent_ends_publish_one_event(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    harness.becomes("canceled")
    assert sync_interrupted(harness, lambda: harness.deliver_subscription("deleted")) == "unchanged"
    assert harness.ends() == ["cancelled"]


def test_sync_membership_losing_every_race_raises_try_again(harness: MembershipHarness) -> None:
    with pytest.raises(TryAgain):
        sync_interrupted(harness, *[harness.deliver_subscription] * MAX_ATTEMPTS)


@pytest.mark.parametrize("times", range(1, MAX_ATTEMPTS))
def test_sync_membership_losing_some_races_succeeds(harness: MembershipHarness, times: int) -> None:
    assert sync_interrupted(harness, *[harness.deliver_subscription] * times) == "unchanged"


STEPS = ["post_month", "find_membership", "read_subscription", "find_entry", "update_membership", "read_invoice"]


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("step", STEPS)
def test_sync_membership_retry_after_any_fault_leads_to_one_state(
    harness: MembershipHarness, step: str, fault: str
) -> None:
    harness.billed()
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.deliver_invoice()
    harness.deliver_invoice()
    assert (harness.balance(), harness.membership().status, len(harness.months())) == (500, ACTIVE, 1)
    assert harness.is_sound()


def test_sync_membership_without_a_change_increments_the_version(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    before = harness.membership()
    assert harness.deliver_subscription() == "unchanged"
    assert harness.membership() == replace(before, version=before.version + 1)
