"""Checkouts: opened by a fan, ended unpaid by the provider or by time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.open_windows import opening_refusal
from chalicelib.domain.payments import PurchaseRef
from chalicelib.domain.purchases import (
    FORMER_KEY_FORM,
    SESSION_LIFE,
    CheckoutOrder,
    Purchase,
    Status,
    can_still_be_paid,
    quote,
    require_available,
    require_same_request,
)
from chalicelib.domain.spending import is_barred, payment_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import BudgetReached, PaymentUnavailable, Refusal
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import AlreadyExists, Posted, Unchanged
from chalicelib.usecases.budgets import release_of, spend_within_budget
from chalicelib.usecases.unpaid_memberships import UnpaidServices, end_listed, end_stale_memberships


class OpenedCheckout(Struct, frozen=True, kw_only=True):
    """A checkout. `url` is its payment page, None when it cannot be paid. `is_repeat`: the key was used before."""

    purchase: Purchase
    url: str | None
    is_repeat: bool


class Checkouts(UnpaidServices, Protocol):
    """Services that opening a checkout needs."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def gateway(self) -> PaymentGateway: ...

    @property
    def max_open_checkouts(self) -> int: ...


def open_checkout(order: CheckoutOrder, services: Checkouts) -> OpenedCheckout:
    """Open a checkout session for the order, or return its existing one.

    The pending purchase is stored before the session is created, so that every payment has a quote. The session derives
    from the stored purchase, and from the return address that its hash names, so that a retry after any failure returns
    the same session.

    Raises:
        UnknownBundle, CoinsNotForSale, KeyTooOld, SelfExcluded, BudgetReached, BudgetCurrency, TooManyOpen: refused.
        PaymentUnavailable: the payment provider refuses it, or did when the key was first used.
        IdempotencyConflict: the key names something else.
        TryAgain: the ledger or the payment provider did not respond.
    """
    ledger = services.ledger
    now = services.clock.now()
    try:
        require_fresh_key(order.purchase_id, now)
        purchase = quote(order, services.catalogue, now)
        result = _open(purchase, order.return_url, services)
    except Refusal:
        # The refusal may be newer than a purchase that an earlier request opened under this key.
        earlier = ledger.find_entry(order.user_id, order.purchase_id)
        if earlier is None:
            raise
        wallet: Wallet | None = ledger.read_wallet(order.user_id)
    else:
        match result:
            case Posted():
                url = _open_session(purchase, order, services)
                return OpenedCheckout(purchase=purchase, url=url, is_repeat=False)
            case known:
                earlier, wallet = known.entry, known.wallet
    stored = require_same_request(earlier, order)
    if stored.status is Status.FAILED:
        require_available(stored.failure_reason)
    # A freeze or self-exclusion after the first request ends the access to its payment page.
    is_payable = can_still_be_paid(stored, now) and not is_barred(wallet, now)
    reopened_url = _open_session(stored, order, services) if is_payable else None
    return OpenedCheckout(purchase=stored, url=reopened_url, is_repeat=True)


def _open_session(purchase: Purchase, order: CheckoutOrder, services: Checkouts) -> str | None:
    """Return the address of the purchase's payment page. A purchase that the provider refuses ends at once."""
    try:
        return services.gateway.open_session(purchase, order.return_url).url
    except PaymentUnavailable as refusal:
        end_purchase(
            purchase.ref,
            Status.FAILED,
            (Status.PENDING,),
            ledger=services.ledger,
            clock=services.clock,
            reason=refusal.code,
        )
        raise


def _open(purchase: Purchase, return_url: str | None, services: Checkouts) -> Posted | AlreadyExists:
    """Open the purchase. When the budget is reached, first release the prices of what has expired."""
    try:
        return _spend(purchase, return_url, services)
    except BudgetReached:
        if not end_stale(purchase.user_id, services):
            raise
    return _spend(purchase, return_url, services)


def _spend(purchase: Purchase, return_url: str | None, services: Checkouts) -> Posted | AlreadyExists:
    ledger, limit, now = services.ledger, services.max_open_checkouts, purchase.created_at

    def refusal_of(wallet: Wallet | None) -> Refusal | None:
        refusal = payment_refusal(wallet, purchase.amount_minor, purchase.currency, now)
        return refusal or opening_refusal(wallet.open_checkouts if wallet else None, limit, now)

    return spend_within_budget(
        lambda change, _wallet: ledger.open_purchase(purchase, change, return_url, limit), refusal_of, now
    )


def end_purchase(
    ref: PurchaseRef,
    to: Status,
    allowed: Sequence[Status],
    *,
    ledger: Ledger,
    clock: Clock,
    reason: str | None = None,
) -> Posted | Unchanged:
    """Set the status and release the price to the budget periods of the purchase, in one transaction.

    A price is released once. A released purchase that is paid later counts in the periods of its posting. For a fan
    without a budget the cost is one read.

    Raises:
        NotFound: no such purchase.
        TryAgain: the outcome is unknown, or the budget changed since it was read.
    """
    return ledger.move_purchase(ref, to, allowed, _release_change(ref, ledger, clock), reason)


def _release_change(ref: PurchaseRef, ledger: Ledger, clock: Clock) -> BudgetChange | None:
    seen = ledger.read_wallet(ref.user_id).budget
    if seen is None:
        return None
    purchase = ledger.find_entry(ref.user_id, ref.purchase_id)
    if not isinstance(purchase, Purchase) or purchase.is_released:
        return None
    return release_of(purchase, seen, clock.now())


SETTLE_DELAY: Final = timedelta(hours=1)
"""Time in which the provider's own `checkout.session.expired` should arrive."""
MAX_FORMER: Final = 100
"""Newest entries among which purchases of the first release are sought."""


def end_stale(user_id: str, services: UnpaidServices) -> int:
    """End the fan's purchases and memberships that timed out without a webhook. Returns their number."""
    over = services.clock.now() - SETTLE_DELAY
    purchases = end_stale_purchases(user_id, ledger=services.ledger, clock=services.clock)
    return purchases + end_stale_memberships(user_id, over, services)


def end_stale_purchases(user_id: str, *, ledger: Ledger, clock: Clock) -> int:
    """Expire the fan's pending purchases whose checkout session timed out without a webhook.

    The provider sends no event for a session that it failed to create. If one was paid after all, its price counts
    again when the payment is posted.

    Returns:
        The number of purchases that expired.

    Raises:
        TryAgain: the outcome is unknown.
    """
    over = clock.now() - SETTLE_DELAY

    def end(purchase_id: str) -> bool:
        return _end(ledger.find_entry(user_id, purchase_id), ledger, clock)

    ended = end_listed(ledger, user_id, over, end)
    return ended or _end_former_purchases(user_id, over - SESSION_LIFE, ledger, clock)


def _end_former_purchases(user_id: str, opened_before: datetime, ledger: Ledger, clock: Clock) -> int:
    """End purchases of the first release, which are in no list: among the newest entries, as it did itself."""
    former = [
        entry
        for entry in ledger.list_entries(user_id, MAX_FORMER)
        if isinstance(entry, Purchase) and entry.key_form == FORMER_KEY_FORM and entry.created_at < opened_before
    ]
    return sum(_end(purchase, ledger, clock) for purchase in former)


def _end(entry: Entry | None, ledger: Ledger, clock: Clock) -> bool:
    if not isinstance(entry, Purchase) or entry.status is not Status.PENDING or entry.is_released:
        return False
    result = end_purchase(entry.ref, Status.EXPIRED, (Status.PENDING,), ledger=ledger, clock=clock)
    return isinstance(result, Posted)
