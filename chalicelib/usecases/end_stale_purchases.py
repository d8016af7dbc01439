"""Purchases that nobody can pay any more, and of whose end nobody has told us."""

from datetime import timedelta
from typing import Final

from chalicelib.domain.ledger import Purchase, Status
from chalicelib.domain.purchases import SESSION_LIFE, unpaid_session
from chalicelib.ports import Clock, Ledger
from chalicelib.usecases.end_purchase import end_purchase

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
    return end_purchase(session, Status.EXPIRED, (Status.PENDING,), ledger=ledger, clock=clock) is None


def _is_stale(purchase: Purchase) -> bool:
    return purchase.status is Status.PENDING and not purchase.is_given_back
