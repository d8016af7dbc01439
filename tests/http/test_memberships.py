"""Memberships from the fan's request through the provider's events to the fan's view."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.memberships import Membership
from chalicelib.domain.payments import StripeEvent
from tests.fake_memberships import MONTH, hint_of
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, Api
from tests.http.events import counters, refused

KEY = uuid7_at(START, 500)
PRICE = {"amount_minor": 499, "currency": "usd", "exponent": 2}


def member(api: Api) -> Membership:
    """A member who paid the first month."""
    api.join(KEY)
    membership = api.members.known["ann", KEY]
    api.billing.subscribe(membership)
    api.billing.bill(membership)
    assert hear(api, "invoice.paid", invoice_id=f"in_1_{KEY}") == "credited"
    return membership


def hear(api: Api, kind: str, **about: Any) -> str:
    event = StripeEvent(stripe_event_id="evt_1", type=kind, livemode=False, account=None, created_at=START, **about)
    return str(api.tell(api.gateway.sign(event)).json["outcome"])


def shown(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/v1/membership").json["membership"]
    return found


def test_membership_plans_have_prices(api: Api) -> None:
    plan = {"plan_id": "coin_club", "name": "Coin Club", "coins": 500}
    assert api.get("/v1/membership-plans").json == {"plans": [plan | {"price": PRICE}]}
    yen = {"amount_minor": 750, "currency": "jpy", "exponent": 0}
    assert api.get("/v1/membership-plans?currency=jpy").json == {"plans": [plan | {"price": yen}]}
    assert api.get("/v1/membership-plans?currency=chf").json == {"plans": []}
    assert refused(api.get("/v1/membership-plans?currency=USD")) == (400, "invalid_field", "currency")


def test_open_membership_returns_the_url(api: Api) -> None:
    reply = api.join(KEY)
    assert reply.status == 201
    assert reply.json == {
        "id": KEY,
        "status": "pending",
        "plan_id": "coin_club",
        "coins": 500,
        "price": PRICE,
        "expires_at": "2026-11-22T14:00:00.000Z",
        "url": f"https://pay.example/{KEY}",
    }
    again = api.join(KEY)
    assert (again.status, again.json, again.headers["idempotent-replayed"]) == (200, reply.json, "true")


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"plan_id": "moon_club"}, (422, "unknown_plan", None)),
        ({"currency": "chf"}, (422, "unknown_plan", None)),
        ({"currency": "USD"}, (400, "invalid_field", "currency")),
        ({"plan_id": "a b"}, (400, "invalid_field", "plan_id")),
        ({"plan_id": 1}, (400, "invalid_field", "plan_id")),
        ({"coins": 9_999}, (400, "unknown_field", "coins")),
        ({"amount_minor": 1}, (400, "unknown_field", "amount_minor")),
    ],
    ids=str,
)
def test_open_membership_that_is_refused_writes_nothing(
    api: Api, wish: dict[str, Any], told: tuple[int, str, str | None]
) -> None:
    with api.nothing_written():
        assert refused(api.join(**wish)) == told


def test_memberships_beyond_the_limit_are_refused(api: Api) -> None:
    assert [api.join().status for _ in range(4)] == [201, 201, 201, 422]
    reply = api.join()
    assert (reply.code, reply.json["limit"]) == ("too_many_open", 3)


def test_open_membership_without_a_key_is_refused(api: Api) -> None:
    assert refused(api.join(ABSENT)) == (400, "missing_idempotency_key", "Idempotency-Key")


def test_key_of_another_membership_request_is_refused(api: Api) -> None:
    api.join(KEY)
    assert refused(api.join(KEY, currency="eur")) == (409, "idempotency_conflict", None)


def test_user_who_never_joined_has_no_membership_or_portal(api: Api) -> None:
    assert api.get("/v1/membership").json == {"membership": None}
    assert refused(api.call("POST", "/v1/membership/portal-sessions")) == (404, "not_found", None)


def test_paid_month_activates_and_credits(api: Api) -> None:
    member(api)
    assert shown(api) == {
        "id": KEY,
        "plan_id": "coin_club",
        "status": "active",
        "coins": 500,
        "price": PRICE,
        "paid_until": "2026-12-22T12:00:00.000Z",
        "renews": True,
        "active": True,
    }
    assert api.get("/v1/wallet").json["coins"] == 500
    (entry,) = api.get("/v1/wallet/entries").json["entries"]
    assert (entry["kind"], entry["status"], entry["bundle_id"], entry["coins"]) == (
        "purchase",
        "posted",
        "coin_club",
        500,
    )
    assert refused(api.join()) == (422, "already_member", None)
    assert api.join(KEY).json["url"] is None


def test_portal_session_is_for_the_own_customer(api: Api) -> None:
    member(api)
    reply = api.call("POST", "/v1/membership/portal-sessions")
    assert (reply.status, reply.json) == (200, {"url": "https://portal.example/cus_ann"})
    assert api.call("POST", "/v1/membership/portal-sessions", fan="ben").status == 404


def test_membership_without_renewal_ends_with_its_month(api: Api) -> None:
    membership = member(api)
    api.billing.subscribe(membership, renews=False)
    assert hear(api, "customer.subscription.updated", membership=hint_of(membership)) == "membership_active"
    api.clock.advance(MONTH - timedelta(milliseconds=1))
    assert (shown(api)["active"], shown(api)["renews"]) == (True, False)
    api.clock.advance(timedelta(milliseconds=1))
    assert not shown(api)["active"]
    api.billing.subscribe(membership, status="canceled", renews=False)
    assert hear(api, "customer.subscription.deleted", membership=hint_of(membership)) == "membership_ended"
    assert (shown(api)["status"], shown(api)["active"]) == ("ended", False)
    ended, _ = api.get("/v1/wallet/entries").json["entries"]
    assert (ended["kind"], ended["coins"]) == ("membership_end", 0)


def test_membership_webhook_outcome_is_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    membership = member(api)
    counters(capsys)
    for status, counter in (("past_due", "WebhookMembershipPastDue"), ("dormant", "WebhookUnknownStatus")):
        api.billing.subscribe(membership, status=status)
        hear(api, "customer.subscription.updated", membership=hint_of(membership))
        assert counters(capsys) == {counter: 1}
