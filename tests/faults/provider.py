"""Simulated payment provider: the source of truth for payments, refunds and disputes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.payments import CheckoutSession, Dispute, EventPage, MoneyState, PurchaseRef, Refund, StripeEvent
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import NotAuthentic
from tests.domain.builders import a_dispute, a_refund
from tests.fake_events import page_of
from tests.fakes import FakeClock, session_of

MONEY_IS_GONE = {
    "refund": {"pending": True, "requires_action": True, "succeeded": True, "failed": False, "canceled": False},
    "dispute": {"needs_response": True, "lost": True, "won": False, "warning_needs_response": False},
}
"""Return True if a refund or dispute in that status has taken the money. Follows Stripe's documentation."""


@dataclass
class Payment:
    """Money that a fan paid, with its refunds and disputes."""

    payment_intent: str
    session: CheckoutSession
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def paid_minor(self) -> int:
        return self.session.total_minor

    @property
    def kept_minor(self) -> int:
        moved = [("refund", one) for one in self.refunds] + [("dispute", one) for one in self.disputes]
        gone = sum(one.amount_minor for kind, one in moved if MONEY_IS_GONE[kind][str(one.status)])
        return max(self.paid_minor - gone, 0)


class Provider:
    """The PaymentGateway port. Each change creates a Stripe event, which waits for its delivery."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sessions: dict[str, CheckoutSession] = {}
        self.payments: dict[str, Payment] = {}
        self.events: list[StripeEvent] = []

    # --- the port -------------------------------------------------------------------------------------------------

    def open_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession:
        del return_url
        return self.sessions.setdefault(
            purchase.purchase_id, session_of(purchase, payment_status="unpaid", payment_intent=None, status="open")
        )

    def present_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession | None:
        del return_url
        return self.sessions.get(purchase.purchase_id)

    def expire_sessions(self, opened: Sequence[tuple[Purchase, str | None]]) -> Sequence[bool]:
        for purchase, return_url in opened:
            if self.open_session(purchase, return_url).status == "open":
                self.expire(purchase.purchase_id)
                self.sessions[purchase.purchase_id] = replace(self.sessions[purchase.purchase_id], status="expired")
        return [True] * len(opened)

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        session = self.find_session(payment_intent)
        return session.ref if session else None

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        payment = self.payments.get(payment_intent)
        return payment.session if payment and payment.session.mode == "payment" else None

    def read_session(self, session_id: str) -> CheckoutSession | None:
        known = [*self.sessions.values(), *(payment.session for payment in self.payments.values())]
        return next((session for session in known if session.session_id == session_id), None)

    def read_money(self, payment_intent: str) -> MoneyState:
        payment = self.payments[payment_intent]
        return MoneyState(
            captured_minor=payment.paid_minor, refunds=tuple(payment.refunds), disputes=tuple(payment.disputes)
        )

    def has_event(self, event_id: str) -> bool:
        return any(event.stripe_event_id == event_id for event in self.events)

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        return page_of(self.events, since, until, types, after)

    def find_event(self, event_id: str) -> StripeEvent | None:
        return next((event for event in self.events if event.stripe_event_id == event_id), None)

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        del now
        known = {event.stripe_event_id: event for event in self.events}
        if signature != "signed" or payload.decode() not in known:
            raise NotAuthentic
        return known[payload.decode()]

    # --- changes ----------------------------------------------------------------------------------------------------

    def pay(self, purchase_id: str, *, again: str = "") -> StripeEvent:
        """Pay by card. `again`: a second payment, in a session that should not exist."""
        session = self._settled(purchase_id, again)
        self.payments[str(session.payment_intent)] = Payment(str(session.payment_intent), session)
        return self._tell("checkout.session.completed", session)

    def pay_oddly(self, purchase_id: str) -> StripeEvent:
        """Pay by card. Until `complete` the session shows a discount that it does not have."""
        session = self._settled(purchase_id, "")
        odd = replace(session, subtotal_minor=session.total_minor + 6)
        self.sessions[purchase_id] = odd
        self.payments[str(session.payment_intent)] = Payment(str(session.payment_intent), odd)
        return self._tell("checkout.session.completed", odd)

    def complete(self, purchase_id: str) -> StripeEvent:
        """Show the paid session as it is."""
        odd = self.sessions[purchase_id]
        session = replace(odd, subtotal_minor=odd.total_minor)
        self.sessions[purchase_id] = session
        self.payments[str(session.payment_intent)] = Payment(str(session.payment_intent), session)
        return self._tell("checkout.session.completed", session)

    def submit(self, purchase_id: str) -> StripeEvent:
        """Pay from a bank account; the money takes days."""
        return self._tell("checkout.session.completed", self.sessions[purchase_id])

    def arrive(self, purchase_id: str) -> StripeEvent:
        """Confirm the bank payment."""
        session = self._settled(purchase_id, "")
        self.payments[str(session.payment_intent)] = Payment(str(session.payment_intent), session)
        return self._tell("checkout.session.async_payment_succeeded", session)

    def bounce(self, purchase_id: str) -> StripeEvent:
        """Fail the bank payment for lack of funds."""
        return self._tell("checkout.session.async_payment_failed", self.sessions[purchase_id])

    def expire(self, purchase_id: str) -> StripeEvent:
        """Expire the session unpaid."""
        return self._tell("checkout.session.expired", self.sessions[purchase_id])

    def refund(self, payment_intent: str, amount_minor: int, status: str = "succeeded") -> StripeEvent:
        """Refund money."""
        payment = self.payments[payment_intent]
        payment.refunds.append(a_refund(amount_minor, status, payment.session.currency))
        return self._hint("refund.created", payment_intent)

    def refund_becomes(self, payment_intent: str, status: str) -> StripeEvent:
        """Advance the last refund to another status."""
        refunds = self.payments[payment_intent].refunds
        refunds[-1] = replace(refunds[-1], status=status)
        return self._hint("refund.failed" if status == "failed" else "refund.updated", payment_intent)

    def dispute(self, payment_intent: str, status: str = "needs_response") -> StripeEvent:
        """Open a dispute, or an inquiry that moves no money."""
        payment = self.payments[payment_intent]
        amount_minor, currency = payment.kept_minor, payment.session.currency
        payment.disputes.append(a_dispute(amount_minor, status, currency))
        return self._hint("charge.dispute.created", payment_intent)

    def dispute_becomes(self, payment_intent: str, status: str) -> StripeEvent:
        """Advance the last dispute to another status."""
        disputes = self.payments[payment_intent].disputes
        disputes[-1] = a_dispute(disputes[-1].amount_minor, status, disputes[-1].currency)
        return self._hint("charge.dispute.closed", payment_intent)

    def _settled(self, purchase_id: str, again: str) -> CheckoutSession:
        payment_intent = f"pi_{purchase_id}{again}"
        session = replace(self.sessions[purchase_id], payment_status="paid", payment_intent=payment_intent)
        session = replace(session, status="complete")
        if again:
            return replace(session, session_id=f"{session.session_id}{again}")
        self.sessions[purchase_id] = session
        return session

    def _tell(self, kind: str, session: CheckoutSession) -> StripeEvent:
        return self.keep(kind, session=session)

    def _hint(self, kind: str, payment_intent: str) -> StripeEvent:
        return self.keep(kind, payment_intent=payment_intent)

    def keep(self, kind: str, **about: Any) -> StripeEvent:
        """Record a Stripe event to deliver."""
        number, at = len(self.events) + 1, self.clock.now()
        event = StripeEvent(
            stripe_event_id=f"evt_{number}", type=kind, livemode=False, account=None, created_at=at, **about
        )
        self.events.append(event)
        return event
