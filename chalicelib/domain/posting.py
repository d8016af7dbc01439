"""The time and event id of a posting."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """The moment at which an entry is posted, and the id under which the world hears of it."""

    posted_at: datetime
    event_id: str
