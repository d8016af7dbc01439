"""Parameters of a checkout session by mode: `payment` (one-time) or `subscription` (recurring)."""

from collections.abc import Sequence
from typing import cast, get_args

from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItemPriceData

from .call import refuse
from .errors import ApiError, ParamError
from .recurring import Interval, Recurrence
from .session import LineItem, Mode

# Features that the sandbox does not simulate. Ignoring them would charge amounts that Stripe would not charge.
_NOT_SERVED = (
    "currency customer_account discounts invoice_creation managed_payments optional_items "
    "payment_method_configuration setup_intent_data shipping_options"
)
_OTHER_MODE_ONLY: dict[Mode, str] = {
    "payment": "subscription_data",
    "subscription": "payment_intent_data customer_creation",
}
_SUBSCRIPTION_DATA = "description metadata"


def checked_mode(params: SessionCreateParams) -> Mode:
    """Return the session's mode. Raises ApiError if another parameter does not fit it."""
    if params.get("mode", "payment") not in get_args(Mode):
        raise ApiError("The sandbox serves `payment` and `subscription` mode only.", param="mode")
    mode = cast("Mode", params.get("mode", "payment"))
    for name in _OTHER_MODE_ONLY[mode].split():
        if name in params:
            raise ApiError(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    refuse(params, _NOT_SERVED)
    if mode == "payment":
        refuse(params, "customer")
    if params.get("customer_creation") == "always":
        raise ApiError("The sandbox makes customers in `subscription` mode only.", param="customer_creation")
    if "customer" in params and "customer_email" in params:
        raise ParamError("You may only specify one of these parameters: customer, customer_email.")
    for name in params.get("subscription_data", {}):
        if name not in _SUBSCRIPTION_DATA.split():
            raise ApiError(f"The sandbox does not serve subscription_data[{name}].", param=f"subscription_data[{name}]")
    return mode


def recurrence_of(price: SessionCreateParamsLineItemPriceData, mode: Mode, param: str) -> Recurrence | None:
    """Read the billing interval of a price; None in `payment` mode. Raises ApiError if it does not fit the mode."""
    if mode == "payment" and "recurring" in price:
        raise ApiError("You specified `payment` mode but passed a recurring price.", param=param)
    if mode == "payment":
        return None
    if "recurring" not in price:
        raise ApiError("The sandbox takes recurring prices only in `subscription` mode.", param=param)
    recurring = price["recurring"]
    recurrence = Recurrence(cast("Interval", recurring["interval"]), recurring.get("interval_count", 1))
    recurrence.check(f"{param}[price_data][recurring][interval_count]")
    return recurrence


def check_subscribed(items: Sequence[LineItem]) -> None:
    """Raise ApiError for items with different billing intervals, or with a total of zero."""
    if len({item.recurrence for item in items}) > 1:
        raise ApiError("Checkout does not support multiple prices with different billing intervals.")
    if not any(item.amount for item in items):
        raise ApiError("The sandbox serves no free subscriptions.", param="line_items")
