"""The kinds of ledger entry."""

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import Notice
from chalicelib.domain.purchases import Purchase

Entry = Purchase | Gift | Adjustment | Notice


LaneEntry = Gift | Adjustment | Notice
"""What a creator's lane receives: a gift, its reversal, or what there is to tell of gifts."""


def lane_entry(entry: Entry | None) -> LaneEntry | None:
    """The entry, if it has a creator's side."""
    if isinstance(entry, Gift) or (isinstance(entry, Adjustment | Notice) and entry.creator_id):
        return entry
    return None
