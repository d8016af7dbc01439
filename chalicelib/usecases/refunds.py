"""Refunds and disputes: keep a purchase's coins equal to the money kept."""

import logging
from collections.abc import Collection
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import CheckoutSession, Invoice, MoneyState, PurchaseRef
from chalicelib.domain.purchases import DisputeHold, Purchase, review_of
from chalicelib.domain.reversals import (
    MoneyGone,
    coins_already_spent,
    coins_kept,
    dispute_hold,
    is_returned,
    money_gone,
    money_kept,
    money_state,
)
from chalicelib.domain.reviews import WARNED, Review, ReviewReason
from chalicelib.domain.settlements import payment_entry_id
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import TryAgain
from chalicelib.ports.results import Stale
from chalicelib.usecases.fulfillment import file_review, fulfill_checkout, fulfill_invoice
from chalicelib.usecases.memberships import MembershipServices, sync_membership

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5


class RefundServices(MembershipServices, Protocol):
    """Services that following the money of a payment needs."""

    @property
    def catalogue(self) -> Catalogue: ...


def sync_refunds(payment_intent: str, services: RefundServices) -> Outcome:
    """Bring the coins of a payment to the amount that the money kept pays for.

    The purchase is read before the provider's state, and the write is conditional on the version read, so that a stale
    response never overwrites a newer one, in any order and number of events. A result that changes nothing is
    written too: it raises the version, which makes a concurrent call with an older response fail. For the payment of an
    invoice the membership is updated afterwards, because a refunded month ends it.

    A movement that is not known raises an alarm by the outcome unknown_status; the known ones count all the same.

    Returns:
        clawed_back, restored, unchanged, unknown_status, in_review, reviewed, unpaid or unrelated.

    Raises:
        TryAgain: the outcome is unknown, or the purchase changed at every attempt.
    """
    payment = _find(payment_intent, services)
    if payment is None:
        return Outcome.UNRELATED
    outcome = _sync(payment, services)
    if payment.invoice and (hint := payment.invoice.hint):
        sync_membership(hint, services)
    return outcome


def review_fraud_warning(payment_intent: str, services: RefundServices) -> Outcome:
    """File a review of a payment that its card's issuer reports as fraud. Nothing moves and nothing is frozen.

    Returns:
        in_review, reviewed or unrelated.

    Raises:
        TryAgain: the outcome is unknown.
    """
    paid = services.gateway.find_session(payment_intent) or services.subscriptions.find_invoice(payment_intent)
    if paid is None or paid.ref is None:
        return Outcome.UNRELATED
    review: Review = review_of(paid, paid.ref, ReviewReason.EARLY_FRAUD_WARNING, services.clock.now())
    return file_review(replace(review, payment_id=payment_intent + WARNED), ledger=services.ledger)


class _Payment(Struct, frozen=True, kw_only=True):
    """A payment, its purchase, and the invoice that it paid, if any."""

    payment_intent: str
    ref: PurchaseRef
    invoice: Invoice | None

    @property
    def parts(self) -> tuple[str, ...]:
        """Every payment that its purchase was paid with."""
        parts = self.invoice.payment_intents if self.invoice else ()
        return parts if self.payment_intent in parts else (self.payment_intent,)


def _find(payment_intent: str, services: RefundServices) -> _Payment | None:
    """Return the payment; None for an unrelated one."""
    ref = services.gateway.find_purchase_ref(payment_intent)
    invoice = None if ref else services.subscriptions.find_invoice(payment_intent)
    ref = invoice.ref if invoice else ref
    return None if ref is None else _Payment(payment_intent=payment_intent, ref=ref, invoice=invoice)


def _sync(payment: _Payment, services: RefundServices) -> Outcome:
    for _ in range(MAX_ATTEMPTS):
        purchase = services.ledger.find_entry(payment.ref.user_id, payment.ref.purchase_id)
        if isinstance(purchase, Purchase) and purchase.payment_intent in payment.parts:
            outcome = _update_coins(purchase, payment, services)
        else:
            outcome = _fulfill_first(payment, services)
        if outcome is not None:
            return outcome
    raise TryAgain("Others keep writing there.")


def _update_coins(purchase: Purchase, payment: _Payment, services: RefundServices) -> Outcome | None:
    """Write the coins and the money kept. Returns None when the purchase changed since it was read."""
    states = {part: services.gateway.read_money(part) for part in payment.parts}
    money = _total(states.values(), payment.invoice)
    gone = money_gone(money, purchase.currency)
    kept_minor = money_kept(purchase, money, gone)
    before_minor = purchase.amount_minor if purchase.kept_minor is None else purchase.kept_minor
    coins = coins_kept(purchase, kept_minor) - coins_kept(purchase, before_minor)
    wallet: Wallet | None = services.ledger.read_wallet(purchase.user_id) if coins < 0 else None
    adjustment = _adjustment(purchase, coins, wallet, services) if coins else None
    debtor = None if purchase.hold is DisputeHold.LOST else wallet
    hold = dispute_hold(money) if services.catalogue.freeze_on_dispute else None
    returned = {part for part, state in states.items() if is_returned(state, purchase.currency)}
    # Conditional on the version that was read before the provider's state.
    match services.ledger.update_kept_amount(purchase, kept_minor, adjustment, hold, debtor, returned):
        case Stale():
            return None
    outcome = Outcome.CLAWED_BACK if coins < 0 else Outcome.RESTORED if coins > 0 else Outcome.UNCHANGED
    return _unknown_outcome(gone) or outcome


def _total(states: Collection[MoneyState], invoice: Invoice | None) -> MoneyState:
    """Add up the money of all parts. What was paid outside Stripe stays."""
    off_stripe_minor = invoice.off_stripe_minor if invoice else 0
    return MoneyState(
        captured_minor=sum(state.captured_minor for state in states) + off_stripe_minor,
        refunds=[refund for state in states for refund in state.refunds],
        disputes=[dispute for state in states for dispute in state.disputes],
    )


def _fulfill_first(payment: _Payment, services: RefundServices) -> Outcome | None:
    """Credit a payment whose refund event arrived first. Returns None when the purchase is posted now."""
    ledger, clock = services.ledger, services.clock
    paid = payment.invoice or services.gateway.find_session(payment.payment_intent)
    if paid is None or not paid.is_paid:
        return Outcome.UNPAID
    if isinstance(paid, Invoice):
        outcome = fulfill_invoice(paid, ledger=ledger, memberships=services.memberships, clock=clock)
    else:
        outcome = fulfill_checkout(paid, gateway=services.gateway, ledger=ledger, clock=clock)
    if outcome in {Outcome.CREDITED, Outcome.REPEATED}:
        return None
    # An operator may have credited a second payment of a purchase, under an id of its own.
    own = services.ledger.find_entry(payment.ref.user_id, payment_entry_id(paid.created_at, payment.payment_intent))
    if isinstance(own, Purchase):
        return _update_coins(own, payment, services)
    return _review_unmatched(paid, payment, services) or outcome


def _review_unmatched(paid: CheckoutSession | Invoice, payment: _Payment, services: RefundServices) -> Outcome | None:
    """File a review when money of an uncredited payment left or came back: an operator may credit or have refused it.

    Each state of its refunds and disputes has a review of its own. Money that came back is one only if it was filed as
    gone. Returns None when nothing is to be filed.
    """
    money, payment_id = services.gateway.read_money(payment.payment_intent), payment.payment_intent
    gone, state = money_gone(money, paid.currency), money_state(money)
    filed = None
    if gone.movements or (state and services.ledger.has_moved_reviews(payment_id)):
        review: Review = review_of(paid, payment.ref, ReviewReason.MONEY_LEFT, services.clock.now())
        review = replace(review, payment_id=payment_id, moved=state, gone_minor=gone.amount_minor)
        filed = file_review(review, ledger=services.ledger)
    return _unknown_outcome(gone) or filed


def _unknown_outcome(gone: MoneyGone) -> Outcome | None:
    """Log the movements that are not known. Returns None when there are none."""
    for status in gone.unknown:
        log.warning("unknown_stripe_status", extra={"object": "payment", "status": status})
    return Outcome.UNKNOWN_STATUS if gone.unknown else None


def _adjustment(purchase: Purchase, coins: int, wallet: Wallet | None, services: RefundServices) -> Adjustment:
    clock = services.clock
    return Adjustment(
        entry_id=clock.new_id(),
        user_id=purchase.user_id,
        kind=Kind.CLAWBACK if coins < 0 else Kind.RESTORE,
        coins=coins,
        posted_at=clock.now(),
        event_id=clock.new_id(),
        about=purchase.purchase_id,
        coins_spent=coins_already_spent(wallet.coins, -coins) if wallet else None,
    )
