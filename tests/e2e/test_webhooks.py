"""Webhooks on the deployed stack: concurrent, forged, late, and while Stripe is down."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from uuid_utils import uuid7

from infra.local.audit import audit, read_items
from infra.local.client import Checkout, Fan, Problem, Wallet, call, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.e2e.operations import AT_ONCE

pytestmark = pytest.mark.cloud


@pytest.fixture
def checkout(fan: Fan) -> Checkout:
    return fan.open_checkout(fan.bundles()[0].bundle_id).read(201, Checkout)


def test_64_webhooks_at_once_credit_once(stack: StackFacts, stripe: StripeSide, fan: Fan, checkout: Checkout) -> None:
    stripe.set_knobs(deliver=False)
    stripe.pay(checkout)
    distinct = [stripe.completed_payload(checkout, f"evt_{uuid4().hex}") for _ in range(32)]
    payloads = [*distinct, *[stripe.completed_payload(checkout)] * 32]
    random.Random(64).shuffle(payloads)
    stripe.set_knobs(deliver=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = list(pool.map(stripe.deliver, payloads))

    assert {reply.status for reply in replies} == {200}
    assert fan.wallet() == Wallet(coins=checkout.coins, owed=0)
    assert audit(stack).violations == ()


def test_forged_webhook_writes_nothing(stack: StackFacts, stripe: StripeSide, fan: Fan, checkout: Checkout) -> None:
    stripe.set_knobs(deliver=False)
    stripe.pay(checkout)
    payload = stripe.completed_payload(checkout)
    stripe.set_knobs(deliver=True)
    before = list(read_items(stack))

    forged = stripe.deliver(payload, secret="whsec_somebody_elses")
    unsigned = call("POST", f"{stack.api_url}/v1/webhooks/stripe", {"Content-Type": "application/json"}, payload)

    assert [forged.read(400, Problem).code, unsigned.read(400, Problem).code] == ["not_authentic"] * 2
    assert sorted(read_items(stack), key=repr) == sorted(before, key=repr)
    assert fan.checkout(checkout.id).status == "pending"


def test_bank_debit_is_credited_when_settled(stripe: StripeSide, fan: Fan, checkout: Checkout) -> None:
    stripe.pay(checkout, "bank_debit")
    stripe.wait_for_webhooks()
    assert fan.checkout(checkout.id).status == "processing"
    assert fan.wallet().coins == 0

    stripe.settle(checkout)

    wait_until("the debit is credited", lambda: fan.checkout(checkout.id).status == "posted")
    assert fan.wallet().coins == checkout.coins


def test_checkout_is_retried_after_stripe_outage(stripe: StripeSide, fan: Fan, checkout: Checkout) -> None:
    bundle, key = fan.bundles()[0], str(uuid7())
    stripe.set_knobs(down=True)
    try:
        refused = fan.open_checkout(bundle.bundle_id, key=key)
    finally:
        stripe.set_knobs(down=False)

    assert refused.read(503, Problem).code == "try_again"
    assert int(refused.headers["Retry-After"]) >= 1
    retried = fan.open_checkout(bundle.bundle_id, key=key)
    assert retried.status in {200, 201}
    assert stripe.pay(retried.read(retried.status, Checkout)).status == 303
    wait_until("the coins are there", lambda: fan.wallet().coins == checkout.coins)
