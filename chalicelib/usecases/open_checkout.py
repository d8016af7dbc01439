"""A fan wants to buy a bundle: one write, one call to the payment provider."""

from dataclasses import dataclass

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.ledger import Purchase, Wallet
from chalicelib.domain.purchases import CheckoutOrder, can_still_be_paid, quote, same_purchase
from chalicelib.domain.spending import PurchaseRefused, is_excluded, why_not_pay
from chalicelib.errors import BudgetReached, Refusal
from chalicelib.ports import Clock, Ledger, PaymentGateway
from chalicelib.usecases.end_stale_purchases import end_stale_purchases
from chalicelib.usecases.spend_within_budget import spend_within_budget


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCheckout:
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
        refused = _open(purchase, ledger, clock)
    except Refusal:
        # A repeat of what went through must never hear "no", whatever speaks against it by now.
        earlier = ledger.find_entry(order.user_id, order.purchase_id)
        if earlier is None:
            raise
        wallet: Wallet | None = ledger.read_wallet(order.user_id)
    else:
        if refused is None:
            return OpenedCheckout(purchase=purchase, url=gateway.open_session(purchase).url, is_repeat=False)
        assert refused.entry is not None, "whatever else was in the way has been raised"
        earlier, wallet = refused.entry, refused.wallet
    stored = same_purchase(earlier, order)
    # A repeat hears what became of it; but who has shut himself out since is shown no way to pay.
    is_payable = can_still_be_paid(stored, now) and not is_excluded(wallet, now)
    url = gateway.open_session(stored).url if is_payable else None
    return OpenedCheckout(purchase=stored, url=url, is_repeat=True)


def _open(purchase: Purchase, ledger: Ledger, clock: Clock) -> PurchaseRefused | None:
    """Write it. Before a budget says no, checkouts that are over without anybody having told us give back theirs."""
    try:
        return _spend(purchase, ledger)
    except BudgetReached:
        if not end_stale_purchases(purchase.user_id, ledger=ledger, clock=clock):
            raise
    return _spend(purchase, ledger)


def _spend(purchase: Purchase, ledger: Ledger) -> PurchaseRefused | None:
    now = purchase.created_at
    return spend_within_budget(
        lambda change, _wallet: ledger.open_purchase(purchase, change),
        lambda wallet: why_not_pay(wallet, purchase.amount_minor, purchase.currency, now),
        now,
    )
