"""Last reads of the payment provider's objects."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol


class Looks(Protocol):
    """Times of the last looks, for three days. A look reads an object of the payment provider and acts on its state.

    They save requests and guard nothing: an object may have another look at any time.
    """

    def last_looks(self, object_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return the time of each object's last look. Objects without a known look are left out."""

    def note_look(self, object_id: str, at: datetime) -> None:
        """Record a look that began at `at` and was acted on, or whose event was set aside until its next one."""
