"""Time and ids."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Source of the present time and of new ids."""

    def now(self) -> datetime:
        """Return the present time in UTC."""

    def wait_until(self, at: datetime) -> None:
        """Return at that time, or at once if it is past."""

    def new_id(self) -> str:
        """Return a new UUIDv7 in lowercase."""
