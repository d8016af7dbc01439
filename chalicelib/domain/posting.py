"""The time and event id of a posting."""

from datetime import datetime

from msgspec import Struct


class Posting(Struct, frozen=True, kw_only=True):
    """The time and the event id of an entry that is being posted."""

    posted_at: datetime
    event_id: str


class NotPosted(Exception):
    """An entry lacks a value that it has once it is posted, and received by its creator's shard if it has one."""
