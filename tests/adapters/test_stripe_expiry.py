"""Expiry of open checkout sessions at the Stripe sandbox."""

from msgspec.structs import replace

from chalicelib.adapters.stripe.expiry import expire_all
from infra.local.client import post_form
from tests.adapters.stripe_lab import Lab, todays_purchase
from tests.domain.builders import a_membership

THERE = "https://live.example/streams/7"


def statuses(lab: Lab) -> list[str]:
    return [session.status for session in lab.sandbox.store.sessions.values()]


def test_expire_sessions_expires_open_ones_and_leaves_paid_ones(lab: Lab) -> None:
    paid, first, second = (todays_purchase() for _ in range(3))
    lab.pay(paid)
    url = lab.gateway.open_session(first, THERE).url
    lab.gateway.open_session(second)
    never_opened = todays_purchase()

    opened = [(paid, None), (first, THERE), (second, None), (never_opened, None)]
    assert lab.gateway.expire_sessions(opened) == [True] * 4

    assert statuses(lab) == ["complete", "expired", "expired", "expired"]
    assert [event["type"] for event in lab.events()].count("checkout.session.expired") == 3
    assert url
    assert post_form(url, {"outcome": "card"}).status != 303
    assert lab.gateway.expire_sessions(opened) == [True] * 4, "again"


def test_expire_sessions_reports_those_that_were_not_found(lab: Lab) -> None:
    purchase = todays_purchase()
    lab.gateway.open_session(purchase)
    changed = replace(purchase, amount_minor=purchase.amount_minor + 1)
    assert lab.gateway.expire_sessions([(changed, None), (purchase, None)]) == [False, True]


def test_expire_sessions_at_a_failing_provider_reports_all(lab: Lab) -> None:
    purchase = todays_purchase()
    lab.gateway.open_session(purchase)
    lab.gateway._api_url = lab.members._api_url = "http://127.0.0.1:9"
    try:
        assert lab.gateway.expire_sessions([(purchase, None)]) == [False]
        assert not lab.members.expire_sessions("cus_1")
    finally:
        lab.gateway._api_url = lab.members._api_url = lab.sandbox.url
    assert statuses(lab) == ["open"]


def test_expire_sessions_of_a_customer_expires_all_open_ones(lab: Lab) -> None:
    now = todays_purchase().created_at
    customers = [lab.members.create_customer(fan, None) for fan in ("ann", "bob")]
    for customer, number in zip(customers, (1, 2), strict=True):
        membership = a_membership(membership_id=f"m-{number}", created_at=now)
        lab.members.open_session(membership, None, customer)

    assert lab.members.expire_sessions(customers[0]) == 1
    assert statuses(lab) == ["expired", "open"]
    assert lab.members.expire_sessions(customers[0]) == 0


def test_expire_all_after_the_deadline_asks_nobody(lab: Lab) -> None:
    session = lab.gateway.open_session(todays_purchase())
    client = lab.unrelated_client()
    assert expire_all(client, [lambda: session.session_id], seconds=-1) == [False]
    assert statuses(lab) == ["open"]
