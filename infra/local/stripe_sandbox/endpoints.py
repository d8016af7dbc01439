"""API handlers for webhook endpoints. Each one's events are signed by its own secret."""

import secrets

from stripe.params import (
    WebhookEndpointCreateParams,
    WebhookEndpointListParams,
    WebhookEndpointRetrieveParams,
    WebhookEndpointUpdateParams,
)
from typing_extensions import TypedDict

from .call import Call, metadata_of, serve_only
from .checkout import checked_url
from .errors import ApiError, JsonObject
from .events import WebhookEndpoint
from .listing import page
from .refunds import merge_metadata
from .store import get, new_id

MAX_ENDPOINTS = 16
"""https://docs.stripe.com/webhooks#register-webhook"""


class _NoParams(TypedDict):
    """DELETE takes none."""


def create_endpoint(call: Call) -> JsonObject:
    """Handle POST /v1/webhook_endpoints. Only this response has the secret.

    https://docs.stripe.com/api/webhook_endpoints/create
    """
    params = call.decode(WebhookEndpointCreateParams)
    serve_only(params, "api_version description enabled_events metadata url")
    if params.get("api_version", call.store.api_version) != call.store.api_version:
        raise ApiError(f"The sandbox renders events as of {call.store.api_version}.", param="api_version")
    if len(call.store.webhook_endpoints) >= MAX_ENDPOINTS:
        raise ApiError(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    endpoint = WebhookEndpoint(
        id=new_id("we_1"),
        url=checked_url(params["url"], "url"),
        enabled_events=[str(each) for each in params["enabled_events"]],
        secret=f"whsec_{secrets.token_hex(16)}",
        created=call.store.now(),
        api_version=params.get("api_version"),
        description=params.get("description") or None,
        metadata=metadata_of(params.get("metadata")),
    )
    call.store.webhook_endpoints[endpoint.id] = endpoint
    return endpoint.to_json() | {"secret": endpoint.secret}


def retrieve_endpoint(call: Call) -> JsonObject:
    """Handle GET /v1/webhook_endpoints/<id>."""
    call.decode(WebhookEndpointRetrieveParams)
    return _endpoint(call).to_json()


def list_endpoints(call: Call) -> JsonObject:
    """Handle GET /v1/webhook_endpoints."""
    params = call.decode(WebhookEndpointListParams)
    return page(list(reversed(call.store.webhook_endpoints.values())), params, call.path)


def update_endpoint(call: Call) -> JsonObject:
    """Handle POST /v1/webhook_endpoints/<id>."""
    params = call.decode(WebhookEndpointUpdateParams)
    serve_only(params, "description disabled enabled_events metadata url")
    endpoint = _endpoint(call)
    if "url" in params:
        endpoint.url = checked_url(params["url"], "url")
    if "enabled_events" in params:
        endpoint.enabled_events = [str(each) for each in params["enabled_events"]]
    if "disabled" in params:
        endpoint.is_enabled = not params["disabled"]
    if "description" in params:
        endpoint.description = params["description"] or None
    if "metadata" in params:
        merge_metadata(endpoint.metadata, params["metadata"])
    return endpoint.to_json()


def delete_endpoint(call: Call) -> JsonObject:
    """Handle DELETE /v1/webhook_endpoints/<id>. Its waiting deliveries are not sent."""
    call.decode(_NoParams)
    endpoint = _endpoint(call)
    del call.store.webhook_endpoints[endpoint.id]
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def _endpoint(call: Call) -> WebhookEndpoint:
    return get(call.store.webhook_endpoints, "webhook_endpoint", call.object_id, "webhook_endpoint")
