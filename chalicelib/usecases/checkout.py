"""Checkouts: opened by a fan, ended unpaid by the provider or by time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.budgets import BudgetChange, released
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.payments import CheckoutSession, PurchaseRef
from chalicelib.domain.purchases import (
    SESSION_LIFE,
    CheckoutOrder,
    Purchase,
    Status,
    can_still_be_paid,
    quote,
    require_same_request,
    unpaid_session,
)
from chalicelib.domain.spending import is_excluded, payment_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import BudgetReached, Refusal
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import AlreadyExists, Posted, Unchanged
from chalicelib.usecases.budgets import spend_within_budget


class OpenedCheckout(Struct, frozen=True, kw_only=True):
    """`url` is where to pay, or None when there is nothing left to pay. `is_repeat`: the key was known already."""

    purchase: Purchase
    url: str | None
    is_repeat: bool


def open_checkout(
    order: CheckoutOrder, *, catalogue: Catalogue, ledger: Ledger, gateway: PaymentGateway, clock: Clock
) -> OpenedCheckout:
    """Open a checkout session for the order, or find the one it already has.

    The pending purchase is written before the payment provider hears of it, so that no payment can arrive for which
    there is no quote. Whatever breaks in between, the same request sent again ends in the same session, because all
    that the provider is told derives from the purchase as it is stored.

    Raises:
        UnknownBundle, KeyTooOld, SelfExcluded, BudgetReached, BudgetCurrency: refused, and never done before.
        IdempotencyConflict: the key names something else.
        TryAgain: the ledger or the payment provider did not answer.
    """
    now = clock.now()
    try:
        require_fresh_key(order.purchase_id, now)
        purchase = quote(order, catalogue, now)
        result = _open(purchase, ledger, clock)
    except Refusal:
        # A repeat of what went through must never hear "no", whatever speaks against it by now.
        earlier = ledger.find_entry(order.user_id, order.purchase_id)
        if earlier is None:
            raise
        wallet: Wallet | None = ledger.read_wallet(order.user_id)
    else:
        match result:
            case Posted():
                return OpenedCheckout(purchase=purchase, url=gateway.open_session(purchase).url, is_repeat=False)
            case known:
                earlier, wallet = known.entry, known.wallet
    stored = require_same_request(earlier, order)
    # A repeat hears what became of it; but who has shut himself out since is shown no way to pay.
    is_payable = can_still_be_paid(stored, now) and not is_excluded(wallet, now)
    url = gateway.open_session(stored).url if is_payable else None
    return OpenedCheckout(purchase=stored, url=url, is_repeat=True)


def _open(purchase: Purchase, ledger: Ledger, clock: Clock) -> Posted | AlreadyExists:
    """Write it. Before a budget says no, checkouts that are over without anybody having told us give back theirs."""
    try:
        return _spend(purchase, ledger)
    except BudgetReached:
        if not end_stale_purchases(purchase.user_id, ledger=ledger, clock=clock):
            raise
    return _spend(purchase, ledger)


def _spend(purchase: Purchase, ledger: Ledger) -> Posted | AlreadyExists:
    now = purchase.created_at
    return spend_within_budget(
        lambda change, _wallet: ledger.open_purchase(purchase, change),
        lambda wallet: payment_refusal(wallet, purchase.amount_minor, purchase.currency, now),
        now,
    )


def end_purchase(
    session: CheckoutSession, to: Status, allowed: Sequence[Status], *, ledger: Ledger, clock: Clock
) -> Posted | Unchanged:
    """Set the status, and give the price back to those periods that the purchase was opened in, in one transaction.

    Once a purchase: one that is given back, and moves on after all, is not given back again; if it is posted in the
    end, it counts again, in the periods of that moment. Fans without a budget cost a read, and no more.

    Raises:
        NotFound: there is no such purchase.
        TryAgain: the outcome is not known, or the budget was changed meanwhile.
    """
    return ledger.move_purchase(session, to, allowed, _change(session.require_ref(), ledger, clock))


def _change(ref: PurchaseRef, ledger: Ledger, clock: Clock) -> BudgetChange | None:
    seen = ledger.read_wallet(ref.user_id).budget
    if seen is None:
        return None
    purchase = ledger.find_entry(ref.user_id, ref.purchase_id)
    if not isinstance(purchase, Purchase) or purchase.is_released:
        return None
    budget = released(seen, purchase.amount_minor, purchase.currency, purchase.created_at, clock.now())
    return BudgetChange(seen=seen, budget=budget) if budget else None


MARGIN: Final = timedelta(hours=1)
"""The payment provider is given so long to tell of the end itself."""
NEWEST: Final = 100
"""So many entries are looked through: whoever has more since then was not kept from buying."""


def end_stale_purchases(user_id: str, *, ledger: Ledger, clock: Clock) -> int:
    """Let the fan's purchases expire whose checkout sessions are over, so that they count for no budget any longer.

    A session that never came to be, because the payment provider was down, never tells of its end. Should one have
    been paid all the same, its money counts again when we hear of it.

    Returns:
        How many were ended.

    Raises:
        TryAgain: the outcome is not known.
    """
    over = clock.now() - SESSION_LIFE - MARGIN
    entries = ledger.list_entries(user_id, NEWEST)
    stale = [entry for entry in entries if isinstance(entry, Purchase) and _is_stale(entry) and entry.created_at < over]
    return sum(_end(purchase, ledger, clock) for purchase in stale)


def _end(purchase: Purchase, ledger: Ledger, clock: Clock) -> bool:
    session = unpaid_session(purchase)
    result = end_purchase(session, Status.EXPIRED, (Status.PENDING,), ledger=ledger, clock=clock)
    return isinstance(result, Posted)


def _is_stale(purchase: Purchase) -> bool:
    return purchase.status is Status.PENDING and not purchase.is_released
