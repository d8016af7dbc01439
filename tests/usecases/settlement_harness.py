"""Membership harness with payments that do not match their quotes, and an operator who settles their reviews."""

from typing import Any

from chalicelib.domain.operators import Decision
from chalicelib.domain.payments import CheckoutSession, Invoice
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Review, ReviewRef
from chalicelib.ports.operators import OperatorLedger
from chalicelib.usecases.reviews import settle_review
from tests.domain.builders import FAN, KEY, a_purchase, an_act
from tests.fake_operators import FakeOperators
from tests.fake_services import settlement_services
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import PAYMENT, a_stripe_event
from tests.usecases.membership_harness import MembershipHarness

ACT = uuid7_at(START, 70)
OTHER_ACT = uuid7_at(START, 71)
SECOND = f"{PAYMENT}-again"
"""A second payment of the default purchase."""


class SettlementHarness(MembershipHarness):
    """Add payments that do not match their quotes, and an operator who settles their reviews."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeOperators(self.books, self.members)
        self.operators: OperatorLedger = self.recorder.over(self.fake)

    def odd(self, payment: str = PAYMENT, **changes: Any) -> CheckoutSession:
        """Pay 70 instead of 74 cents, and deliver the event."""
        session = session_of(a_purchase(), payment_intent=payment, **{"total_minor": 70, **changes})
        self.provider.sessions[payment] = session
        self.move_money(payment=payment, captured_minor=session.total_minor)
        assert self.deliver(a_stripe_event(session=session)) == "in_review"
        return session

    def paid_twice(self) -> None:
        """Pay the same purchase twice, as quoted."""
        self.paid()
        self.deliver(a_stripe_event())
        self.odd(SECOND, total_minor=74)

    def settle(self, payment: str = PAYMENT, decision: Decision = "credit", key: str = ACT) -> Review:
        services = settlement_services(self, self.operators)
        return settle_review(ReviewRef(month="2026-11", payment_id=payment), decision, an_act(key=key), services)

    def decision(self, payment: str = PAYMENT, **how: Any) -> str:
        settlement = self.settle(payment, **how).settlement
        assert settlement is not None
        return settlement.decision

    def entry(self, entry_id: str = KEY) -> Purchase:
        entry = self.books.find_entry(FAN, entry_id)
        assert isinstance(entry, Purchase)
        return entry

    def billed_oddly(self, **changes: Any) -> Invoice:
        """Bill the first month otherwise than quoted, and deliver the event."""
        odd = {"subtotal_minor": 499, "total_minor": 399, "paid_minor": 399}
        invoice = self.billed(1, **{**odd, **changes})
        assert self.deliver_invoice(1) == "in_review"
        return invoice
