"""Attributes of rows that refuse what money must never be, and times that sort."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER, STRING

from chalicelib.domain.ids import iso
from chalicelib.domain.money import MAX_AMOUNT

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class IntegerAttribute(Attribute[int]):
    """An exact whole number. PynamoDB's own number takes floats without a word."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """Refuses what is no int (a bool is none) and what JSON readers would round. Raises ValueError."""
        if type(value) is not int or abs(value) > MAX_AMOUNT:
            raise ValueError(f"not a whole number within ±{MAX_AMOUNT}")
        return str(value)

    def deserialize(self, value: str) -> int:
        """Raises ValueError on anything that is not a plain whole number."""
        return int(value)


class InstantAttribute(Attribute[datetime]):
    """A time in UTC as RFC 3339 with milliseconds: sorts as text, reads as a time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Cuts below the millisecond."""
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        """Raises ValueError on anything else."""
        return datetime.fromisoformat(value)


class EpochAttribute(Attribute[datetime]):
    """A time in milliseconds since 1970: shorter than an InstantAttribute, where a row has little room."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        """Cuts below the millisecond."""
        return str(to_epoch(value))

    def deserialize(self, value: str) -> datetime:
        """Raises ValueError on anything that is not a plain whole number."""
        return from_epoch(int(value))


def to_epoch(at: datetime) -> int:
    """The whole milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_epoch(milliseconds: int) -> datetime:
    """The time so many milliseconds after the beginning of 1970, UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
