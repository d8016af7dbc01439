"""Checkout harness with a membership: its subscription at the provider, and deliveries of its events."""

from typing import Any

from msgspec.structs import replace

from chalicelib.domain.events import message_for
from chalicelib.domain.memberships import Membership
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.payments import Invoice, MoneyState
from chalicelib.domain.purchases import Purchase
from chalicelib.usecases.memberships import OpenedMembership, open_membership
from tests.domain.builders import FAN, KEY, a_membership, a_membership_order, a_refund
from tests.fake_memberships import hint_of
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import CheckoutHarness, a_hint, a_stripe_event

MEMBERSHIP = a_membership()
SUBSCRIPTION = f"sub_{KEY}"


class MembershipHarness(CheckoutHarness):
    """Add requests, subscription and invoices of one membership."""

    def join(self, **changes: Any) -> OpenedMembership:
        """Request a membership."""
        return open_membership(a_membership_order(**changes), self)

    def joined(self, **changes: Any) -> Membership:
        """Store a membership that is subscribed to at the provider, with the events undelivered."""
        membership = replace(MEMBERSHIP, **changes)
        self.members.known[membership.user_id, membership.membership_id] = membership
        self.billing.subscribe(membership)
        return membership

    def becomes(self, status: str, **changes: Any) -> None:
        """Set the status of the subscription at the provider."""
        self.billing.subscribe(MEMBERSHIP, status=status, **changes)

    def billed(self, month: int = 1, **changes: Any) -> Invoice:
        """Bill a paid month at the provider."""
        invoice = self.billing.bill(MEMBERSHIP, month, **changes)
        if invoice.payment_intent:
            self.provider.money[invoice.payment_intent] = MoneyState(captured_minor=invoice.paid_minor)
        return invoice

    def refund(self, month: int, amount_minor: int = 499, status: str = "succeeded") -> str:
        """Refund money of a month and deliver the event."""
        gone = [a_refund(amount_minor, status)]
        self.provider.money[f"pi_{month}_{KEY}"] = MoneyState(captured_minor=499, refunds=gone)
        return self.deliver(a_hint(f"pi_{month}_{KEY}"))

    def deliver_invoice(self, month: int = 1, kind: str = "paid") -> str:
        """Deliver `invoice.<kind>` of a month."""
        return self.deliver(a_stripe_event(type=f"invoice.{kind}", session=None, invoice_id=f"in_{month}_{KEY}"))

    def deliver_subscription(self, kind: str = "updated") -> str:
        """Deliver `customer.subscription.<kind>`."""
        event = a_stripe_event(type=f"customer.subscription.{kind}", session=None, membership=hint_of(MEMBERSHIP))
        return self.deliver(event)

    def membership(self) -> Membership:
        """Return the membership as stored."""
        return self.members.known[FAN, KEY]

    def months(self) -> list[Purchase]:
        """Return the posted months."""
        return [entry for entry in self.books.entries.get(FAN, {}).values() if isinstance(entry, Purchase)]

    def published_types(self) -> list[str]:
        """Return the event types of all entries, without prefix and version."""
        entries = self.books.entries.get(FAN, {}).values()
        said = [message_for(entry, None, source="", livemode=False).attributes["event_type"] for entry in entries]
        return [str(event_type).removeprefix("coinpurse.").removesuffix(".v1") for event_type in said]

    def ends(self) -> list[str]:
        """Return the reason of each published end."""
        notifications = [
            entry for entry in self.books.entries.get(FAN, {}).values() if isinstance(entry, NotificationEntry)
        ]
        return [str(notification.payload["reason"]) for notification in notifications]

    def is_sound(self) -> bool:
        """Return True if every invariant holds."""
        return broken(books_of(self.books, []), is_drained=False) == []
