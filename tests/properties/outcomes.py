"""Outcomes of use cases and of the model in the same words."""

from collections.abc import Callable

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.entries import Entry
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.settlements import payment_entry_id
from chalicelib.errors import CoinpurseError


def is_derived(entry: Entry) -> bool:
    """Return True for an entry created by a refund, a streak's end or a second payment, whose id no caller chose."""
    if isinstance(entry, Purchase):
        return entry.purchase_id == payment_entry_id(entry.created_at, entry.payment_intent or "")
    return isinstance(entry, NotificationEntry) or (isinstance(entry, Adjustment) and not entry.actor)


def outcome_of(call: Callable[[], bool | str]) -> str:
    """Return the outcome as a word: an error code, the use case's outcome, `repeat` or `new`."""
    try:
        answer = call()
    except CoinpurseError as error:
        return error.code
    return {True: "repeat", False: "new"}[answer] if isinstance(answer, bool) else answer
