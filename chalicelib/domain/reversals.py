"""Coins that a purchase still grants, computed from the payment's present refunds and disputes.

Events only trigger a read of the present state, so their order does not matter.
"""

from collections.abc import Iterable
from typing import Final

from chalicelib.domain.payments import MoneyState, Movement
from chalicelib.domain.purchases import Purchase

GONE: Final = True
STAYS: Final = False

REFUND_STATUSES: Final = {
    "pending": GONE,
    "requires_action": GONE,
    "succeeded": GONE,
    "failed": STAYS,
    "canceled": STAYS,
}
"""Refund statuses, and whether their money counts as gone. Source: docs.stripe.com/api/refunds/object, `status`."""

DISPUTE_STATUSES: Final = {
    "warning_needs_response": STAYS,
    "warning_under_review": STAYS,
    "warning_closed": STAYS,
    "needs_response": GONE,
    "under_review": GONE,
    "appeal_needs_response": GONE,
    "appeal_under_review": GONE,
    "lost": GONE,
    "won": STAYS,
    "prevented": STAYS,
}
"""Dispute statuses, and whether their money counts as gone: it is withdrawn when a dispute opens and returned when it
is won; an inquiry (`warning_*`) moves none. Source: docs.stripe.com/api/disputes/object, `status`."""


class UnknownStatus(Exception):
    """A status or currency from Stripe is not known; no coins may move."""


def money_kept(purchase: Purchase, money: MoneyState) -> int:
    """Return the part of the price that was not refunded or disputed, 0 to `purchase.amount_minor`.

    Raises:
        UnknownStatus: a refund or dispute has an unknown status or another currency.
    """
    kept_minor = money.captured_minor - money_gone(money, purchase.currency)
    return min(max(kept_minor, 0), purchase.amount_minor)


def money_gone(money: MoneyState, currency: str) -> int:
    """Return the refunded and disputed amount of a payment, in its minor unit. Raises UnknownStatus."""
    refunded = _gone(money.refunds, REFUND_STATUSES, currency)
    return refunded + _gone(money.disputes, DISPUTE_STATUSES, currency)


def coins_kept(purchase: Purchase, kept_minor: int) -> int:
    """Return the coins that a purchase grants while `kept_minor` of its price is kept, rounded down."""
    return purchase.coins * kept_minor // purchase.amount_minor


def _gone(movements: Iterable[Movement], statuses: dict[str, bool], currency: str) -> int:
    total = 0
    for movement in movements:
        if movement.status not in statuses or movement.currency != currency:
            raise UnknownStatus(f"{movement.status} in {movement.currency}")
        if statuses[movement.status] is GONE:
            total += movement.amount_minor
    return total
