"""API handler for billing portal sessions."""

from stripe.params.billing_portal import SessionCreateParams

from .call import Call, serve_only
from .checkout import checked_url
from .errors import JsonObject
from .params import missing
from .portal import PortalSession
from .store import get, new_id


def create_portal_session(call: Call) -> JsonObject:
    """Handle POST /v1/billing_portal/sessions. Unlike Stripe's, the `url` does not expire."""
    params = call.decode(SessionCreateParams)
    serve_only(params, "customer expand locale return_url")
    if "customer" not in params:
        raise missing("customer")
    session_id = new_id("bps_1")
    session = PortalSession(
        id=session_id,
        customer=get(call.store.customers, "customer", params["customer"], "customer", status=400).id,
        url=f"{call.base_url}/portal/{session_id}",
        return_url=checked_url(params["return_url"], "return_url") if "return_url" in params else None,
        locale=params.get("locale"),
        created=call.store.now(),
    )
    call.store.portal_sessions[session.id] = session
    return session.to_json()
