"""Stripe: checkout sessions out, webhooks in."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import stripe
from msgspec import Meta, Struct

from chalicelib.domain.ids import is_party_id, is_uuid7
from chalicelib.domain.ledger import Purchase
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import CheckoutSession, Claim, StripeEvent
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.errors import IdempotencyConflict, NotAuthentic, TryAgain

TIMEOUTS_SECONDS: Final = (1.0, 6.0)
NETWORK_RETRIES: Final = 1
SIGNATURE_TOLERANCE: Final = timedelta(minutes=5)
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12})(?:,v[0-9]=[0-9a-f]{1,128}){1,16}", re.ASCII)
"""All of the header, and one time only: what is verified and what is held against the clock must be the same."""

Amount = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]


class _Data(Struct):
    object: msgspec.Raw


class _Event(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=255)]
    object: str
    type: Annotated[str, Meta(min_length=1, max_length=255)]
    created: Seconds
    livemode: bool
    data: _Data
    account: str | None = None


class _Session(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=255)]
    mode: str
    payment_status: str
    created: Seconds
    amount_subtotal: Amount | None = None
    amount_total: Amount | None = None
    currency: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None


class StripeGateway:
    """The PaymentGateway port over stripe-python.

    Args:
        api_key: gives the key of the moment.
        webhook_secrets: gives the signing secrets of the moment.
        api_url: base address, without `/v1`.
        success_url: where a fan who paid returns to.
        cancel_url: where a fan who did not returns to.
    """

    def __init__(
        self,
        *,
        api_key: Callable[[], str],
        webhook_secrets: Callable[[], Sequence[str]],
        api_url: str,
        success_url: str,
        cancel_url: str,
    ) -> None:
        self._api_key = api_key
        self._webhook_secrets = webhook_secrets
        self._api_url = api_url
        self._success_url = success_url
        self._cancel_url = cancel_url
        self._http = stripe.RequestsClient(timeout=TIMEOUTS_SECONDS)

    def open_session(self, purchase: Purchase) -> CheckoutSession:
        """See the port. Everything sent derives from the purchase, so that Stripe sees a repeat as one."""
        try:
            session = self._client().v1.checkout.sessions.create(
                self._session_params(purchase),
                {"idempotency_key": f"checkout/{purchase.user_id}/{purchase.purchase_id}"},
            )
        except stripe.IdempotencyError as error:
            # The same key with other parameters. A key that is still in use is a 409, which is an APIError below.
            raise IdempotencyConflict("This checkout cannot be opened again: use a new key.") from error
        except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
            raise TryAgain("The payment provider did not answer.", retry_after_seconds=5) from error
        return _domain_session(msgspec.convert(session.to_dict(), _Session), url=session.url)

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        """See the port."""
        self._verify(payload, signature, now)
        try:
            event = msgspec.json.decode(payload, type=_Event)
            if event.object != "event":
                raise NotAuthentic("Only snapshot events are understood.")
            session = None
            if event.type.startswith("checkout.session."):
                session = _domain_session(msgspec.json.decode(event.data.object, type=_Session))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise NotAuthentic("The body is not a usable event.") from error
        return StripeEvent(
            stripe_event_id=event.id,
            type=event.type,
            livemode=event.livemode,
            account=event.account,
            created_at=_at(event.created),
            session=session,
        )

    # Quoted, because Stripe's package imports what it is asked for: a webhook needs no client, and pays for none.
    def _client(self) -> "stripe.StripeClient":
        return stripe.StripeClient(
            self._api_key(),
            base_addresses={"api": self._api_url},
            max_network_retries=NETWORK_RETRIES,
            http_client=self._http,
        )

    def _session_params(self, purchase: Purchase) -> "stripe.params.checkout.SessionCreateParams":
        metadata = {
            "purchase_id": purchase.purchase_id,
            "user_id": purchase.user_id,
            "coins": str(purchase.coins),
        }
        return {
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
            "success_url": f"{self._success_url}?purchase={purchase.purchase_id}",
            "cancel_url": f"{self._cancel_url}?purchase={purchase.purchase_id}",
        }

    def _verify(self, payload: bytes, signature: str, now: datetime) -> None:
        header = _SIGNATURE.fullmatch(signature)
        if header is None:
            raise NotAuthentic("The Stripe-Signature header is missing or malformed.")
        # Compared as seconds: a header may name a time that no datetime can hold.
        if abs(int(header[1]) - now.timestamp()) > SIGNATURE_TOLERANCE.total_seconds():
            raise NotAuthentic("The signature's time is more than five minutes away.")
        if not any(_is_signed(payload, signature, secret) for secret in self._webhook_secrets()):
            raise NotAuthentic("The signature does not match.")


def _is_signed(payload: bytes, signature: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(payload, signature, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _domain_session(session: _Session, url: str | None = None) -> CheckoutSession:
    return CheckoutSession(
        session_id=session.id,
        mode=session.mode,
        payment_status=session.payment_status,
        payment_intent=session.payment_intent,
        subtotal_minor=session.amount_subtotal or 0,
        total_minor=session.amount_total or 0,
        currency=session.currency or "",
        created_at=_at(session.created),
        claim=_claim(session.metadata or {}),
        url=url,
    )


def _claim(metadata: dict[str, str]) -> Claim | None:
    """What we wrote into the session when we opened it; None when somebody else did."""
    purchase_id, user_id, coins = (metadata.get(name, "") for name in ("purchase_id", "user_id", "coins"))
    is_ours = is_uuid7(purchase_id) and is_party_id(user_id) and re.fullmatch(r"[1-9][0-9]{0,15}", coins)
    if not is_ours or int(coins) > MAX_AMOUNT:
        return None
    return Claim(purchase_id=purchase_id, user_id=user_id, coins=int(coins))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
