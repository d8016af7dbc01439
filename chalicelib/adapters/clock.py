"""The wall clock, and new ids."""

from datetime import UTC, datetime

from uuid_utils import uuid7


class SystemClock:
    """The Clock port."""

    def now(self) -> datetime:
        """The time, UTC, cut to the millisecond: what is stored and what is kept in memory are then the same."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def new_id(self) -> str:
        """A new UUIDv7, lowercase."""
        return str(uuid7())
