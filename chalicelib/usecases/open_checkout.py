"""A fan wants to buy a bundle: one write, one call to the payment provider."""

from dataclasses import dataclass

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.ledger import Purchase
from chalicelib.domain.purchases import CheckoutOrder, can_still_be_paid, quote, same_purchase
from chalicelib.domain.spending import why_not_pay
from chalicelib.errors import Refusal
from chalicelib.ports import Clock, Ledger, PaymentGateway
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
        refused = spend_within_budget(
            lambda change, _wallet: ledger.open_purchase(purchase, change),
            lambda wallet: why_not_pay(wallet, purchase.amount_minor, purchase.currency, now),
            now,
        )
    except Refusal:
        # A repeat of what went through must never hear "no", whatever speaks against it by now.
        earlier = ledger.find_entry(order.user_id, order.purchase_id)
        if earlier is None:
            raise
    else:
        if refused is None:
            return OpenedCheckout(purchase=purchase, url=gateway.open_session(purchase).url, is_repeat=False)
        assert refused.entry is not None, "whatever else was in the way has been raised"
        earlier = refused.entry
    stored = same_purchase(earlier, order)
    url = gateway.open_session(stored).url if can_still_be_paid(stored, now) else None
    return OpenedCheckout(purchase=stored, url=url, is_repeat=True)
