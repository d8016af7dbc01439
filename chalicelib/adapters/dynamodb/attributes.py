"""PynamoDB attributes for exact integers and sortable times."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER, STRING

from chalicelib.domain.ids import iso
from chalicelib.domain.money import MAX_AMOUNT

Present = TypeVar("Present")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class IntegerAttribute(Attribute[int]):
    """An exact integer. PynamoDB's NumberAttribute accepts floats."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """Raises ValueError for a bool, a non-int, or more than 2^53-1, which JSON readers round."""
        if type(value) is not int or abs(value) > MAX_AMOUNT:
            raise ValueError(f"not a whole number within ±{MAX_AMOUNT}")
        return str(value)

    def deserialize(self, value: str) -> int:
        """Raises ValueError for anything but a plain integer."""
        return int(value)


class InstantAttribute(Attribute[datetime]):
    """A UTC time as RFC 3339 text with milliseconds, which sorts by time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Truncate to milliseconds."""
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        """Raises ValueError for any other form."""
        return datetime.fromisoformat(value)


class EpochAttribute(Attribute[datetime]):
    """A time in milliseconds since 1970; shorter than an InstantAttribute."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        """Truncate to milliseconds."""
        return str(to_epoch(value))

    def deserialize(self, value: str) -> datetime:
        """Raises ValueError for anything but a plain integer."""
        return from_epoch(int(value))


def to_epoch(at: datetime) -> int:
    """Return whole milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_epoch(milliseconds: int) -> datetime:
    """Return the UTC time of `milliseconds` since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def require(value: Present | None) -> Present:
    """Return the value. Raises ValueError when it is missing."""
    if value is None:
        raise ValueError("a required value is missing")
    return value
