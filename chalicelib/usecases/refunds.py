"""Refunds and disputes: keep a purchase's coins equal to the money kept."""

import logging
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.payments import CheckoutSession, Invoice, PurchaseRef
from chalicelib.domain.purchases import MONEY_LEFT, Purchase, review_of
from chalicelib.domain.reversals import UnknownStatus, coins_kept, money_gone, money_kept
from chalicelib.domain.reviews import Review
from chalicelib.errors import TryAgain
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import Posted, Stale
from chalicelib.usecases.fulfillment import Fulfillment, fulfill_checkout, fulfill_invoice
from chalicelib.usecases.memberships import sync_membership

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5


def sync_refunds(
    payment_intent: str,
    *,
    ledger: Ledger,
    gateway: PaymentGateway,
    memberships: Memberships,
    subscriptions: Subscriptions,
    clock: Clock,
) -> str:
    """Bring the coins of a payment to what the money that is kept pays for.

    The purchase is read first, then the payment provider's present state, then the difference is written if the
    purchase still is as it was read. So an answer that has grown stale on the way can never overwrite a newer one, and
    in which order the hints arrive, or how often, does not matter. An answer that changes nothing is written, too: an
    older one that would change something may be on its way. A payment of a membership's invoice is followed likewise,
    and then the membership is: a month whose money is gone makes nobody a member.

    Returns:
        clawed_back, restored, unchanged; unknown_status: nothing moves, somebody must look; in_review or reviewed: the
        payment matches no purchase of ours; unpaid: there is no money to follow; stranger.

    Raises:
        TryAgain: the outcome is not known, or others kept writing.
    """
    ref = gateway.find_purchase_ref(payment_intent)
    invoice = None if ref else subscriptions.find_invoice(payment_intent)
    ref = invoice.ref if invoice else ref
    if ref is None:
        return "stranger"
    payment = _Payment(payment_intent=payment_intent, ref=ref, invoice=invoice)
    outcome = _follow(payment, ledger, gateway, memberships, clock)
    if invoice and (hint := invoice.hint):
        sync_membership(hint, ledger=ledger, memberships=memberships, subscriptions=subscriptions, clock=clock)
    return outcome


class _Payment(Struct, frozen=True, kw_only=True):
    """A payment, what it was for, and the invoice that it paid where it was a membership's."""

    payment_intent: str
    ref: PurchaseRef
    invoice: Invoice | None


def _follow(payment: _Payment, ledger: Ledger, gateway: PaymentGateway, memberships: Memberships, clock: Clock) -> str:
    for _ in range(MAX_ATTEMPTS):
        purchase = ledger.find_entry(payment.ref.user_id, payment.ref.purchase_id)
        if isinstance(purchase, Purchase) and purchase.payment_intent == payment.payment_intent:
            outcome = _settle(purchase, payment.payment_intent, ledger, gateway, clock)
        else:
            outcome = _fulfill_first(payment, ledger, gateway, memberships, clock)
        if outcome is not None:
            return outcome
    raise TryAgain("Others keep writing there.")


def _settle(
    purchase: Purchase, payment_intent: str, ledger: Ledger, gateway: PaymentGateway, clock: Clock
) -> str | None:
    """None when somebody else has written meanwhile: look again."""
    try:
        kept_minor = money_kept(purchase, gateway.read_money(payment_intent))
    except UnknownStatus as unknown:
        return _unknown(unknown)
    before_minor = purchase.amount_minor if purchase.kept_minor is None else purchase.kept_minor
    coins = coins_kept(purchase, kept_minor) - coins_kept(purchase, before_minor)
    adjustment = _adjustment(purchase, coins, clock) if coins else None
    # The guard: the purchase must be as it was before the payment provider was asked.
    match ledger.update_kept_amount(purchase, kept_minor, adjustment):
        case Stale():
            return None
    return "clawed_back" if coins < 0 else "restored" if coins > 0 else "unchanged"


def _fulfill_first(
    payment: _Payment, ledger: Ledger, gateway: PaymentGateway, memberships: Memberships, clock: Clock
) -> str | None:
    """A hint may come before the news that it was paid at all. None when the purchase is posted now: look again."""
    paid = payment.invoice or gateway.find_session(payment.payment_intent)
    if paid is None or not paid.is_paid:
        return "unpaid"
    if isinstance(paid, Invoice):
        outcome = fulfill_invoice(paid, ledger=ledger, memberships=memberships, clock=clock)
    else:
        outcome = fulfill_checkout(paid, ledger=ledger, clock=clock)
    if outcome in {Fulfillment.CREDITED, Fulfillment.REPEATED}:
        return None
    return _watch_unmatched(paid, payment, ledger, gateway) or outcome.value


def _watch_unmatched(
    paid: CheckoutSession | Invoice, payment: _Payment, ledger: Ledger, gateway: PaymentGateway
) -> str | None:
    """A payment in review gave no coins by itself, but an operator may have given some: its money is watched, too.

    Each amount that left is a review of its own, so that each is noticed. None when nothing left.
    """
    try:
        gone_minor = money_gone(gateway.read_money(payment.payment_intent), paid.currency)
    except UnknownStatus as unknown:
        return _unknown(unknown)
    if not gone_minor:
        return None
    review: Review = review_of(paid, payment.ref, MONEY_LEFT)
    match ledger.file_review(replace(review, payment_id=f"{payment.payment_intent}-left-{gone_minor}")):
        case Posted():
            return Fulfillment.IN_REVIEW.value
        case _:
            return Fulfillment.REVIEWED.value


def _unknown(unknown: UnknownStatus) -> str:
    log.warning("money in a state that nobody has told us of", extra={"status": str(unknown)})
    return "unknown_status"


def _adjustment(purchase: Purchase, coins: int, clock: Clock) -> Adjustment:
    return Adjustment(
        entry_id=clock.new_id(),
        user_id=purchase.user_id,
        kind=Kind.CLAWBACK if coins < 0 else Kind.RESTORE,
        coins=coins,
        posted_at=clock.now(),
        event_id=clock.new_id(),
        about=purchase.purchase_id,
    )
