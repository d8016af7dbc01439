"""Stripe events, and helpers to read refusals and metrics."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.payments import StripeEvent
from tests.fakes import START, session_of
from tests.http.api import Api, Reply


def refused(reply: Reply) -> tuple[int, str, str | None]:
    """Return status, code, and the field if there is one."""
    return reply.status, reply.code, reply.json.get("field")


def event_for(api: Api, *, session: dict[str, Any] | None = None, **changes: Any) -> StripeEvent:
    """Build the event of a newly opened and paid checkout, with changes."""
    return event_of(api, api.buy().json["id"], session=session, **changes)


def hint_of(purchase_id: str, kind: str = "refund.created", **changes: Any) -> StripeEvent:
    """Build a refund event of a checkout."""
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
    """Build the event of a paid checkout, with changes."""
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
    """Parse the metrics that were printed in the embedded metric format."""
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
