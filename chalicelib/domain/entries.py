"""The kinds of ledger entry."""

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.purchases import Purchase

Entry = Purchase | Gift | Adjustment | NotificationEntry


ShardEntry = Gift | Adjustment | NotificationEntry
"""What a creator's shard receives: a gift, its reversal, or what there is to tell of gifts."""


def shard_entry(entry: Entry | None) -> ShardEntry | None:
    """The entry, if it has a creator's side."""
    if isinstance(entry, Gift) or (isinstance(entry, Adjustment | NotificationEntry) and entry.creator_id):
        return entry
    return None
