"""The payment provider, and signed offers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.memberships import Membership
from chalicelib.domain.offers import SignedOffer
from chalicelib.domain.payments import (
    CheckoutSession,
    EventPage,
    Invoice,
    MoneyState,
    PurchaseRef,
    StripeEvent,
    Subscription,
)
from chalicelib.domain.purchases import Purchase


class PaymentGateway(Protocol):
    """The payment provider."""

    def open_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession:
        """Create the checkout session of a purchase, or return the one that an earlier call created.

        Args:
            purchase: the purchase as stored.
            return_url: page that the fan comes back to with the purchase's id, or None for the shop's own pages.

        Raises:
            IdempotencyConflict: the provider has the purchase with other parameters; a new key is needed.
            PaymentUnavailable: the provider refuses it for good; no session exists.
        """

    def present_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession | None:
        """Return the present session of a purchase, within three seconds. None if there is none.

        Args:
            purchase, return_url: as for open_session, by which the session is found.
        """

    def expire_sessions(self, opened: Sequence[tuple[Purchase, str | None]]) -> Sequence[bool]:
        """Expire the sessions of purchases, best effort and within seconds.

        Args:
            opened: purchases and return addresses, as for open_session, by which the sessions are found.

        Returns:
            True for each session that cannot be paid any more. False if the provider did not say so.
        """

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        """Return the purchase ref in a payment's metadata. None for an unrelated payment."""

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        """Return the present checkout session of a payment, if there is one."""

    def read_session(self, session_id: str) -> CheckoutSession | None:
        """Return the present checkout session, in the provider's present form. None if it is gone."""

    def read_money(self, payment_intent: str) -> MoneyState:
        """Return the present captured, refunded and disputed amounts of a payment.

        Raises:
            NotFound: the payment no longer exists.
        """

    def has_event(self, event_id: str) -> bool:
        """Return True if the provider has the event, in the account and mode of the present key, since 30 days."""

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        """List a page of the events of `types` from `since`, and before `until`, both whole seconds.

        The provider keeps 30 days. It may list an event later than the events around it.

        Args:
            since, until, types: the filter.
            after: as the page before this one has it; None for the first page, which has the newest events.
        """

    def find_event(self, event_id: str) -> StripeEvent | None:
        """Return an event of the last 30 days. None if it is gone or cannot be decoded."""

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        """Verify and decode a webhook's raw body.

        Raises:
            NotAuthentic: not signed for this endpoint within the last five minutes, or not a usable event.
        """


class OfferSigner(Protocol):
    """Signatures of offers, which others can verify with the public keys."""

    def sign(self, offer: SignedOffer) -> str:
        """Encode the offer as a compact JWS."""

    def read(self, jws: str) -> SignedOffer | None:
        """Verify the signature and decode the offer, expired or not. None for an invalid signature."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Return the public keys as JWK members."""


class Subscriptions(Protocol):
    """The payment provider's side of memberships."""

    def create_customer(self, user_id: str, gone_id: str | None) -> str:
        """Create a fan's customer, or find the one that a recent call created. Returns its id.

        Args:
            user_id: the fan.
            gone_id: the deleted customer that it replaces, or None for the first.

        Raises:
            PaymentUnavailable: the provider refuses it for good.
        """

    def open_session(
        self, membership: Membership, return_url: str | None = None, customer_id: str | None = None
    ) -> str | None:
        """Create the membership's checkout session, or find the existing one. Returns its URL.

        Args:
            membership: the membership as stored.
            return_url: page that the fan comes back to with the membership's id, or None for the shop's own pages.
            customer_id: the customer who subscribes, or None for a new one.

        Raises:
            CustomerGone: the customer was deleted.
            IdempotencyConflict: the provider has the membership with other parameters; a new key is needed.
            PaymentUnavailable: the provider refuses it for good; no session exists.
        """

    def expire_sessions(self, customer_id: str) -> int:
        """Expire the customer's open checkout sessions, best effort. Returns the number of those closed now."""

    def read_invoice(self, invoice_id: str) -> Invoice | None:
        """Return the present invoice. None when it was deleted or has no subscription."""

    def find_invoice(self, payment_intent: str) -> Invoice | None:
        """Return the present invoice of a payment, if it is a subscription's."""

    def read_subscription(self, subscription_id: str) -> Subscription | None:
        """Return the present subscription with its paid invoices. None when it was deleted."""

    def open_portal(self, customer_id: str) -> str:
        """Create a portal session, in which the customer can end the subscription. Returns its URL, which expires.

        Raises:
            PaymentUnavailable: the provider refuses it for good.
        """
