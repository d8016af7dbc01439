"""Places of the sweep's walks through a shard of the journal."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.ids import iso
from chalicelib.domain.journal import time_of

_AFTER: Final = "~"
"""Sorts after the place of each line of a time."""


class Places(Struct, frozen=True, kw_only=True):
    """Places of the walks, "" if not begun. The requested one goes from `again` to `again_until`."""

    first: str = ""
    late: str = ""
    again: str = ""
    again_until: str = ""

    @staticmethod
    def parse(text: str | None) -> "Places":
        """Parse a position. A shard without one has no places, and others may lack the later ones."""
        first, late, again, again_until, *_ = [*(text or "").split("|"), "", "", ""]
        return Places(first=first, late=late, again=again, again_until=again_until)

    @property
    def text(self) -> str:
        """The places as the position of a shard."""
        return f"{self.first}|{self.late}|{self.again}|{self.again_until}"

    def with_request(self: "Places", start: str, end: str) -> "Places":
        """Request a stretch, united with an unfinished one."""
        if self.again:
            start, end = min(start, self.again), max(end, self.again_until)
        return replace(self, again=start, again_until=end)

    def with_again(self: "Places", at: str) -> "Places":
        """Move the requested walk, which is over at its end."""
        is_left = at < self.again_until
        return replace(self, again=at if is_left else "", again_until=self.again_until if is_left else "")


class Walk(Struct, frozen=True, kw_only=True):
    """A walk to `end`, which waits as long as everything that is not older than `patient_from` fails."""

    end: str
    patient_from: str = ""
    is_repeat: bool = False

    def behind(self, place: str) -> timedelta:
        """Return the time between a place and the end."""
        return time_of(self.end.removesuffix(_AFTER)) - time_of(place.removesuffix(_AFTER))


def after(at: datetime) -> str:
    """Return the place after all lines of that time."""
    return iso(at) + _AFTER


def walk_until(until: datetime) -> Walk:
    """Build a walk that passes what is not younger than `until`, and waits for an hour."""
    return Walk(end=after(until), patient_from=after(until - timedelta(hours=1)))
