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

    @property
    def name(self) -> str:
        """The ref as one text, for `parse_ref`. Entry ids are unique per fan only."""
        return f"{self.user_id}#{self.entry_id}"


def parse_ref(name: str) -> EntryRef:
    """Parse the text of a ref."""
    user_id, entry_id = name.split("#")
    return EntryRef(user_id=user_id, entry_id=entry_id)


Entry = Purchase | Gift | Adjustment | NotificationEntry


ShardEntry = Gift | Adjustment | NotificationEntry
"""An entry that a creator's shard receives: a gift, its reversal, or a notification about a streak."""


def shard_entry(entry: Entry | None) -> ShardEntry | None:
    """Return the entry if a creator's shard receives it."""
    if isinstance(entry, Gift) or (isinstance(entry, Adjustment | NotificationEntry) and entry.creator_id):
        return entry
    return None
