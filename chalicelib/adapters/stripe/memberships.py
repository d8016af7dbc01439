"""Subscriptions and invoices of Stripe."""

import logging
from functools import partial
from typing import Final
from uuid import uuid4

import stripe

from chalicelib.adapters.stripe.client import StripeAccount, answering, as_quoted, existing
from chalicelib.adapters.stripe.expiry import expire_all
from chalicelib.adapters.stripe.keys import keys_of, walk
from chalicelib.adapters.stripe.subscription_schema import invoice_of, subscription_of
from chalicelib.domain.memberships import Membership
from chalicelib.domain.payments import Invoice, Subscription
from chalicelib.domain.purchases import KEY_FORM, SESSION_LIFE
from chalicelib.errors import TryAgain

log = logging.getLogger(__name__)

_A_YEAR: Final = 12
"""Number of newest paid invoices searched for the last posted month."""


class StripeMemberships(StripeAccount):
    """The Subscriptions port over stripe-python. From the portal, the customer comes back to `success_url`."""

    def create_customer(self, user_id: str, gone_id: str | None) -> str:
        customers = self._client().v1.customers
        with self._creating("customer"):
            customer = walk(
                keys_of("customer", user_id, gone_id or "first", KEY_FORM),
                lambda key: customers.create({"metadata": {"user_id": user_id}}, {"idempotency_key": key}),
            )
        return customer.id

    def open_session(
        self, membership: Membership, return_url: str | None = None, customer_id: str | None = None
    ) -> str | None:
        """Send only values that every repeat of the request has, so that Stripe recognizes it."""
        params, sessions = self._session_params(membership, return_url), self._client().v1.checkout.sessions
        if customer_id:
            params["customer"] = customer_id
        with self._creating("membership"):
            session = walk(
                keys_of("membership", membership.user_id, membership.membership_id, membership.key_form),
                lambda key: sessions.create(params, {"idempotency_key": key}),
            )
        return session.url

    def expire_sessions(self, customer_id: str) -> int:
        """Cost: 1 request, and 1 for each session, of which there are at most 100."""
        try:
            client = self._client()
            with answering():
                listed = client.v1.checkout.sessions.list({"customer": customer_id, "status": "open", "limit": 100})
        except (TryAgain, stripe.StripeError) as error:
            log.warning("sessions_not_listed", extra={"cause": type(error.__cause__ or error).__name__})
            return 0
        return sum(expire_all(client, [partial(str, session.id) for session in listed.data]))

    def read_invoice(self, invoice_id: str) -> Invoice | None:
        with answering():
            invoice = existing(lambda: self._client().v1.invoices.retrieve(invoice_id, {"expand": ["payments"]}))
        return invoice_of(invoice.to_dict()) if invoice else None

    def find_invoice(self, payment_intent: str) -> Invoice | None:
        """Look up the invoice at Stripe: an invoice's payment has none of our metadata."""
        with answering():
            payments = existing(
                lambda: self._client().v1.invoice_payments.list(
                    {"payment": {"type": "payment_intent", "payment_intent": payment_intent}}
                )
            )
        return self.read_invoice(str(payments.data[0].invoice)) if payments and payments.data else None

    def read_subscription(self, subscription_id: str) -> Subscription | None:
        """Cost: 2 requests (subscription, paid invoices)."""
        client = self._client().v1
        with answering():
            subscription = existing(lambda: client.subscriptions.retrieve(subscription_id))
            if subscription is None:
                return None
            paid = existing(
                lambda: client.invoices.list(
                    {"subscription": subscription_id, "status": "paid", "limit": _A_YEAR, "expand": ["data.payments"]}
                )
            )
        return subscription_of(subscription.to_dict(), [invoice.to_dict() for invoice in (paid.data if paid else ())])

    def open_portal(self, customer_id: str) -> str:
        """Use new keys: each call makes a session, whose address expires soon."""
        sessions = self._client().v1.billing_portal.sessions
        with self._creating("portal session"):
            session = walk(
                keys_of("portal", customer_id, str(uuid4()), KEY_FORM),
                lambda key: sessions.create(
                    {"customer": customer_id, "return_url": self._success_url}, {"idempotency_key": key}
                ),
            )
        return session.url

    def _session_params(
        self, membership: Membership, return_url: str | None
    ) -> "stripe.params.checkout.SessionCreateParams":
        success_url, cancel_url = self._pages(return_url, membership=membership.membership_id)
        metadata = {
            "membership_id": membership.membership_id,
            "plan_id": membership.plan_id,
            "user_id": membership.user_id,
            "coins": str(membership.coins),
        }
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "subscription",
            "ui_mode": "hosted_page",
            "client_reference_id": membership.membership_id,
            "metadata": metadata,
            "subscription_data": {"metadata": metadata},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": membership.currency,
                        "unit_amount": membership.amount_minor,
                        "tax_behavior": "inclusive",
                        "recurring": {"interval": "month"},
                        "product_data": {"name": f"{membership.coins} coins a month"},
                    },
                }
            ],
            "expires_at": int((membership.created_at + SESSION_LIFE).timestamp()),
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        return as_quoted(params, membership.key_form)
