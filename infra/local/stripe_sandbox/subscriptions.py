"""API handlers for subscriptions: read, update, cancel. Checkout creates them."""

from typing import cast

from stripe.params import (
    SubscriptionCancelParams,
    SubscriptionListParams,
    SubscriptionRetrieveParams,
    SubscriptionUpdateParams,
)

from .billing import cancel, end_with_period, resume
from .call import Call, refuse, serve_only
from .errors import ApiError, JsonObject, no_such
from .listing import expand, is_within, page
from .refunds import merge_metadata
from .store import Store, get
from .subscription import PauseBehavior, Subscription

_UPDATED = "cancel_at cancel_at_period_end cancellation_details description expand metadata pause_collection"
_NOT_LISTED_BY = (
    "automatic_tax collection_method current_period_end current_period_start customer_account plan price test_clock"
)


def retrieve_subscription(call: Call) -> JsonObject:
    """Handle GET /v1/subscriptions/<id>."""
    params = call.decode(SubscriptionRetrieveParams)
    return expand(call.store, _subscription(call).to_json(), params.get("expand", []))


def list_subscriptions(call: Call) -> JsonObject:
    """Handle GET /v1/subscriptions, by customer, status or created. Canceled ones are listed only by their status."""
    params = call.decode(SubscriptionListParams)
    refuse(params, _NOT_LISTED_BY)
    status = params.get("status", "")
    chosen = [
        subscription
        for subscription in reversed(call.store.subscriptions.values())
        if params.get("customer") in (None, subscription.customer)
        and _is_of(subscription, status)
        and is_within(subscription, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def update_subscription(call: Call) -> JsonObject:
    """Handle POST /v1/subscriptions/<id>: update metadata, description, paused collection, and its end."""
    params = call.decode(SubscriptionUpdateParams)
    serve_only(params, _UPDATED)
    subscription = _subscription(call)
    if subscription.status == "canceled" and not params.keys() <= {"cancellation_details", "expand", "metadata"}:
        raise ApiError("A canceled subscription can only update its cancellation_details and metadata.")
    details, before = _details(params.get("cancellation_details", {})), subscription.to_json()
    # First, because it may raise, and a rejected request must change nothing.
    _schedule(call.store, subscription, params)
    subscription.cancellation.update(details)
    merge_metadata(subscription.metadata, params.get("metadata", {}))
    if "pause_collection" in params:
        pause = cast("dict[str, str]", params["pause_collection"] or {})
        serve_only(pause, "behavior")
        subscription.pause = cast("PauseBehavior | None", pause.get("behavior"))
    if "description" in params:
        subscription.description = params["description"] or None
    call.store.emit_change("customer.subscription.updated", subscription, before)
    return expand(call.store, subscription.to_json(), params.get("expand", []))


def cancel_subscription(call: Call) -> JsonObject:
    """Handle DELETE /v1/subscriptions/<id>: end it at once, without a refund."""
    params = call.decode(SubscriptionCancelParams)
    if params.get("invoice_now") or params.get("prorate"):
        raise ApiError("The sandbox neither prorates nor invoices when a subscription is canceled.", param="prorate")
    subscription = _subscription(call)
    if subscription.status == "canceled":
        raise no_such("subscription", subscription.id)
    subscription.cancellation.update(_details(params.get("cancellation_details", {})))
    cancel(call.store, subscription)
    return expand(call.store, subscription.to_json(), params.get("expand", []))


def _schedule(store: Store, subscription: Subscription, params: SubscriptionUpdateParams) -> None:
    wanted, at = params.get("cancel_at_period_end"), params.get("cancel_at")
    if wanted is not None and at is not None:
        raise ApiError("You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
    if at not in (None, "", "min_period_end", "max_period_end"):
        raise ApiError("The sandbox ends subscriptions with a period only.", param="cancel_at")
    if wanted or at:
        end_with_period(store, subscription, by_flag=bool(wanted))
    elif at == "" or (wanted is False and subscription.cancel_at_period_end):
        resume(subscription)


def _is_of(subscription: Subscription, status: str) -> bool:
    if status in ("all", ""):
        return status == "all" or subscription.status != "canceled"
    return subscription.status == ("canceled" if status == "ended" else status)


def _details(details: object) -> dict[str, str]:
    given = cast("dict[str, str]", details)
    serve_only(given, "comment feedback")
    return {name: text for name, text in given.items() if text}


def _subscription(call: Call) -> Subscription:
    return get(call.store.subscriptions, "subscription", call.object_id)
