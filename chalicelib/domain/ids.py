"""The ids that we are given and the ids that we make."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from chalicelib.errors import InvalidField, KeyTooOld

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_PARTY: Final = re.compile(r"[A-Za-z0-9|:@._\-=]{1,128}")
_TAG: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")

KEY_WINDOW: Final = timedelta(hours=24)
"""How far the time inside a new idempotency key may be from ours."""


def is_uuid7(text: str) -> bool:
    """Whether `text` is a UUIDv7 in lowercase canonical form (RFC 9562)."""
    return _UUID7.fullmatch(text) is not None


def is_party_id(text: str) -> bool:
    """Whether `text` can name a fan or a creator: opaque, 1-128 ASCII characters, none of which separates keys."""
    return _PARTY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether `text` can name a thing of the catalogue or a stream: 1-64 of letters, digits, `_` and `-`."""
    return _TAG.fullmatch(text) is not None


def require_party_id(field: str, text: str) -> str:
    """`text` itself; raises InvalidField when it cannot name a fan or a creator."""
    if not is_party_id(text):
        raise InvalidField(field, "1-128 characters of A-Z a-z 0-9 | : @ . _ - =")
    return text


def require_tag(field: str, text: str) -> str:
    """`text` itself; raises InvalidField when it cannot name a thing of ours."""
    if not is_tag(text):
        raise InvalidField(field, "1-64 characters of A-Z a-z 0-9 _ -")
    return text


def uuid7_time(uuid7: str) -> datetime:
    """The time inside a UUIDv7 (its first 48 bits: milliseconds since 1970), UTC.

    Any 48 bits are a time, but not all of them a datetime: beyond the year 9999 it answers the last one.
    """
    milliseconds = int(uuid7.replace("-", "")[:12], 16)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def uuid7_of(at: datetime, name: str) -> str:
    """The UUIDv7 of that time whose other bits come from a hash of `name`: the same two always make the same id."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    rest = int.from_bytes(sha256(name.encode()).digest()[:10])
    number = milliseconds << 80 | rest & ~(0xF << 76 | 0b11 << 62) | 0x7 << 76 | 0b10 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def require_fresh_key(key: str, now: datetime) -> None:
    """Raises KeyTooOld when the key's time is more than 24 hours away from `now`, before or after.

    A key that is remembered for good must not be guessable far ahead, and a client whose clock is off learns the time.
    """
    if abs(uuid7_time(key) - now) > KEY_WINDOW:
        raise KeyTooOld("Make a new UUIDv7 by the server's clock.", server_time=iso(now))


def iso(at: datetime) -> str:
    """`at` as RFC 3339 in UTC with milliseconds: 2026-11-22T13:17:37.123Z. Sorts by time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
