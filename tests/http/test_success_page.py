"""The return page without JavaScript, rendered from the ledger."""

from datetime import timedelta

import pytest

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.posting import Posting
from chalicelib.ports.results import Posted
from tests.domain.builders import a_purchase
from tests.fakes import session_of
from tests.http.api import Api

PROMISE = "We will credit your coins as soon as your payment is confirmed."


def bought(api: Api, *, paid: bool) -> str:
    key = api.clock.new_id()
    api.buy(key)
    purchase = api.ledger.entries["ann"][key]
    assert purchase.entry_id == key
    if paid:
        session = session_of(a_purchase(purchase_id=key, user_id="ann"))
        assert api.ledger.post_purchase(session, _posting(api)) == Posted()
    return key


def _posting(api: Api) -> Posting:
    return Posting(posted_at=api.clock.now(), event_id=api.clock.new_id())


def test_success_of_a_posted_purchase_names_its_coins(api: Api) -> None:
    page = api.get(f"/success?purchase={bought(api, paid=True)}", fan="ann").text
    assert "70 coins are yours." in page
    assert "http-equiv" not in page


def test_success_of_a_pending_purchase_reloads(api: Api) -> None:
    page = api.get(f"/success?purchase={bought(api, paid=False)}", fan="ann").text
    assert PROMISE in page
    assert '<noscript><meta http-equiv="refresh"' in page


@pytest.mark.parametrize("fan", [None, "bob"])
def test_success_for_another_user_names_no_coins(api: Api, fan: str | None) -> None:
    page = api.get(f"/success?purchase={bought(api, paid=True)}", fan=fan).text
    assert "70 coins" not in page
    assert PROMISE in page


@pytest.mark.parametrize("purchase", ["", "x", "'><script>", "01a20320-a200-7000-8000-000000000001"])
def test_success_of_an_unknown_purchase_credits_nothing(api: Api, purchase: str) -> None:
    assert PROMISE in api.get(f"/success?purchase={purchase}", fan="ann").text
    assert api.ledger.coins == {}


MEMBERSHIP_ID = "01a20320-a200-7000-8000-000000000077"


@pytest.mark.parametrize("path", ["/success", "/cancelled", "/success?membership=x"])
def test_return_pages_without_a_purchase_are_pages(api: Api, path: str) -> None:
    for fan in ("ann", None):
        assert api.get(path, fan=fan).status == 200


def test_success_of_a_paid_membership_names_its_coins(api: Api) -> None:
    membership = api.stock_membership(
        membership_id=MEMBERSHIP_ID, status=MembershipStatus.ACTIVE, paid_until=api.clock.now() + timedelta(days=20)
    )
    page = api.get(f"/success?membership={MEMBERSHIP_ID}", fan="ann").text
    assert f"You are a member. You get {membership.coins:,} coins every month." in page
    assert "http-equiv" not in page
    assert PROMISE in api.get(f"/success?membership={MEMBERSHIP_ID}", fan="bob").text
    assert PROMISE in api.get("/success?membership=01a20320-a200-7000-8000-000000000078", fan="ann").text


def test_success_of_an_unpaid_membership_reloads(api: Api) -> None:
    api.stock_membership(membership_id=MEMBERSHIP_ID)
    page = api.get(f"/success?membership={MEMBERSHIP_ID}", fan="ann").text
    assert PROMISE in page
    assert '<noscript><meta http-equiv="refresh"' in page
