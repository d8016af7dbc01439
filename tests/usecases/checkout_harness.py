"""Test harness of the use cases: fakes behind recorded ports, with one short method per request."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import Gift
from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS, MAX_OPEN_MEMBERSHIPS
from chalicelib.domain.payments import CheckoutSession, Dispute, MoneyState, Refund, StripeEvent
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.usecases.checkout import OpenedCheckout, open_checkout
from chalicelib.usecases.gifts import SentGift, send_gift
from chalicelib.usecases.stripe_events import receive_webhook
from tests.domain.builders import FAN, KEY, a_catalogue, a_checkout_order, a_gift_order, a_purchase
from tests.fake_memberships import FakeMemberships, FakeSubscriptions
from tests.fake_services import FakeStripeEventServices
from tests.fakes import START, FakeClock, FakeGateway, FakeLedger, session_of

Port = TypeVar("Port")
PAYMENT = f"pi_{KEY}"
"""The payment of the default purchase."""


@dataclass
class CallRecorder:
    """Record the calls of ports. A named call can be made to fail once, before or after its effect.

    `before` has what happens once just before a named call.
    """

    calls: list[str] = field(default_factory=list)
    fail_before: dict[str, Exception] = field(default_factory=dict)
    fail_after: dict[str, Exception] = field(default_factory=dict)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)

    def over(self, port: Port) -> Port:
        """Return the port with its calls recorded."""
        return cast("Port", _RecordedPort(port, self))


@dataclass
class _RecordedPort:
    _port: object
    _recorder: CallRecorder

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._port, name)

        def call(*args: object) -> object:
            self._recorder.calls.append(name)
            self._recorder.before.pop(name, lambda: None)()
            if fault := self._recorder.fail_before.pop(name, None):
                raise fault
            answer: object = method(*args)
            if fault := self._recorder.fail_after.pop(name, None):
                raise fault
            return answer

        return call


class CheckoutHarness:
    """One fan and one catalogue, with the ports of every use case."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.catalogue = catalogue or a_catalogue()
        self.max_open_checkouts = MAX_OPEN_CHECKOUTS
        self.max_open_memberships = MAX_OPEN_MEMBERSHIPS
        self.recorder = CallRecorder()
        self.clock = FakeClock(START)
        self.books = FakeLedger()
        self.provider = FakeGateway()
        self.ledger: Ledger = self.recorder.over(self.books)
        self.gateway: PaymentGateway = self.recorder.over(self.provider)
        self.members = FakeMemberships(self.books)
        self.billing = FakeSubscriptions()
        self.memberships: Memberships = self.recorder.over(self.members)
        self.subscriptions: Subscriptions = self.recorder.over(self.billing)

    def open(self, **changes: Any) -> OpenedCheckout:
        return open_checkout(a_checkout_order(**changes), self)

    def send(self, **changes: Any) -> SentGift:
        return send_gift(
            a_gift_order(**changes),
            catalogue=self.catalogue,
            ledger=self.ledger,
            clock=self.clock,
            creator_shards=8,
        )

    def deliver(self, event: StripeEvent, *, signature: str = "signed", livemode: bool = False) -> str:
        """Deliver a Stripe event to the webhook."""
        return receive_webhook(self.provider.sign(event), signature, self.stripe_event_services(livemode=livemode))

    def stripe_event_services(self, *, livemode: bool = False) -> FakeStripeEventServices:
        return FakeStripeEventServices(
            livemode=livemode,
            ledger=self.ledger,
            gateway=self.gateway,
            memberships=self.memberships,
            subscriptions=self.subscriptions,
            clock=self.clock,
            catalogue=self.catalogue,
        )

    def hint(self, payment_intent: str = PAYMENT, kind: str = "refund.created") -> str:
        """Deliver an event about a refund or dispute of the payment."""
        return self.deliver(a_hint(payment_intent, kind))

    def paid(self, **changes: Any) -> Purchase:
        """Store a purchase whose payment succeeded, with the webhook undelivered."""
        purchase = self.stock(**changes)
        self.provider.sessions[purchase.purchase_id] = session_of(purchase)
        self.move_money(payment=f"pi_{purchase.purchase_id}", captured_minor=purchase.amount_minor)
        return purchase

    def move_money(
        self,
        *,
        payment: str = PAYMENT,
        captured_minor: int = 74,
        refunds: Sequence[Refund] = (),
        disputes: Sequence[Dispute] = (),
    ) -> None:
        """Set the money of a payment at the provider."""
        self.provider.money[payment] = MoneyState(captured_minor=captured_minor, refunds=refunds, disputes=disputes)

    def stock(self, **changes: Any) -> Purchase:
        """Store a purchase in the ledger."""
        purchase = a_purchase(**changes)
        self.books.entries.setdefault(purchase.user_id, {})[purchase.purchase_id] = purchase
        return purchase

    def fund(self, coins: int) -> None:
        """Set the fan's balance."""
        self.books.coins[FAN] = coins

    def balance(self) -> int:
        """Return the fan's balance."""
        return self.books.read_wallet(FAN).coins

    def purchase(self) -> Purchase:
        """Return the default purchase as stored."""
        entry = self.books.find_entry(FAN, KEY)
        assert isinstance(entry, Purchase)
        return entry

    def state(self) -> dict[str, object]:
        """Copy the ledger's state, to compare it later."""
        return deepcopy(vars(self.books))

    def reasons(self) -> list[str]:
        """Return the reasons of all reviews."""
        return [review.reason for review in self.books.reviews.values()]

    def gifts(self) -> list[Gift]:
        """Return the fan's gifts."""
        return [entry for entry in self.books.entries.get(FAN, {}).values() if isinstance(entry, Gift)]


def a_stripe_event(kind: str = "completed", session: CheckoutSession | None = None, **changes: Any) -> StripeEvent:
    """Build `checkout.session.<kind>` of the default purchase."""
    event = StripeEvent(
        stripe_event_id="evt_1",
        type=f"checkout.session.{kind}",
        livemode=False,
        account=None,
        created_at=START,
        session=session or session_of(a_purchase()),
    )
    return replace(event, **changes)


def a_hint(payment_intent: str | None = PAYMENT, kind: str = "refund.created") -> StripeEvent:
    """Build a refund or dispute event, which names only its payment."""
    return a_stripe_event(type=kind, session=None, payment_intent=payment_intent)


def session_event(word: str, purchase: Purchase | None = None) -> StripeEvent:
    """Build a session event: `paid`, `unpaid`, `succeeded`, `failed` or `expired`."""
    kind, payment_status = {
        "paid": ("completed", "paid"),
        "unpaid": ("completed", "unpaid"),
        "succeeded": ("async_payment_succeeded", "paid"),
        "failed": ("async_payment_failed", "unpaid"),
        "expired": ("expired", "unpaid"),
    }[word]
    return a_stripe_event(kind, session_of(purchase or a_purchase(), payment_status=payment_status))


def moved(status: Status) -> dict[str, Any]:
    """Return the fields of a purchase in that status."""
    if status is not Status.POSTED:
        return {"status": status}
    return {"status": status, "posted_at": START, "event_id": "posted-before", "payment_intent": f"pi_{KEY}"}
