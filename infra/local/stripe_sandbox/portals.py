"""API handler for billing portal sessions."""

from stripe.params.billing_portal import SessionCreateParams

from .call import Call, serve_only
from .checkout import checked_url
from .errors import ApiError, JsonObject
from .params import missing
from .portal import PortalSession
from .store import get, new_id

_NOT_CONFIGURED = (
    "No configuration provided and your test mode default configuration has not been created. Provide a configuration "
    "or create your default by saving your customer portal settings in test mode."
)
"""As users report it. https://docs.stripe.com/customer-management/activate-no-code-customer-portal"""


def create_portal_session(call: Call) -> JsonObject:
    """Handle POST /v1/billing_portal/sessions. Unlike Stripe's, the `url` does not expire."""
    params = call.decode(SessionCreateParams)
    serve_only(params, "customer expand locale return_url")
    if "customer" not in params:
        raise missing("customer")
    if not call.knobs.portal_configured:
        raise ApiError(_NOT_CONFIGURED)
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
