"""Simulated subscriptions at the payment provider: the source of truth for each month billed and paid."""

from collections import Counter
from datetime import datetime

from chalicelib.domain.memberships import Membership, MembershipStatus
from chalicelib.domain.payments import Invoice, StripeEvent
from tests.domain.builders import a_purchase
from tests.fake_memberships import FakeMemberships, FakeSubscriptions, hint_of, membership_ref
from tests.fakes import session_of
from tests.faults.provider import Payment, Provider


class Billing(FakeSubscriptions):
    """The Subscriptions port. Changes here create Stripe events, and payments in the simulated provider."""

    def __init__(self, provider: Provider, memberships: FakeMemberships) -> None:
        super().__init__()
        self._provider = provider
        self._memberships = memberships
        self._cancellations = Counter[str]()
        self._expired: set[str] = set()

    def start(self, key: str) -> StripeEvent:
        """Subscribe a fan and pay the first month."""
        membership = self._membership(key)
        self.subscribe(membership)
        invoice = self._pay(self.bill(membership, 1))
        session = session_of(a_purchase(), mode="subscription", ref=None, payment_intent=None)
        self._provider.keep("checkout.session.completed", session=session, membership=hint_of(membership))
        self._about_subscription("created", membership)
        return self._about_invoice("paid", invoice)

    def expire(self, key: str) -> StripeEvent:
        """Expire the session in which nobody has subscribed."""
        self._expired.add(key)
        session = session_of(
            a_purchase(),
            mode="subscription",
            ref=None,
            payment_intent=None,
            payment_status="unpaid",
            membership=membership_ref(self._membership(key)),
        )
        return self._provider.keep("checkout.session.expired", session=session)

    def renew(self, key: str) -> StripeEvent:
        """Begin the next month and pay it."""
        membership = self._membership(key)
        self.subscribe(membership)
        invoice = self._pay(self.bill(membership, self._months(membership) + 1))
        self._about_subscription("updated", membership)
        return self._about_invoice("paid", invoice)

    def fail(self, key: str) -> StripeEvent:
        """Begin the next month and leave it unpaid."""
        membership = self._membership(key)
        self.subscribe(membership, status="past_due")
        month = self._months(membership) + 1
        invoice = self.bill(membership, month, status="open", paid_minor=0, payment_intent=None)
        self._about_subscription("updated", membership)
        return self._about_invoice("payment_failed", invoice)

    def pay_late(self, key: str) -> StripeEvent:
        """Pay the overdue month, unless the subscription is canceled."""
        membership = self._membership(key)
        if self.subscriptions[f"sub_{key}"].status != "canceled":
            self.subscribe(membership)
        invoice = self._pay(self.bill(membership, self._months(membership)))
        self._about_subscription("updated", membership)
        return self._about_invoice("paid", invoice)

    def bill_wrongly(self, key: str) -> StripeEvent:
        """Bill the next month at a price that differs from the quote."""
        membership = self._membership(key)
        month = self._months(membership) + 1
        dearer = self.bill(membership, month, subtotal_minor=999, total_minor=999, paid_minor=999)
        return self._about_invoice("paid", self._pay(dearer))

    def cancel(self, key: str) -> StripeEvent:
        """Cancel the subscription."""
        membership = self._membership(key)
        self._cancellations[key] += 1
        self.subscribe(membership, status="canceled", renews=False)
        return self._about_subscription("deleted", membership)

    def refund(self, key: str, month: int, amount_minor: int = 499) -> StripeEvent:
        """Refund money of a month."""
        return self._provider.refund(f"pi_{month}_{key}", amount_minor)

    def status_of(self, membership: Membership) -> MembershipStatus:
        """Derive the expected membership from the money that was paid and kept here."""
        subscription = self.subscriptions.get(f"sub_{membership.membership_id}")
        months = self._paid(membership)
        if subscription is None or not months:
            is_over = membership.membership_id in self._expired
            return MembershipStatus.ENDED if is_over else MembershipStatus.PENDING
        if subscription.status == "canceled" or not self._kept_minor(months[-1]):
            return MembershipStatus.ENDED
        return MembershipStatus(subscription.status)

    def paid_until_of(self, membership: Membership) -> datetime | None:
        """Return the end of the last paid month."""
        months = self._paid(membership)
        return months[-1].paid_until if months else None

    def ends_of(self, membership: Membership) -> int:
        """Count the possible ends: each month may have been the current one when its money was fully refunded."""
        months = self._paid(membership)
        payments = [self._provider.payments[month.payment_intent or ""] for month in months]
        moved = [sum(one.amount_minor for one in payment.refunds) for payment in payments]
        refunded = sum(gone >= month.paid_minor for month, gone in zip(months, moved, strict=True))
        return self._cancellations[membership.membership_id] + refunded

    def _paid(self, membership: Membership) -> list[Invoice]:
        """Return the paid months, with and without coins, oldest first."""
        billed = [each for each in self.invoices.values() if each.membership == hint_of(membership).ref]
        return sorted((each for each in billed if each.is_paid), key=lambda each: each.created_at)

    def _kept_minor(self, month: Invoice) -> int:
        return self._provider.payments[month.payment_intent or ""].kept_minor

    def _membership(self, key: str) -> Membership:
        [found] = [each for (_, membership_id), each in self._memberships.known.items() if membership_id == key]
        return found

    def _months(self, membership: Membership) -> int:
        return sum(each.membership == hint_of(membership).ref for each in self.invoices.values())

    def _pay(self, invoice: Invoice) -> Invoice:
        """Create a payment without metadata."""
        assert invoice.payment_intent is not None
        session = session_of(
            a_purchase(),
            mode="subscription",
            payment_intent=invoice.payment_intent,
            ref=invoice.ref,
            total_minor=invoice.paid_minor,
            currency=invoice.currency,
        )
        self._provider.payments[invoice.payment_intent] = Payment(invoice.payment_intent, session)
        return invoice

    def _about_invoice(self, kind: str, invoice: Invoice) -> StripeEvent:
        return self._provider.keep(f"invoice.{kind}", invoice_id=invoice.invoice_id)

    def _about_subscription(self, kind: str, membership: Membership) -> StripeEvent:
        return self._provider.keep(f"customer.subscription.{kind}", membership=hint_of(membership))
