"""Time and ids."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time and new ids: the two things that a use case may not make up."""

    def now(self) -> datetime:
        """The time, UTC."""

    def new_id(self) -> str:
        """A new UUIDv7, lowercase."""
