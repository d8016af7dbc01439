"""The kinds of ledger entry."""

from msgspec import Struct

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.purchases import Purchase


class EntryRef(Struct, frozen=True, kw_only=True):
    """The wallet and the id of an entry."""

    user_id: str
    entry_id: str


Entry = Purchase | Gift | Adjustment | NotificationEntry


ShardEntry = Gift | Adjustment | NotificationEntry
"""An entry that a creator's shard receives: a gift, its reversal, or a notification about a streak."""


def shard_entry(entry: Entry | None) -> ShardEntry | None:
    """Return the entry if a creator's shard receives it."""
    if isinstance(entry, Gift) or (isinstance(entry, Adjustment | NotificationEntry) and entry.creator_id):
        return entry
    return None
