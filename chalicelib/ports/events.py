"""The topic and the queues."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.domain.entries import EntryRef
from chalicelib.domain.events import Message, Publication
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.streaks import Delivery


class EventPublisher(Protocol):
    """The topic that downstream consumers subscribe to."""

    def publish(self, messages: Sequence[Message]) -> Publication:
        """Publish at least once. Never raises; returns the ids of the messages that were not accepted."""


class RedriveQueue(Protocol):
    """The queue of entries that cannot be relayed."""

    def set_aside(self, ref: EntryRef) -> None:
        """Queue an entry for an operator."""

    def set_aside_budget(self, user_id: str) -> None:
        """Queue a wallet whose budget cannot be read for an operator."""


class StreakTimer(Protocol):
    """Delayed checks of streaks. Each is a message that stays in its queue until the handler returns without its id."""

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        """Schedule a check of the streak after `after` (15 minutes at most). Delivered at least once.

        `failures` are the checks of this streak that failed for another reason than a dependency.
        """

    def deliveries(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Delivery]:
        """Decode the `Records` of an invocation."""

    def postpone(self, times_left: Mapping[str, timedelta]) -> None:
        """Deliver messages again after the time left, by receipt. Without this call it takes some minutes."""

    def set_aside(self, delivery: Delivery) -> None:
        """Send the message to the dead letters, for an operator. Moved back, its check has all attempts again."""


class StreamReader(Protocol):
    """Decoding of what the table's stream and its failure queue deliver."""

    def posted_records(self, records: Sequence[Mapping[str, Any]]) -> Sequence[PostedRecord]:
        """Select the `Records` in which an entry became posted."""

    def budget_records(self, records: Sequence[Mapping[str, Any]]) -> Sequence[BudgetRecord]:
        """Select the `Records` in which a wallet with a budget changed."""

    def discarded_stretch(self, message: str) -> tuple[datetime, datetime]:
        """Return the arrival times of the first and last record that the mapping discarded.

        Raises:
            ValueError: another message.
        """
