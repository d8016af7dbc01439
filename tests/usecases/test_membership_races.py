"""Two who follow one membership at once, and calls that break on the way: the newest answer stands, told once."""

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
def club() -> MembershipHarness:
    club = MembershipHarness()
    club.joined()
    return club


class Interrupted:
    """A provider's side that something else happens behind, right after it has answered."""

    def __init__(self, club: MembershipHarness, deeds: list[Callable[[], object]]) -> None:
        self.club, self.deeds = club, deeds

    def read_subscription(self, subscription_id: str) -> Subscription:
        answer = self.club.billing.read_subscription(subscription_id)
        if self.deeds:
            self.deeds.pop(0)()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.club.billing, name)


def slow(club: MembershipHarness, *deeds: Callable[[], object]) -> str:
    return sync_membership(
        hint_of(MEMBERSHIP),
        dataclasses.replace(club.stripe_event_services(), subscriptions=Interrupted(club, list(deeds))),
    )


def test_a_stale_answer_never_overwrites_a_newer_one(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()

    def ended() -> None:
        club.becomes("canceled")
        club.deliver_subscription("deleted")

    assert slow(club, ended) == "unchanged"
    assert (club.membership().status, club.ends()) == (ENDED, ["cancelled"])


def test_two_who_see_the_end_at_once_tell_of_it_once(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    club.becomes("canceled")
    assert slow(club, lambda: club.deliver_subscription("deleted")) == "unchanged"
    assert club.ends() == ["cancelled"]


def test_who_always_loses_is_asked_to_come_again(club: MembershipHarness) -> None:
    with pytest.raises(TryAgain):
        slow(club, *[club.deliver_subscription] * MAX_ATTEMPTS)


@pytest.mark.parametrize("times", range(1, MAX_ATTEMPTS))
def test_who_loses_often_wins_in_the_end(club: MembershipHarness, times: int) -> None:
    assert slow(club, *[club.deliver_subscription] * times) == "unchanged"


STEPS = ["post_month", "find_membership", "read_subscription", "find_entry", "update_membership", "read_invoice"]


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("step", STEPS)
def test_wherever_it_breaks_the_event_comes_again_and_ends_in_one_state(
    club: MembershipHarness, step: str, fault: str
) -> None:
    club.billed()
    getattr(club.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        club.deliver_invoice()
    club.deliver_invoice()
    assert (club.balance(), club.membership().status, len(club.months())) == (500, ACTIVE, 1)
    assert club.is_sound()


def test_an_answer_that_changes_nothing_is_written_too(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    before = club.membership()
    assert club.deliver_subscription() == "unchanged"
    assert club.membership() == replace(before, version=before.version + 1)
