"""Webhook events and signatures, as Stripe sends them and forged."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from chalicelib.adapters.stripe.gateway import StripeGateway
from chalicelib.domain.payments import StripeEvent
from tests.adapters.samples import new_id
from tests.fakes import START

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
NOW = int(START.timestamp())
PURCHASE_ID = new_id()
Json = dict[str, Any]


def gateway(*secrets: str) -> StripeGateway:
    return StripeGateway(
        api_key=lambda: "",
        webhook_secrets=lambda: secrets or (SECRET,),
        api_url="http://127.0.0.1:1",
        success_url="",
        cancel_url="",
        on_rejected=lambda: None,
    )


def a_session(**changes: Any) -> Json:
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": "paid",
        "created": NOW - 60,
        "amount_subtotal": 529,
        "amount_total": 529,
        "currency": "usd",
        "payment_intent": "pi_1",
        "metadata": {"purchase_id": PURCHASE_ID, "user_id": "ann", "coins": "500"},
        "customer_details": {"email": "ann@mail.example"},
    }
    return session | changes


def an_event(**changes: Any) -> Json:
    event: Json = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "created": NOW - 1,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": a_session()},
    }
    return event | changes


def without(values: Json, name: str) -> Json:
    return {key: value for key, value in values.items() if key != name}


def sign(payload: bytes, at: int = NOW, secret: str = SECRET) -> str:
    """Sign the bytes with Stripe's scheme v1."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def read(payload: bytes | Json, signature: str | None = None, *secrets: str, now: datetime = START) -> StripeEvent:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return gateway(*secrets).read_event(body, sign(body) if signature is None else signature, now)


BODY = json.dumps(an_event()).encode()
