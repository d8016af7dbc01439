from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.memberships import (
    LIVE,
    RENEWAL_GRACE,
    SUBSCRIPTION_STATUSES,
    MembershipStatus,
    PaidMonth,
    can_still_be_joined,
    membership_as_followed,
    present_membership,
    quote_membership,
    require_no_member,
    require_same_request,
)
from chalicelib.errors import AlreadyMember, IdempotencyConflict, InvalidField, UnknownPlan
from tests.domain.builders import a_catalogue, a_membership, a_membership_order
from tests.fake_memberships import MONTH, FakeSubscriptions
from tests.fakes import START

ACTIVE, PAST_DUE, ENDED, PENDING = (MembershipStatus(word) for word in ("active", "past_due", "ended", "pending"))
MILLISECOND = timedelta(milliseconds=1)


def test_quote_membership_has_the_current_price() -> None:
    assert quote_membership(a_membership_order(), a_catalogue(), START) == a_membership(is_counted=True)


@pytest.mark.parametrize("changes", [{"plan_id": "moon_club"}, {"currency": "eur"}], ids=str)
def test_quote_membership_of_an_unknown_plan_raises_unknown_plan(changes: dict[str, str]) -> None:
    with pytest.raises(UnknownPlan):
        quote_membership(a_membership_order(**changes), a_catalogue(), START)


@pytest.mark.parametrize(
    ("changes", "field"), [({"plan_id": "a b"}, "plan_id"), ({"currency": "USD"}, "currency")], ids=str
)
def test_membership_order_names_the_invalid_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        a_membership_order(**changes)
    assert refused.value.extensions["field"] == field


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("renews", [False, True])
@pytest.mark.parametrize("status", MembershipStatus)
def test_require_no_member_refuses_members_and_overdue_renewals(
    status: MembershipStatus, renews: bool, is_over: bool
) -> None:
    paid_until = START if is_over else START + RENEWAL_GRACE
    known = [a_membership(), a_membership(status=status, renews=renews, paid_until=paid_until)]
    if status in LIVE and (renews or not is_over):
        with pytest.raises(AlreadyMember, match="overdue" if status is PAST_DUE and is_over else "^End"):
            require_no_member(known, START)
    else:
        require_no_member(known, START)


@pytest.mark.parametrize("word", SUBSCRIPTION_STATUSES)
def test_fan_who_is_no_member_is_refused_only_while_a_renewal_is_overdue(word: str) -> None:
    """Check every subscription status, with its month over: only `past_due` refuses and has an open invoice to pay."""
    subscription = FakeSubscriptions().subscribe(a_membership(), status=word, period_ends_at=START + 2 * MONTH)
    month = PaidMonth(paid_until=START + MONTH)
    later = month.paid_until + 2 * RENEWAL_GRACE
    stored = membership_as_followed(a_membership(), subscription, month)
    is_refused = stored.is_collected(later) and not stored.is_active(later)
    assert is_refused is (word == "past_due")


@pytest.mark.parametrize(
    "changes",
    [{"plan_id": "moon_club"}, {"currency": "eur"}, {"return_url": "https://live.example/"}],
    ids=str,
)
def test_require_same_request_of_another_membership_is_a_conflict(changes: dict[str, str]) -> None:
    assert require_same_request(a_membership(), a_membership_order()) == a_membership()
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_membership(), a_membership_order(**changes))


def test_require_same_request_compares_return_address() -> None:
    order = a_membership_order(return_url="https://live.example/")
    stored = quote_membership(order, a_catalogue(), START)
    assert require_same_request(stored, order) == stored
    for other in ("", "https://live.example/other"):
        with pytest.raises(IdempotencyConflict):
            require_same_request(stored, a_membership_order(return_url=other))


@pytest.mark.parametrize(
    ("changes", "age", "can"),
    [
        ({}, timedelta(minutes=60) - MILLISECOND, True),
        ({}, timedelta(minutes=60), False),
        ({"subscription_id": "sub_1"}, timedelta(0), False),
        ({"status": ACTIVE}, timedelta(0), False),
        ({"status": ENDED}, timedelta(0), False),
    ],
    ids=str,
)
def test_can_still_be_joined_while_its_session_is_open(changes: dict[str, Any], age: timedelta, can: bool) -> None:
    assert can_still_be_joined(a_membership(**changes), START + age) is can


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [([], None), ([PENDING], 0), ([PENDING, ENDED], 0), ([ENDED, PAST_DUE], 1), ([PENDING, ACTIVE, ENDED], 1)],
    ids=str,
)
def test_present_membership_is_the_live_one_or_the_newest(statuses: list[MembershipStatus], shown: int | None) -> None:
    known = [a_membership(membership_id=str(number), status=each) for number, each in enumerate(statuses)]
    assert present_membership(known) == (None if shown is None else known[shown])
