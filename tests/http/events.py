"""What the tests of the API have in common besides the API: Stripe's events, and how a refusal reads."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.payments import StripeEvent
from tests.fakes import START, session_of
from tests.http.api import Api, Reply


def refused(reply: Reply) -> tuple[int, str, str | None]:
    """Status, code, and the field where there is one."""
    return reply.status, reply.code, reply.json.get("field")


def event_for(api: Api, *, session: dict[str, Any] | None = None, **changes: Any) -> StripeEvent:
    """The event of a checkout that was just opened and paid, with whatever about it is different."""
    return event_of(api, api.buy().json["id"], session=session, **changes)


def hint_of(purchase_id: str, kind: str = "refund.created", **changes: Any) -> StripeEvent:
    """News that the money of a checkout may have moved."""
    event = StripeEvent(
        stripe_event_id="evt_2",
        type=kind,
        livemode=False,
        account=None,
        created_at=START,
        payment_intent=f"pi_{purchase_id}",
    )
    return replace(event, **changes)


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


def counters(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The counters in the embedded metric format, which CloudWatch reads out of what a function prints."""
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        written = json.loads(line)
        [metrics] = written["_aws"]["CloudWatchMetrics"]
        assert (metrics["Namespace"], metrics["Dimensions"], written["service"]) == (
            "Coinpurse",
            [["service"]],
            "coinpurse-test",
        )
        found |= {metric["Name"]: sum(written[metric["Name"]]) for metric in metrics["Metrics"]}
    return found
