"""System clock and id generator."""

import time
from datetime import UTC, datetime

from uuid_utils import uuid7


class SystemClock:
    """The Clock port."""

    def now(self) -> datetime:
        """Return the time in UTC, truncated to milliseconds as it is stored."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def wait_until(self, at: datetime) -> None:
        time.sleep(max(0, (at - self.now()).total_seconds()))

    def new_id(self) -> str:
        """Return a new UUIDv7 in lowercase."""
        return str(uuid7())
