"""The billing portal: a page on which a customer cancels or keeps a subscription."""

import re
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from tests.infra.stripe_sandbox_shop import Page, Shop

BACK = "http://shop.example/membership"


def _visit(shop: Shop, customer: str) -> str:
    """Open a portal session. Returns its path."""
    session = shop.client.v1.billing_portal.sessions.create({"customer": customer, "return_url": BACK})
    assert session.url.startswith(f"{shop.sandbox.url}/portal/bps_")
    return urlsplit(session.url).path


def _choose(shop: Shop, path: str, **fields: str) -> Page:
    return shop.visit(path, urlencode(fields))


def test_cancel_and_keep_redirect_to_the_shop(shop: Shop) -> None:
    subscription = shop.subscribe()
    path = _visit(shop, str(subscription.customer))
    for choice, is_over in (("cancel", True), ("keep", False)):
        page = shop.visit(path)
        action = re.search(r'<form method="post" action="([^"]+)"', page.html)
        assert action is not None
        assert f'value="{choice}"' in page.html
        assert "USD 4.99 every month" in page.html
        answer = _choose(shop, action[1], choice=choice, subscription=subscription.id)
        assert (answer.status, answer.location) == (303, BACK)
        chosen = shop.client.v1.subscriptions.retrieve(subscription.id)
        end = subscription["items"]["data"][0]["current_period_end"]
        assert (chosen.status, chosen.cancel_at) == ("active", end if is_over else None)
        assert not chosen.cancel_at_period_end, "the portal sets the date, not the flag"
    assert shop.emitted_types()[11:] == ["customer.subscription.updated"] * 2


def test_repeated_choice_changes_subscription_once(shop: Shop) -> None:
    subscription = shop.subscribe()
    path = _visit(shop, str(subscription.customer))
    assert [_choose(shop, path, choice="cancel").status for _ in range(2)] == [303, 303]
    assert shop.emitted_types()[11:] == ["customer.subscription.updated"]


def test_canceled_subscription_ends_with_its_period(shop: Shop) -> None:
    subscription = shop.subscribe()
    _choose(shop, _visit(shop, str(subscription.customer)), choice="cancel")
    shop.control("POST", "/clock", {"advance_seconds": 31 * 86400})
    assert shop.client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert shop.emitted_types()[11:] == ["customer.subscription.updated", "customer.subscription.deleted"]


def test_other_customers_subscriptions_are_not_accessible(shop: Shop) -> None:
    mine, other = shop.subscribe(), shop.subscribe()
    path = _visit(shop, str(mine.customer))
    assert _choose(shop, path, choice="cancel", subscription=other.id).status == 400
    assert _choose(shop, path, choice="burn").status == 400
    assert other.id not in shop.visit(path).html
    assert shop.visit("/portal/bps_none").status == 404
    assert _choose(shop, "/portal/bps_none", choice="cancel").status == 404


def test_ended_subscription_is_not_shown(shop: Shop) -> None:
    subscription = shop.subscribe()
    path = _visit(shop, str(subscription.customer))
    shop.client.v1.subscriptions.cancel(subscription.id)
    assert "no active subscriptions" in shop.visit(path).html
    assert _choose(shop, path, choice="keep").status == 400


def test_portal_without_return_url_stays_on_the_page(shop: Shop) -> None:
    subscription = shop.subscribe()
    session = shop.client.v1.billing_portal.sessions.create({"customer": str(subscription.customer)})
    answer = _choose(shop, urlsplit(session.url).path, choice="cancel")
    assert (answer.status, answer.location) == (303, session.url)


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ("customer=cus_none", "customer"),
        ("return_url=http://shop.example/", "customer"),
        ("customer={customer}&return_url=nowhere", "return_url"),
        ("customer={customer}&configuration=bpc_1", "configuration"),
        ("customer={customer}&color=red", "color"),
    ],
)
def test_invalid_portal_sessions_are_rejected(shop: Shop, form: str, param: str) -> None:
    customer = str(shop.subscribe().customer)
    headers = {"Authorization": "Bearer sk_test_1", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = shop.http("POST", "/v1/billing_portal/sessions", form.format(customer=customer), headers)
    assert (status, f'"param":"{param}"' in body) == (400, True), body


def test_repeated_key_opens_one_portal_session(shop: Shop) -> None:
    customer = str(shop.subscribe().customer)
    options: stripe.RequestOptions = {"idempotency_key": "portal-1"}
    sessions = shop.client.v1.billing_portal.sessions
    opened = [sessions.create({"customer": customer, "return_url": BACK}, options).id for _ in range(2)]
    assert opened[0] == opened[1]
