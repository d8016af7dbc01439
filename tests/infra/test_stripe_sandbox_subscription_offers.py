"""Session parameters for subscriptions that Stripe or the sandbox rejects."""

from collections.abc import Callable
from typing import cast

import pytest
import stripe
from stripe.params.checkout import SessionCreateParams

from tests.infra.stripe_sandbox_shop import Json, Shop

Change = Callable[[Json], object]


def _price(offer: Json) -> Json:
    return cast("Json", cast("list[Json]", offer["line_items"])[0]["price_data"])


@pytest.mark.parametrize(
    ("change", "message", "param"),
    [
        (
            lambda offer: offer.update(payment_intent_data={"metadata": {"a": "b"}}),
            "You can not pass `payment_intent_data` in `subscription` mode",
            "payment_intent_data",
        ),
        (lambda offer: offer.update(mode="payment"), "`subscription_data` in `payment` mode", "subscription_data"),
        (lambda offer: offer.update(customer_creation="always"), "customer_creation", "customer_creation"),
        (lambda offer: offer.update(customer="cus_none"), "No such customer", "customer"),
        (lambda offer: offer.update(color="red"), "unknown parameter", "color"),
        (lambda offer: offer.update(subscription_data={"color": "red"}), "unknown", "subscription_data[color]"),
        (
            lambda offer: offer.update(subscription_data={"trial_period_days": 7}),
            "does not serve",
            "subscription_data[trial_period_days]",
        ),
        (lambda offer: _price(offer).pop("recurring"), "recurring prices only", "line_items[0]"),
        (lambda offer: _price(offer).update(unit_amount=0), "no free subscriptions", "line_items"),
        (
            lambda offer: _price(offer).update(recurring={"interval": "hour"}),
            "must be one of",
            "line_items[0][price_data][recurring][interval]",
        ),
        (
            lambda offer: _price(offer).update(recurring={"interval": "month", "interval_count": 37}),
            "1 to 36 months",
            "line_items[0][price_data][recurring][interval_count]",
        ),
    ],
)
def test_invalid_subscription_sessions_are_rejected(shop: Shop, change: Change, message: str, param: str) -> None:
    offer = cast("Json", shop.plan())
    change(offer)
    with pytest.raises(stripe.InvalidRequestError, match=message) as caught:
        shop.client.v1.checkout.sessions.create(cast("SessionCreateParams", offer))
    assert caught.value.param == param


def test_recurring_price_in_payment_mode_is_rejected(shop: Shop) -> None:
    offer = cast("Json", shop.plan())
    offer["mode"] = "payment"
    del offer["subscription_data"]
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        shop.client.v1.checkout.sessions.create(cast("SessionCreateParams", offer))


def test_two_intervals_in_one_session_are_rejected(shop: Shop) -> None:
    offer, other = cast("Json", shop.plan()), cast("Json", shop.plan(interval="week"))
    cast("list[Json]", offer["line_items"]).extend(cast("list[Json]", other["line_items"]))
    with pytest.raises(stripe.InvalidRequestError, match="different billing intervals"):
        shop.client.v1.checkout.sessions.create(cast("SessionCreateParams", offer))
