"""Checkout sessions, payments and webhooks of Stripe."""

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import stripe

from chalicelib.adapters.stripe.checkout_schema import (
    decode_event,
    dispute_of,
    event_of,
    purchase_ref_from_metadata,
    refund_of,
    session_of,
)
from chalicelib.adapters.stripe.client import Connections, StripeAccount, answering, as_quoted, existing
from chalicelib.adapters.stripe.expiry import expire_all
from chalicelib.adapters.stripe.keys import keys_of, walk
from chalicelib.adapters.stripe.pace import Pace
from chalicelib.domain.payments import CheckoutSession, EventPage, MoneyState, PurchaseRef, StripeEvent
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.errors import NotAuthentic, NotFound, TryAgain

log = logging.getLogger(__name__)

HASTY_TIMEOUTS_SECONDS: Final = (0.5, 1.0)
HASTE_SECONDS: Final = 1.5
"""Time after which no further call begins, so that a page that waits for an answer waits 3 seconds at most."""

SIGNATURE_TOLERANCE: Final = timedelta(minutes=5)
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12})(?:,v[0-9]=[0-9a-f]{1,128}){1,16}", re.ASCII)
"""The whole header with exactly one time: the verified time must be the one compared with the clock."""


class StripeGateway(StripeAccount):
    """The PaymentGateway port over stripe-python.

    Args:
        api_key: returns the current API key.
        webhook_secrets: returns the valid signing secrets.
        api_url: base address, without `/v1`.
        success_url: return address after payment.
        cancel_url: return address without payment.
        on_rejected, pace: as in StripeAccount.
    """

    def __init__(
        self,
        *,
        api_key: Callable[[], str],
        webhook_secrets: Callable[[], Sequence[str]],
        api_url: str,
        success_url: str,
        cancel_url: str,
        on_rejected: Callable[[], None],
        pace: Pace | None = None,
    ) -> None:
        super().__init__(
            api_key=api_key,
            api_url=api_url,
            success_url=success_url,
            cancel_url=cancel_url,
            on_rejected=on_rejected,
            pace=pace,
        )
        self._webhook_secrets = webhook_secrets
        self._hasty = Connections(timeout=HASTY_TIMEOUTS_SECONDS)

    def open_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession:
        """Send only values that every repeat of the request has, so that Stripe recognizes it."""
        params, sessions = self._session_params(purchase, return_url), self._client().v1.checkout.sessions
        with self._creating("checkout"):
            session = walk(
                _keys(purchase),
                lambda key: sessions.create(params, {"idempotency_key": key}),
            )
        return session_of(session.to_dict())

    def present_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession | None:
        """Find the session by its keys, which answer with the session as it was made, and read it. Cost: 2 requests.

        No id is stored for this, because nearly every webhook is in time.
        """
        sessions, began = self._client(self._hasty).v1.checkout.sessions, time.monotonic()
        params, keys = self._session_params(purchase, return_url), _keys(purchase)
        try:
            with answering():
                made = walk(keys, lambda key: sessions.create(params, {"idempotency_key": key}), HASTE_SECONDS)
                if time.monotonic() - began > HASTE_SECONDS:
                    raise TryAgain("The payment provider is slow.")
                return session_of(sessions.retrieve(made.id).to_dict())
        except stripe.StripeError as error:
            # Its parameters have changed since, or it was never made and it is too late now.
            log.warning("session_not_found", extra={"stripe_status": error.http_status, "stripe_code": error.code})
            return None

    def expire_sessions(self, opened: Sequence[tuple[Purchase, str | None]]) -> Sequence[bool]:
        """Find each session by its keys, as present_session does. Cost: 2 requests for each."""
        try:
            client = self._client()
        except TryAgain:
            return [False] * len(opened)  # the API key cannot be read

        def finder(purchase: Purchase, return_url: str | None) -> Callable[[], str]:
            params, create = self._session_params(purchase, return_url), client.v1.checkout.sessions.create
            return lambda: walk(_keys(purchase), lambda key: create(params, {"idempotency_key": key})).id

        return expire_all(client, [finder(purchase, return_url) for purchase, return_url in opened])

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        """Return None also for a payment that Stripe does not know."""
        try:
            with answering():
                payment = self._client().v1.payment_intents.retrieve(payment_intent)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise
        return purchase_ref_from_metadata(payment.metadata.to_dict())

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        with answering():
            sessions = existing(lambda: self._client().v1.checkout.sessions.list({"payment_intent": payment_intent}))
        return session_of(sessions.data[0].to_dict()) if sessions and sessions.data else None

    def read_session(self, session_id: str) -> CheckoutSession | None:
        try:
            with answering():
                session = self._client().v1.checkout.sessions.retrieve(session_id)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise
        return session_of(session.to_dict())

    def read_money(self, payment_intent: str) -> MoneyState:
        """Cost: 3 requests (payment, refunds, disputes)."""
        client = self._client().v1
        with answering():
            payment = existing(lambda: client.payment_intents.retrieve(payment_intent))
            if payment is None:
                raise NotFound("The payment no longer exists.")
            refunds = list(client.refunds.list({"payment_intent": payment_intent, "limit": 100}).auto_paging_iter())
            disputes = list(client.disputes.list({"payment_intent": payment_intent, "limit": 100}).auto_paging_iter())
        return MoneyState(
            captured_minor=payment.amount_received,
            refunds=[refund_of(refund.to_dict()) for refund in refunds],
            disputes=[dispute_of(dispute.to_dict()) for dispute in disputes],
        )

    def has_event(self, event_id: str) -> bool:
        with answering():
            return existing(lambda: self._client().v1.events.retrieve(event_id)) is not None

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        """Cost: 1 request. Stripe takes at most twenty types, and lists newest first.

        The window of time is what bounds a walk, not `ending_before`: an event that is listed late may have its place
        behind a cursor that was passed (blog.sequin.io/finding-and-fixing-eventual-consistency-with-stripe-events).
        """
        created: stripe.params.EventListParamsCreated = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        params: stripe.params.EventListParams = {"created": created, "types": sorted(types), "limit": 100}
        if after:
            params["starting_after"] = after
        with answering():
            page = self._client().v1.events.list(params)
        listed = [(each.id, _usable(each.to_dict())) for each in page.data]
        return EventPage(
            events=[event for _, event in listed if event],
            unreadable=[event_id for event_id, event in listed if not event],
            after=page.data[-1].id if page.has_more else None,
        )

    def find_event(self, event_id: str) -> StripeEvent | None:
        with answering():
            event = existing(lambda: self._client().v1.events.retrieve(event_id))
        return _usable(event.to_dict()) if event else None

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        self._verify(payload, signature, now)
        return decode_event(payload)

    def _session_params(
        self, purchase: Purchase, return_url: str | None
    ) -> "stripe.params.checkout.SessionCreateParams":
        success_url, cancel_url = self._pages(return_url, purchase=purchase.purchase_id)
        metadata = {
            "purchase_id": purchase.purchase_id,
            "user_id": purchase.user_id,
            "coins": str(purchase.coins),
        }
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "client_reference_id": purchase.purchase_id,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": purchase.currency,
                        "unit_amount": purchase.amount_minor,
                        "tax_behavior": "inclusive",
                        "product_data": {"name": f"{purchase.coins} coins"},
                    },
                }
            ],
            "expires_at": int((purchase.created_at + SESSION_LIFE).timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        return as_quoted(params, purchase.key_form)

    def _verify(self, payload: bytes, signature: str, now: datetime) -> None:
        header = _SIGNATURE.fullmatch(signature)
        if header is None:
            raise NotAuthentic("The Stripe-Signature header is missing or malformed.")
        # Compared as seconds: the header's time may exceed datetime's range.
        if abs(int(header[1]) - now.timestamp()) > SIGNATURE_TOLERANCE.total_seconds():
            raise NotAuthentic("The signature's time is more than five minutes away.")
        if not any(_is_signed(payload, signature, secret) for secret in self._webhook_secrets()):
            raise NotAuthentic("The signature does not match.")


def _keys(purchase: Purchase) -> Sequence[str]:
    return keys_of("checkout", purchase.user_id, purchase.purchase_id, purchase.key_form)


def _is_signed(payload: bytes, signature: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(payload, signature, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _usable(values: dict[str, Any]) -> StripeEvent | None:
    try:
        return event_of(values)
    except NotAuthentic:
        # The webhook was refused, too. Here an unreadable event must not block the others.
        log.exception("event_unreadable", extra={"stripe_event_id": values.get("id")})
        return None
