"""What became of a purchase or a gift."""

from typing import TypeVar

from chalicelib.domain.ledger import Gift, Purchase
from chalicelib.errors import NotFound
from chalicelib.ports import Ledger

Wanted = TypeVar("Wanted", Purchase, Gift)


def read_entry(user_id: str, entry_id: str, kind: type[Wanted], *, ledger: Ledger) -> Wanted:
    """The fan's own entry of that kind. Raises NotFound, and says the same for somebody else's."""
    entry = ledger.find_entry(user_id, entry_id)
    if not isinstance(entry, kind):
        raise NotFound(f"You have no {kind.__name__.lower()} {entry_id}.")
    return entry
