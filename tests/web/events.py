"""What the tests of the API have in common besides the API: Stripe's events, and how a refusal reads."""

from typing import Any

from chalicelib.domain.payments import StripeEvent
from tests.fakes import START, session_of
from tests.web.api import Api, Reply


def refused(reply: Reply) -> tuple[int, str, str | None]:
    """Status, code, and the field where there is one."""
    return reply.status, reply.code, reply.json.get("field")


def event_for(api: Api, *, session: dict[str, Any] | None = None, **changes: Any) -> StripeEvent:
    """The event of a checkout that was just opened and paid, with whatever about it is different."""
    return event_of(api, api.buy().json["id"], session=session, **changes)


def event_of(api: Api, purchase_id: str, *, session: dict[str, Any] | None = None, **changes: Any) -> StripeEvent:
    """The event of that checkout, paid, with whatever about it is different."""
    facts: dict[str, Any] = {
        "stripe_event_id": "evt_1",
        "type": "checkout.session.completed",
        "livemode": False,
        "account": None,
        "created_at": START,
        "session": session_of(api.purchase(purchase_id), **(session or {})),
    }
    return StripeEvent(**(facts | changes))
