"""API handlers that create and confirm payment intents, payment methods and payment pages, as `stripe trigger` does."""

from dataclasses import replace
from typing import NotRequired, TypedDict, cast

from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentMethodCreateParams,
    PaymentMethodRetrieveParams,
)

from .call import Call, metadata_of, serve_only
from .charging import charge_intent, mark_failed, mark_succeeded, open_intent
from .currency import check_currency, check_total
from .disputes import Claim, open_dispute
from .errors import ApiError, JsonObject, no_such
from .listing import expand
from .objects import PaymentIntent
from .params import missing
from .payment_method import TEST_CARDS, PaymentMethod
from .payments import decline, pay
from .session import Session
from .store import Store, get, new_id

_CREATE = "amount confirm currency customer description expand metadata payment_method return_url shipping"
_CONFIRM = "expand payment_method return_url"
_WITHOUT_TYPES = "2026-09-30"


class PaymentPageParams(TypedDict):
    """Parameters of GET /v1/payment_pages/<session>, which Stripe does not document and `stripe trigger` calls."""

    expand: NotRequired[list[str]]


class PaymentPageConfirmParams(TypedDict):
    """Parameters of POST /v1/payment_pages/<session>/confirm, as `stripe trigger` sends them."""

    payment_method: str
    expected_amount: NotRequired[int]
    expand: NotRequired[list[str]]


def create_intent(call: Call) -> JsonObject:
    """Handle POST /v1/payment_intents.

    https://docs.stripe.com/api/payment_intents/create
    """
    params = _without_types(call).decode(PaymentIntentCreateParams)
    serve_only(params, _CREATE)
    currency = _check_amount(params)
    customer = params.get("customer")
    if customer is not None:
        get(call.store.customers, "customer", customer, "customer", status=400)
    method = _method(call.store, params["payment_method"]) if "payment_method" in params else None
    metadata = metadata_of(params.get("metadata"))
    intent = open_intent(
        call.store,
        params["amount"],
        currency,
        metadata,
        customer=customer,
        description=params.get("description"),
        shipping=cast("JsonObject | None", params.get("shipping")),
    )
    if params.get("confirm"):
        _confirm(call.store, intent, method)
    elif method is not None:
        intent.status, intent.payment_method = "requires_confirmation", method.id
    return expand(call.store, intent.to_json(), params.get("expand", []))


def confirm_intent(call: Call) -> JsonObject:
    """Handle POST /v1/payment_intents/<id>/confirm.

    https://docs.stripe.com/api/payment_intents/confirm
    """
    params = call.decode(PaymentIntentConfirmParams)
    serve_only(params, _CONFIRM)
    intent = _intent(call)
    _require_payable(intent, "confirm")
    method_id = params.get("payment_method") or intent.payment_method
    _confirm(call.store, intent, _method(call.store, method_id) if method_id else None)
    return expand(call.store, intent.to_json(), params.get("expand", []))


def cancel_intent(call: Call) -> JsonObject:
    """Handle POST /v1/payment_intents/<id>/cancel.

    https://docs.stripe.com/api/payment_intents/cancel
    """
    params = call.decode(PaymentIntentCancelParams)
    serve_only(params, "expand")
    intent = _intent(call)
    _require_payable(intent, "cancel")
    intent.status, intent.canceled_at = "canceled", call.store.now()
    call.store.emit("payment_intent.canceled", intent)
    return expand(call.store, intent.to_json(), params.get("expand", []))


def create_method(call: Call) -> JsonObject:
    """Handle POST /v1/payment_methods, for a card by a test token.

    https://docs.stripe.com/api/payment_methods/create
    """
    params = call.decode(PaymentMethodCreateParams)
    serve_only(params, "billing_details card expand metadata type")
    if params.get("type") != "card":
        raise ApiError("The sandbox serves payment methods of the type card.", param="type")
    token = cast("dict[str, str]", params.get("card", {})).get("token")
    if token is None:
        # At Stripe too, accounts send no card numbers unless they are allowed to.
        # https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis
        raise missing("card[token]")
    if token.removeprefix("tok_") not in TEST_CARDS:
        raise no_such("token", token, "card[token]", status=400)
    method = PaymentMethod(
        id=new_id("pm_1"),
        created=call.store.now(),
        outcome=TEST_CARDS[token.removeprefix("tok_")],
        billing_details=cast("JsonObject", params.get("billing_details", {})),
        metadata=metadata_of(params.get("metadata")),
    )
    call.store.payment_methods[method.id] = method
    return expand(call.store, method.to_json(), params.get("expand", []))


def retrieve_method(call: Call) -> JsonObject:
    """Handle GET /v1/payment_methods/<id>."""
    params = call.decode(PaymentMethodRetrieveParams)
    return expand(call.store, _method(call.store, call.object_id, 404).to_json(), params.get("expand", []))


def retrieve_page(call: Call) -> JsonObject:
    """Handle GET /v1/payment_pages/<session>."""
    params = call.decode(PaymentPageParams)
    return expand(call.store, _session(call).to_json(), params.get("expand", []))


def confirm_page(call: Call) -> JsonObject:
    """Handle POST /v1/payment_pages/<session>/confirm: pay as on the session's hosted page."""
    params = call.decode(PaymentPageConfirmParams)
    session = _session(call)
    if params.get("expected_amount", session.amount_total) != session.amount_total:
        raise ApiError("The amount has changed.", code="checkout_amount_mismatch", param="expected_amount")
    if _method(call.store, params["payment_method"]).outcome == "declined":
        decline(call.store, session)
        raise _declined(call.store.payment_intents[session.payment_intent or ""])
    pay(call.store, session, "card")
    return expand(call.store, session.to_json(), params.get("expand", []))


def _without_types(call: Call) -> Call:
    """Remove the parameter `payment_method_types`, which API versions before 2026-09-30 take.

    `stripe trigger` sends it without a Stripe-Version: the account's default version applies, which may be older.
    https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents
    """
    types = [value for name, value in call.pairs if name.startswith("payment_method_types[")]
    if types and call.stripe_version >= _WITHOUT_TYPES:
        message = "`payment_method_types` is no longer supported. Use dynamic payment methods."
        raise ApiError(message, code="payment_method_types_no_longer_supported", param="payment_method_types")
    if types and "card" not in types:
        raise ApiError("The sandbox serves payment intents by card.", param="payment_method_types")
    others = tuple(pair for pair in call.pairs if not pair[0].startswith("payment_method_types["))
    return replace(call, pairs=others)


def _check_amount(params: PaymentIntentCreateParams) -> str:
    """Return the currency, if Stripe charges this amount in it."""
    if params["amount"] < 1:
        raise ApiError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    currency = check_currency(params["currency"], "currency")
    check_total(params["amount"], currency)
    return currency


def _confirm(store: Store, intent: PaymentIntent, method: PaymentMethod | None) -> None:
    """Charge an intent, with the outcome of its test card. A decline is a 402 that carries the intent.

    https://docs.stripe.com/declines/card
    """
    if method is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise ApiError(message, code="payment_intent_unexpected_state")
    is_paid = method.outcome != "declined"
    charge = charge_intent(
        store,
        intent,
        "card",
        method.email,
        "succeeded" if is_paid else "failed",
        payment_method=method.id,
        failure_code=None if is_paid else "card_declined",
    )
    if not is_paid:
        mark_failed(store, intent, charge)
        raise _declined(intent)
    mark_succeeded(store, intent, charge)
    if method.outcome in ("disputed", "inquired"):
        status = "needs_response" if method.outcome == "disputed" else "warning_needs_response"
        open_dispute(store, charge, Claim(status=status))


def _declined(intent: PaymentIntent) -> ApiError:
    details: JsonObject = {
        "charge": intent.latest_charge,
        "decline_code": "generic_decline",
        "payment_intent": intent.to_json(),
    }
    return ApiError("Your card was declined.", 402, "card_error", "card_declined", details=details)


def _require_payable(intent: PaymentIntent, action: str) -> None:
    if intent.status not in ("requires_payment_method", "requires_confirmation"):
        message = f"You cannot {action} this PaymentIntent because it has a status of {intent.status}."
        raise ApiError(message, code="payment_intent_unexpected_state")


def _method(store: Store, method_id: str, status: int = 400) -> PaymentMethod:
    """Return a payment method by id: a created one, or a new one for a test card `pm_card_...`."""
    name = method_id.removeprefix("pm_card_")
    if method_id.startswith("pm_card_") and name in TEST_CARDS:
        method = PaymentMethod(id=new_id("pm_1"), created=store.now(), outcome=TEST_CARDS[name])
        store.payment_methods[method.id] = method
        return method
    return get(store.payment_methods, "PaymentMethod", method_id, "payment_method", status=status)


def _intent(call: Call) -> PaymentIntent:
    return get(call.store.payment_intents, "payment_intent", call.object_id, "intent")


def _session(call: Call) -> Session:
    return get(call.store.sessions, "checkout.session", call.object_id, "session")
