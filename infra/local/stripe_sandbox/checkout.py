"""API handlers for checkout sessions: create, read, expire."""

import re
from typing import cast
from urllib.parse import urlsplit

from stripe.params.checkout import (
    SessionCreateParams,
    SessionCreateParamsLineItem,
    SessionCreateParamsLineItemPriceData,
    SessionExpireParams,
    SessionListLineItemsParams,
    SessionListParams,
    SessionRetrieveParams,
)

from .call import Call, metadata_of
from .currency import check_currency, check_total
from .errors import ApiError, JsonObject, no_such
from .listing import expand, is_within, page
from .modes import check_subscribed, checked_mode, recurrence_of
from .params import missing
from .payments import expire_session
from .product import Price
from .session import LineItem, Mode, Session
from .store import Store, get, new_id

MIN_LIFE_SECONDS, MAX_LIFE_SECONDS = 30 * 60, 24 * 60 * 60


def create_session(call: Call) -> JsonObject:
    """Handle POST /v1/checkout/sessions."""
    params = call.decode(SessionCreateParams)
    mode = _check_mode(params)
    items = tuple(
        _line_item(call.store, item, f"line_items[{index}]", mode)
        for index, item in enumerate(params.get("line_items", []))
    )
    _check_items(items, mode)
    _check_payable(call, items[0].currency)
    session = _session_of(call, params, mode, items)
    call.store.sessions[session.id] = session
    return expand(call.store, session.to_json(), params.get("expand", []))


def retrieve_session(call: Call) -> JsonObject:
    """Handle GET /v1/checkout/sessions/<id>."""
    params = call.decode(SessionRetrieveParams)
    return expand(call.store, _session(call).to_json(), params.get("expand", []))


def list_sessions(call: Call) -> JsonObject:
    """Handle GET /v1/checkout/sessions, by payment_intent, customer, subscription, status or created."""
    params = call.decode(SessionListParams)
    wanted_intent, wanted_status = params.get("payment_intent"), params.get("status")
    chosen = [
        session
        for session in reversed(call.store.sessions.values())
        if wanted_intent in (None, session.to_json()["payment_intent"])
        and params.get("customer") in (None, session.customer)
        and params.get("subscription") in (None, session.subscription)
        and wanted_status in (None, session.status)
        and is_within(session, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def list_line_items(call: Call) -> JsonObject:
    """Handle GET /v1/checkout/sessions/<id>/line_items, in the order of creation."""
    params = call.decode(SessionListLineItemsParams)
    return expand(call.store, page(_session(call).line_items, params, call.path), params.get("expand", []))


def expire(call: Call) -> JsonObject:
    """Handle POST /v1/checkout/sessions/<id>/expire; only for an open session, else a 400.

    https://docs.stripe.com/api/checkout/sessions/expire. The event: https://docs.stripe.com/api/events/types
    """
    params = call.decode(SessionExpireParams)
    session = _session(call)
    if session.status != "open":
        raise ApiError(f'Only Checkout Sessions with a status in ["open"] can be expired, not `{session.status}`.')
    expire_session(call.store, session)
    return expand(call.store, session.to_json(), params.get("expand", []))


def expire_due(store: Store) -> None:
    """Expire every open session whose `expires_at` has passed on the sandbox's clock."""
    for session in list(store.sessions.values()):
        if session.status == "open" and session.expires_at <= store.now():
            expire_session(store, session)


def _session(call: Call) -> Session:
    return get(call.store.sessions, "checkout.session", call.object_id, "session")


def _session_of(call: Call, params: SessionCreateParams, mode: Mode, items: tuple[LineItem, ...]) -> Session:
    now, session_id = call.store.now(), new_id("cs_test_a1", 56)
    subscribed = params.get("subscription_data", {})
    return Session(
        id=session_id,
        url=f"{call.base_url}/pay/{session_id}",
        created=now,
        expires_at=_expires_at(params.get("expires_at"), now),
        currency=items[0].currency,
        line_items=items,
        success_url=checked_url(params.get("success_url"), "success_url"),
        cancel_url=checked_url(params["cancel_url"], "cancel_url") if "cancel_url" in params else None,
        client_reference_id=_reference(params.get("client_reference_id")),
        customer_email=_email(params.get("customer_email")),
        locale=params.get("locale"),
        submit_type=params.get("submit_type"),
        metadata=metadata_of(params.get("metadata")),
        payment_metadata=metadata_of(params.get("payment_intent_data", {}).get("metadata")),
        payment_shipping=cast("JsonObject | None", params.get("payment_intent_data", {}).get("shipping")),
        mode=mode,
        customer=_customer(call.store, params.get("customer")),
        subscription_metadata=metadata_of(subscribed.get("metadata")),
        subscription_description=subscribed.get("description"),
        adaptive_pricing=params.get("adaptive_pricing", {}).get("enabled", call.knobs.adaptive_pricing),
        automatic_tax=params.get("automatic_tax", {"enabled": False})["enabled"],
    )


def _check_mode(params: SessionCreateParams) -> Mode:
    mode = checked_mode(params)
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise ApiError("The sandbox serves the hosted page only.", param="ui_mode")
    if not params.get("line_items"):
        raise missing("line_items")
    return mode


def _check_payable(call: Call, currency: str) -> None:
    """Raise ApiError if the account has no payment method for the currency. The message is as users report it.

    https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods
    """
    if currency in call.knobs.unpayable_currencies:
        message = (
            "No valid payment method types for this Checkout Session. Please ensure that you have activated payment "
            "methods compatible with your chosen currency in your dashboard or specify `payment_method_types`."
        )
        raise ApiError(message)


def _check_items(items: tuple[LineItem, ...], mode: Mode) -> None:
    if len(items) > 100:
        raise ApiError("You may only specify up to 100 line items.", param="line_items")
    if len({item.currency for item in items}) > 1:
        raise ApiError("You must specify the same currency for all line items.", param="line_items")
    if mode == "subscription":
        check_subscribed(items)
    check_total(sum(item.amount for item in items), items[0].currency)


def _line_item(store: Store, item: SessionCreateParamsLineItem, param: str, mode: Mode) -> LineItem:
    quantity = item.get("quantity", 0)
    if "price" in item:
        price = get(store.prices, "price", item["price"], f"{param}[price]", status=400)
        _check_quantity(quantity, param)
        return _item_of(store, price, quantity, mode, param)
    if "price_data" not in item:
        raise missing(f"{param}[price_data]")
    _check_quantity(quantity, param)
    return _inline_item(item["price_data"], quantity, store.now(), mode, param)


def _check_quantity(quantity: int, param: str) -> None:
    if quantity < 1:
        raise ApiError(f"Quantity is required and must be 1 or more. Add `quantity` to `{param}`.", param=param)


def _item_of(store: Store, price: Price, quantity: int, mode: Mode, param: str) -> LineItem:
    if not price.active:
        raise ApiError(f"The price specified is inactive: {price.id}.", param=param)
    if (price.recurrence is None) != (mode == "payment"):
        kind = "one-time" if price.recurrence is None else "recurring"
        raise ApiError(f"You specified `{mode}` mode but passed a {kind} price.", param=param)
    return LineItem(
        id=new_id("li_1"),
        price_id=price.id,
        product_id=price.product,
        name=store.products[price.product].name,
        unit_amount=price.unit_amount,
        quantity=quantity,
        currency=price.currency,
        created=price.created,
        tax_behavior=price.tax_behavior,
        recurrence=price.recurrence,
        price=price,
    )


def _inline_item(
    price: SessionCreateParamsLineItemPriceData, quantity: int, now: int, mode: Mode, param: str
) -> LineItem:
    return LineItem(
        id=new_id("li_1"),
        price_id=new_id("price_1"),
        product_id=new_id("prod_", 14),
        name=_product_name(price, param),
        unit_amount=_unit_amount(price, param),
        quantity=quantity,
        currency=check_currency(price["currency"], f"{param}[price_data][currency]"),
        created=now,
        tax_behavior=price.get("tax_behavior", "unspecified"),
        recurrence=recurrence_of(price, mode, param),
    )


def _product_name(price: SessionCreateParamsLineItemPriceData, param: str) -> str:
    if "product" in price:
        raise no_such("product", price["product"], f"{param}[price_data][product]", status=400)
    if "product_data" not in price:
        raise missing(f"{param}[price_data][product_data]")
    return price["product_data"]["name"]


def _unit_amount(price: SessionCreateParamsLineItemPriceData, param: str) -> int:
    if "unit_amount" not in price:
        raise missing(f"{param}[price_data][unit_amount]")
    if price["unit_amount"] < 0:
        raise ApiError(
            "Invalid non-negative integer", code="parameter_invalid_integer", param=f"{param}[price_data][unit_amount]"
        )
    return price["unit_amount"]


def _expires_at(expires_at: int | None, now: int) -> int:
    if expires_at is None:
        return now + MAX_LIFE_SECONDS
    if not now + MIN_LIFE_SECONDS <= expires_at <= now + MAX_LIFE_SECONDS:
        edge = "at least 30 minutes" if expires_at < now + MIN_LIFE_SECONDS else "less than 24 hours"
        raise ApiError(f"The `expires_at` timestamp must be {edge} from Checkout Session creation.", param="expires_at")
    return expires_at


def checked_url(url: str | None, param: str) -> str:
    """Return the URL if it is absolute, with scheme http or https.

    Raises:
        ApiError: it is missing or not such a URL.
    """
    if url is None:
        raise missing(param)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ApiError("Not a valid URL", code="url_invalid", param=param)
    return url


def _reference(reference: str | None) -> str | None:
    if reference is not None and not re.fullmatch(r"[\w -]{1,200}", reference, re.ASCII):
        message = "Invalid client_reference_id: up to 200 letters, digits, dashes, spaces and underscores."
        raise ApiError(message, param="client_reference_id")
    return reference


def _customer(store: Store, customer: str | None) -> str | None:
    return None if customer is None else get(store.customers, "customer", customer, "customer", status=400).id


def _email(email: str | None) -> str | None:
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise ApiError(f"Invalid email address: {email}", code="email_invalid", param="customer_email")
    return email
