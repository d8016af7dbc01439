"""Validation and creation of ids."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from chalicelib.errors import InvalidField, KeyTooOld

UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PARTY: Final = re.compile(r"[A-Za-z0-9|:@._\-=]{1,128}")
TAG: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")

KEY_WINDOW: Final = timedelta(hours=24)
"""The largest difference between the time in a new idempotency key and the server's."""


def is_uuid7(text: str) -> bool:
    """Return True for a UUIDv7 in lowercase canonical form (RFC 9562)."""
    return UUID7.fullmatch(text) is not None


def is_party_id(text: str) -> bool:
    """Return True for a possible user id: 1-128 ASCII characters, without the separators of the table's keys."""
    return PARTY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Return True for a possible id of a catalogue item or a stream: 1-64 letters, digits, `_` and `-`."""
    return TAG.fullmatch(text) is not None


def require_party_id(field: str, text: str) -> str:
    """Return `text`. Raises InvalidField when it cannot be a user id."""
    if not is_party_id(text):
        raise InvalidField(field, "1-128 characters of A-Z a-z 0-9 | : @ . _ - =")
    return text


def require_tag(field: str, text: str | None) -> str:
    """Return `text`. Raises InvalidField when it is missing or cannot be a tag."""
    if text is None or not is_tag(text):
        raise InvalidField(field, "1-64 characters of A-Z a-z 0-9 _ -")
    return text


def uuid7_time(uuid7: str) -> datetime:
    """Return the time in a UUIDv7 (its first 48 bits: milliseconds since 1970), in UTC.

    Times after the year 9999 do not fit into a datetime and return `datetime.max`.
    """
    milliseconds = int(uuid7.replace("-", "")[:12], 16)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def first_id(since: datetime) -> str:
    """Return a text that sorts before the UUIDv7 of that millisecond, and after those of the one before."""
    digits = f"{int(since.timestamp() * 1_000):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def uuid7_of(at: datetime, name: str) -> str:
    """Derive a UUIDv7 from a time and a hash of `name`. Deterministic."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    rest = int.from_bytes(sha256(name.encode()).digest()[:10])
    number = milliseconds << 80 | rest & ~(0xF << 76 | 0b11 << 62) | 0x7 << 76 | 0b10 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def hash_request(*parts: str) -> str:
    """Hash parts of a request: 16 bytes in hex. Parts hold no blank, so distinct requests never hash the same text."""
    return sha256(" ".join(parts).encode()).hexdigest()[:32]


def require_fresh_key(key: str, now: datetime) -> None:
    """Raise KeyTooOld when the key's time is more than KEY_WINDOW before or after `now`.

    Keys are stored for good, so they must not be predictable. The error carries the server's time for clients whose
    clocks are wrong.
    """
    if abs(uuid7_time(key) - now) > KEY_WINDOW:
        raise KeyTooOld("Make a new UUIDv7 by the server's clock.", server_time=iso(now))


def iso(at: datetime) -> str:
    """Format `at` as RFC 3339 in UTC with milliseconds: 2026-11-22T13:17:37.123Z. Sorts by time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
