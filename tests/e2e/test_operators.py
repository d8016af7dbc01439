"""Operator routes of the deployed stack."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from uuid_utils import uuid7

from infra.local.audit import audit
from infra.local.client import Checkout, Entry, Fan, Fields, Gift, Problem, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.operations import grant

pytestmark = pytest.mark.cloud

ACTS = ("grants", "freezes", "reversals", "settlements")


class Settlement(msgspec.Struct):
    decision: str
    actor: str


class Review(msgspec.Struct):
    id: str
    reason: str
    purchase_id: str
    coins: int
    settlement: Settlement | None = None


class Reviews(msgspec.Struct):
    reviews: list[Review]


class Frozen(msgspec.Struct):
    frozen: bool


@pytest.fixture
def operator(stack: StackFacts) -> Fan:
    return Fan(stack, f"olga-{uuid7()}", scope="operator")


def freeze(operator: Fan, fan: Fan, *, frozen: bool) -> bool:
    fields: Fields = {"user_id": fan.user_id, "frozen": frozen, "reason": "a stolen card"}
    return operator.post("/operator/freezes", fields).read(200, Frozen).frozen


def test_operator_routes_require_the_scope(fan: Fan) -> None:
    for act in ACTS:
        assert fan.post(f"/operator/{act}", {}).read(403, Problem).code == "forbidden"
    assert fan.get("/operator/reviews").read(403, Problem).code == "forbidden"


def test_grant_credits_once(operator: Fan, fan: Fan) -> None:
    key = str(uuid7())

    granted = grant(operator, fan, 70, key).read(201, Entry)
    again = grant(operator, fan, 70, key)
    other = grant(operator, fan, 71, key)

    assert (granted.id, granted.kind, granted.coins) == (key, "grant", 70)
    assert again.read(200, Entry) == granted
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.read(409, Problem).code == "idempotency_conflict"
    assert fan.wallet() == Wallet(coins=70, owed=0)


def test_freeze_rejects_gifts_until_unfreeze(operator: Fan, fan: Fan, creator_id: str) -> None:
    item = fan.gifts()[0]
    grant(operator, fan, 2 * item.coins)

    assert freeze(operator, fan, frozen=True)
    assert fan.send_gift(creator_id, item.item_id).read(403, Problem).code == "wallet_frozen"
    assert not freeze(operator, fan, frozen=False)

    assert fan.send_gift(creator_id, item.item_id).status == 201


def test_reversal_returns_coins_and_reduces_earnings(
    stack: StackFacts, overlay: Subscriber, operator: Fan, fan: Fan, creator_id: str
) -> None:
    item = fan.gifts()[0]
    grant(operator, fan, 3 * item.coins)
    gift = fan.send_gift(creator_id, item.item_id, 2).read(201, Gift)
    other_gift = fan.send_gift(creator_id, item.item_id).read(201, Gift)
    fields = {"user_id": fan.user_id, "gift_id": gift.id, "reason": "sent by a child"}
    key = str(uuid7())

    reversal = operator.post("/operator/reversals", fields, key).read(201, Entry)

    assert (reversal.kind, reversal.coins) == ("gift_reversal", gift.coins)
    assert operator.post("/operator/reversals", fields, key).read(200, Entry) == reversal
    assert operator.post("/operator/reversals", fields).read(409, Problem).code == "idempotency_conflict"
    assert operator.post("/operator/reversals", fields | {"gift_id": str(uuid7())}).status == 404
    assert fan.wallet() == Wallet(coins=gift.coins, owed=0)
    posted = audit(stack).event_ids
    wait_until("all was published", lambda: overlay.has_received(posted), seconds=60)
    found = audit(stack)
    assert found.earned[creator_id] == other_gift.coins
    assert found.violations == ()
    types = [m["type"] for m in overlay.messages.values() if m["subject"] == f"creator/{creator_id}"]
    assert sorted(map(str, types)) == ["coinpurse.gift.reversed.v1", *["coinpurse.gift.sent.v1"] * 2]


def pay_twice(stripe: StripeSide, checkout: Checkout) -> None:
    """Complete another session of the checkout, with a second payment."""
    stripe.pay(checkout)
    stripe.wait_for_webhooks()
    event = json.loads(stripe.completed_payload(checkout, f"evt_{uuid7()}"))
    event["data"]["object"] |= {"id": f"cs_test_{uuid7()}", "payment_intent": f"pi_{uuid7()}"}
    assert stripe.deliver(json.dumps(event).encode()).status == 200


@pytest.mark.parametrize("decision", ["credit", "refuse"])
def test_settlement_settles_a_review_once(
    stack: StackFacts, stripe: StripeSide, operator: Fan, fan: Fan, decision: str
) -> None:
    checkout = fan.open_checkout(fan.bundles()[0].bundle_id).read(201, Checkout)
    pay_twice(stripe, checkout)
    assert fan.wallet().coins == checkout.coins

    month = f"{datetime.now(UTC):%Y-%m}"
    listed = operator.get(f"/operator/reviews?month={month}").read(200, Reviews).reviews
    (review,) = [each for each in listed if each.purchase_id == checkout.id]
    fields = {"review_id": review.id, "decision": decision, "reason": "asked the bank"}
    key = str(uuid7())
    settled = [operator.post("/operator/settlements", fields, key).read(200, Review) for _ in range(2)]

    assert (review.reason, review.settlement) == ("paid_twice", None)
    assert [each.settlement for each in settled] == [Settlement(decision=decision, actor=operator.user_id)] * 2
    assert operator.post("/operator/settlements", fields).read(409, Problem).code == "idempotency_conflict"
    assert fan.wallet().coins == checkout.coins * (2 if decision == "credit" else 1)
    wait_until("it was relayed", lambda: audit(stack).violations == ())
