"""API handlers for read-only objects: payment intents, charges and events."""

from fnmatch import fnmatchcase

from stripe.params import (
    ChargeListParams,
    ChargeRetrieveParams,
    EventListParams,
    EventRetrieveParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
)

from .call import Call
from .errors import JsonObject, ParamError
from .events import Event
from .listing import expand, is_within, page
from .store import get


def retrieve_payment_intent(call: Call) -> JsonObject:
    """Handle GET /v1/payment_intents/<id>."""
    params = call.decode(PaymentIntentRetrieveParams)
    intent = get(call.store.payment_intents, "payment_intent", call.object_id, "intent")
    return expand(call.store, intent.to_json(), params.get("expand", []))


def list_payment_intents(call: Call) -> JsonObject:
    """Handle GET /v1/payment_intents, by customer or created."""
    params = call.decode(PaymentIntentListParams)
    chosen = [
        intent
        for intent in reversed(call.store.payment_intents.values())
        if params.get("customer") in (None, intent.customer) and is_within(intent, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def retrieve_charge(call: Call) -> JsonObject:
    """Handle GET /v1/charges/<id>."""
    params = call.decode(ChargeRetrieveParams)
    charge = get(call.store.charges, "charge", call.object_id, "charge")
    return expand(call.store, charge.to_json(), params.get("expand", []))


def list_charges(call: Call) -> JsonObject:
    """Handle GET /v1/charges, by payment_intent, customer or created."""
    params = call.decode(ChargeListParams)
    chosen = [
        charge
        for charge in reversed(call.store.charges.values())
        if params.get("payment_intent") in (None, charge.payment_intent)
        and params.get("customer") in (None, charge.customer)
        and is_within(charge, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def retrieve_event(call: Call) -> JsonObject:
    """Handle GET /v1/events/<id>."""
    call.decode(EventRetrieveParams)
    return get(call.store.events, "event", call.object_id).to_json()


def list_events(call: Call) -> JsonObject:
    """Handle GET /v1/events, by type (`charge.*` too), types, created or delivery_success."""
    params = call.decode(EventListParams)
    types = params.get("types", [])
    if "type" in params and types:
        raise ParamError("You may pass either `type` or `types`, but not both.", param="type")
    if len(types) > 20:
        raise ParamError("You may pass at most 20 types.", param="types")
    delivered = params.get("delivery_success")

    def is_wanted(event: Event) -> bool:
        named = fnmatchcase(event.type, params.get("type", "*")) and (not types or event.type in types)
        is_in_state = delivered in (None, event.pending_webhooks == 0)
        return named and is_in_state and is_within(event, params.get("created"))

    chosen = [event for event in reversed(call.store.events.values()) if is_wanted(event)]
    return page(chosen, params, call.path)
