"""The payment provider, and signed offers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.memberships import Membership
from chalicelib.domain.offers import SignedOffer
from chalicelib.domain.payments import CheckoutSession, Invoice, MoneyState, PurchaseRef, StripeEvent, Subscription
from chalicelib.domain.purchases import Purchase


class PaymentGateway(Protocol):
    """The payment provider."""

    def open_session(self, purchase: Purchase) -> CheckoutSession:
        """The checkout session of a purchase: opened by the first call, the same one for every later call.

        Raises:
            IdempotencyConflict: the provider knows the purchase with other parameters: a new key is needed.
        """

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        """What a payment says of the purchase it was made for; None for a stranger's payment."""

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        """The checkout session that a payment was made in, as it is now."""

    def read_money(self, payment_intent: str) -> MoneyState:
        """What was captured, refunded and disputed of a payment, as it is now."""

    def list_events(self, since: datetime, types: Collection[str]) -> Sequence[StripeEvent]:
        """The events of those types since then, oldest first; the provider keeps thirty days of them."""

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        """The event in a webhook's raw body.

        Raises:
            NotAuthentic: it was not signed for us within the last five minutes, or is no usable event.
        """


class OfferSigner(Protocol):
    """Signs bundles, so that anybody can check that they are ours."""

    def sign(self, offer: SignedOffer) -> str:
        """The offer as a compact JWS."""

    def read(self, jws: str) -> SignedOffer | None:
        """The offer that we signed, whether or not it has expired; None when we did not sign it."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """The keys that our signatures can be checked with, as the members of JWKs."""


class Subscriptions(Protocol):
    """The payment provider's side of memberships."""

    def open_session(self, membership: Membership) -> str | None:
        """Where to subscribe: the address of the membership's checkout session, the same for every call.

        Raises:
            IdempotencyConflict: the provider knows the membership with other parameters: a new key is needed.
        """

    def read_invoice(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now; None when it is not a subscription's."""

    def find_invoice(self, payment_intent: str) -> Invoice | None:
        """The subscription's invoice that a payment was made for, as it is now, if there is one."""

    def read_subscription(self, subscription_id: str) -> Subscription:
        """The subscription as it is now, with its paid invoices."""

    def open_portal(self, customer_id: str) -> str:
        """The address of a page, good for a while, where the customer can see and end the subscription."""
