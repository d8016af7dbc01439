"""Lives, part one: fans who buy and join, and what Stripe does with their money."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

from chalicelib.errors import TryAgain
from infra.local.stripe_sandbox.errors import ApiError
from infra.local.stripe_sandbox.objects import Method
from infra.local.stripe_sandbox.session import Session
from tests.faults.lives.system import FANS, LivingSystem

_ODDITIES: Final = ("price", "free", "currency", "coins", "purchase")
_METHODS: Final[Sequence[Method]] = ("card", "card", "paypal", "bank_debit")
_ORDERS: Final[Sequence[dict[str, Any]]] = (
    {},
    {"bundle_id": "coins_700"},
    {"bundle_id": "coins_700", "quantity": 2},
    {"bundle_id": None, "coins": 1_234},
)
_TERMS: Final[Sequence[dict[str, Any]]] = (
    {},
    {},
    {},
    {"coupon_percent": 20},
    {"coupon_percent": 100},
    {"payments": "two"},
    {"payments": "record"},
    {"payments": "late"},
    {"proration": 121},
)
_DISPUTES: Final[Sequence[dict[str, Any]]] = (
    {},
    {},
    {"amount": 40},
    {"amount": 100_000},
    {"status": "warning_needs_response", "case_type": "inquiry"},
    {"status": "prevented", "case_type": "resolution"},
    {"status": "prevented", "case_type": "resolution", "is_refund": True},
    {"status": "prevented", "case_type": "block"},
    {"currency": "eur"},
    {"settled_in": "eur", "rate": 0.9},
)


class MoneyLife:
    """Fans and Stripe. Each method lets one thing happen, if it can, with what the dice choose."""

    def __init__(self) -> None:
        self.system = LivingSystem()
        self.keys: dict[str, list[str]] = {fan: [] for fan in FANS}

    # --- fans -------------------------------------------------------------------------------------------------------

    def buy(self, dice: Random) -> None:
        fan = dice.choice(FANS)
        self.request(lambda: self.system.open(self.key(fan, dice), fan, **dice.choice(_ORDERS)))

    def join(self, dice: Random) -> None:
        fan, trial = dice.choice(FANS), {"trial_days": 7} if dice.random() < 1 / 8 else {}
        self.set_terms({**dice.choice(_TERMS), **trial})
        self.request(lambda: self.system.join(self.key(fan, dice), fan))

    def pay(self, dice: Random) -> None:
        """Pay an open session, sometimes otherwise than quoted."""
        if opened := self.sessions("open"):
            session, method = dice.choice(opened), dice.choice(_METHODS)
            is_odd = session.mode == "payment" and dice.random() < 1 / 4
            self.at_stripe(lambda: self.system.stripe.pay(session, method, dice.choice(_ODDITIES) if is_odd else ""))

    def buy_and_pay(self, dice: Random) -> None:
        self.buy(dice)
        self.pay(dice)

    def pay_twice(self, dice: Random) -> None:
        if paid := [session for session in self.sessions("complete") if session.mode == "payment"]:
            stripe = self.system.stripe
            self.at_stripe(lambda: stripe.pay(stripe.again(dice.choice(paid)), "card"))

    def read_the_page(self, dice: Random) -> None:
        fan = dice.choice(FANS)
        if opened := [key for key in self.keys[fan] if self.system.is_purchase(fan, key)]:
            self.system.advance(1)
            self.system.read(dice.choice(opened), fan)

    # --- Stripe -----------------------------------------------------------------------------------------------------

    def end_a_session(self, dice: Random) -> None:
        if known := [session for session in self.sessions() if session.payment_status == "unpaid"]:
            self.control(dice.choice(["settle", "settle", "fail", "expire"]), dice.choice(known).id)

    def bill(self, dice: Random) -> None:
        if known := list(self.system.stripe.store.subscriptions.values()):
            self.set_terms(dice.choice(_TERMS))
            self.system.stripe.knobs.renewals = dice.choice(["paid", "paid", "failed"])
            act = dice.choice(["renew", "renew", "renew", "renew", "pause", "resume", "cancel", "delete"])
            subscription = dice.choice(known)
            if act in {"pause", "resume"}:
                subscription.pause = "void" if act == "pause" else None
                return
            gone = [each.to_json() for each in known if each.customer == subscription.customer]
            self.control(act, subscription.id)
            for shown in gone if act == "delete" else ():
                # The deletion itself has no event. One that was on its way is about a subscription that is gone.
                self.system.stripe.store.emit("customer.subscription.updated", shown)

    def end_an_invoice(self, dice: Random) -> None:
        invoices = self.system.stripe.store.invoices.values()
        if known := [invoice for invoice in invoices if invoice.status == "open" or invoice.unattached]:
            self.control(dice.choice(["pay_invoice", "fail_invoice", "attach", "attach"]), dice.choice(known).id)

    def refund(self, dice: Random) -> None:
        if paid := self.payments():
            payment, amount = dice.choice(paid)
            part, status = dice.choice([1, 1, 2, 3, 1_000]), dice.choice(["succeeded", "succeeded", "pending"])
            self.control("open_refund", payment_intent=payment, amount=max(amount // part, 1), status=status)

    def move_a_refund(self, dice: Random) -> None:
        if refunds := list(self.system.stripe.store.refunds):
            status = dice.choice(["succeeded", "failed", "failed", "canceled"])
            self.control("set_refund_status", dice.choice(refunds), status=status)

    def dispute(self, dice: Random) -> None:
        if paid := self.payments():
            self.control("open_dispute", payment_intent=dice.choice(paid)[0], **dice.choice(_DISPUTES))

    def move_a_dispute(self, dice: Random) -> None:
        if disputes := list(self.system.stripe.store.disputes):
            status = dice.choice(["under_review", "won", "won", "lost", "warning_closed", "needs_response"])
            self.control("set_dispute_status", dice.choice(disputes), status=status)

    def warn_of_fraud(self, dice: Random) -> None:
        if paid := self.payments():
            self.control("warn_of_fraud", payment_intent=dice.choice(paid)[0])

    def break_stripe(self, dice: Random) -> None:
        """Let Stripe answer the next request with a server error, which it keeps."""
        plan = {"status": 500, "after_work": dice.random() < 1 / 2}
        self.system.stripe.knobs.update({"fail_next": plan})

    # --- webhooks ---------------------------------------------------------------------------------------------------

    def deliver(self, dice: Random) -> None:
        """Deliver a webhook, once or twice."""
        if self.system.undelivered:
            event = dice.choice(self.system.undelivered)
            for _ in range(dice.choice([1, 1, 2])):
                self.system.deliver_stripe_event(event)

    def deliver_all(self, dice: Random) -> None:
        for event in dice.sample(self.system.undelivered, len(self.system.undelivered)):
            self.system.deliver_stripe_event(event)

    def deliver_an_old_one(self, dice: Random) -> None:
        if self.system.happened:
            self.system.deliver_stripe_event(dice.choice(self.system.happened))

    def lose_webhooks(self, dice: Random) -> None:
        self.system.undelivered = [event for event in self.system.undelivered if dice.random() < 1 / 2]

    def wait(self, dice: Random) -> None:
        self.system.advance_stripe(dice.choice([1, 10, 61, 150]))

    def reconcile(self, _dice: Random) -> None:
        self.request(self.system.reconcile)

    # --- helpers ----------------------------------------------------------------------------------------------------

    def key(self, fan: str, dice: Random) -> str:
        """Create a key, or repeat one."""
        if self.keys[fan] and dice.random() < 1 / 16:
            return dice.choice(self.keys[fan])
        self.keys[fan].append(self.system.key())
        return self.keys[fan][-1]

    def request(self, call: Callable[[], object]) -> None:
        """Make a request. A caller who is to try again may give up."""
        with suppress(TryAgain):
            call()

    def control(self, act: str, object_id: str = "", **body: Any) -> None:
        """Call the sandbox's control API."""
        self.at_stripe(lambda: getattr(self.system.stripe.control, act)(body, object_id))

    def at_stripe(self, act: Callable[[], object]) -> None:
        """Let something happen at Stripe, unless its objects do not allow it."""
        with suppress(ApiError):
            act()

    def set_terms(self, terms: Mapping[str, object]) -> None:
        self.system.stripe.store.terms.reset()
        self.system.stripe.store.terms.update(dict(terms))

    def sessions(self, status: str = "") -> list[Session]:
        return [each for each in self.system.stripe.store.sessions.values() if status in ("", each.status)]

    def payments(self) -> list[tuple[str, int]]:
        """List the payments that succeeded, with their amounts."""
        intents = self.system.stripe.store.payment_intents.values()
        return [(intent.id, intent.amount) for intent in intents if intent.status == "succeeded"]
