"""The time and event id of a posting."""

from datetime import datetime

from msgspec import Struct


class Posting(Struct, frozen=True, kw_only=True):
    """The moment at which an entry is posted, and the id under which the world hears of it."""

    posted_at: datetime
    event_id: str
