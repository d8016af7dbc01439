"""An amount of coins in one checkout on the deployed stack, and the way back to the page that the fan came from."""

import pytest
from uuid_utils import uuid7

from infra.local.client import Checkout, Fan, Fields
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide

pytestmark = pytest.mark.cloud


def test_amount_for_the_most_expensive_gift_is_one_checkout_that_leads_back(
    stack: StackFacts, fan: Fan, stripe: StripeSide, creator_id: str
) -> None:
    gift, key = max(fan.gifts(), key=lambda each: each.coins), str(uuid7())
    there = f"{stack.shop_url}/streams/7"
    wanted: Fields = {"coins": gift.coins, "return_url": f"{there}?tab=chat#top"}
    checkout = fan.post("/checkout-sessions", wanted, key).read(201, Checkout)
    assert fan.post("/checkout-sessions", wanted, key).read(200, Checkout) == checkout
    assert checkout.coins == gift.coins == 44_999

    paid = stripe.pay(checkout)
    stripe.wait_for_webhooks()

    assert (paid.status, paid.headers["Location"]) == (303, f"{there}?tab=chat&purchase={key}#top")
    assert fan.wallet().coins == gift.coins
    assert fan.send_gift(creator_id, gift.item_id).status == 201
    assert fan.wallet().coins == 0
