"""Coins follow the money: what a purchase is still worth, from what the payment provider says now.

The order of events does not matter here: each is a hint to look, and what is seen is the present state.
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
"""Whether the money of a refund counts as gone. Source: docs.stripe.com/api/refunds/object, `status`."""

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
"""Whether the money of a dispute counts as gone: it is withdrawn when a dispute opens and comes back when it is won; an
inquiry (`warning_*`) moves none. Source: docs.stripe.com/api/disputes/object, `status`."""


class UnknownStatus(Exception):
    """The payment provider has a status, or a currency, that nobody has told us the meaning of: nothing may move."""


def money_kept(purchase: Purchase, money: MoneyState) -> int:
    """How much of the price has stayed with us, 0 to `purchase.amount_minor`, in its minor unit.

    Raises:
        UnknownStatus: no guess is made.
    """
    kept_minor = money.captured_minor - money_gone(money, purchase.currency)
    return min(max(kept_minor, 0), purchase.amount_minor)


def money_gone(money: MoneyState, currency: str) -> int:
    """How much of a payment was refunded or is disputed, in its minor unit. Raises UnknownStatus: no guess is made."""
    refunded = _gone(money.refunds, REFUND_STATUSES, currency)
    return refunded + _gone(money.disputes, DISPUTE_STATUSES, currency)


def coins_kept(purchase: Purchase, kept_minor: int) -> int:
    """The coins that a purchase grants while so much of its price is kept: the same share, rounded down."""
    return purchase.coins * kept_minor // purchase.amount_minor


def _gone(movements: Iterable[Movement], statuses: dict[str, bool], currency: str) -> int:
    total = 0
    for movement in movements:
        if movement.status not in statuses or movement.currency != currency:
            raise UnknownStatus(f"{movement.status} in {movement.currency}")
        if statuses[movement.status] is GONE:
            total += movement.amount_minor
    return total
