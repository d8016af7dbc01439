"""Relay of posted entries to creators' shards and to the topic."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec import Struct

from chalicelib.domain.budgets import Budget
from chalicelib.domain.entries import Entry, shard_entry
from chalicelib.domain.events import Announcement, announce
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.posting import Posting
from chalicelib.domain.reminders import BudgetRecord, due_reminders, reminder_notification
from chalicelib.domain.shards import ShardPosition, batches_by_shard
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.ledger import Ledger

log = logging.getLogger(__name__)


class Relay(Struct, frozen=True, kw_only=True):
    """What relaying needs besides the records: the ports, and what every message says of its origin.

    `streak_pause` is how long nothing is added to a streak before it has ended.
    """

    ledger: Ledger
    publisher: EventPublisher
    redrive: RedriveQueue
    timer: StreakTimer
    clock: Clock
    streak_pause: timedelta
    source: str
    livemode: bool


def relay_entries(records: Sequence[PostedRecord], relay: Relay) -> list[str]:
    """Give each gift to its creator's shard, exactly once, then publish each entry, at least once.

    A record that comes again finds its gift received, takes the sequence it has, and is published again under the
    same id. A record that nobody can relay is set aside and does not hold up the others.

    Returns:
        The ids of the records that must come again, in the order of the batch.
    """
    batch = _Batch(relay)
    for record in records:
        if record.entry is None:
            batch.attempt(batch.set_aside, [record])
        elif shard_entry(record.entry) is None:
            batch.attempt(batch.announce, [record])
    for received in batches_by_shard([(record, gift) for record in records if (gift := shard_entry(record.entry))]):
        batch.attempt(batch.receive_gifts, received)
    batch.publish()
    return [record.record_id for record in records if record.record_id in batch.retry]


class _Batch:
    """One batch under way: what is to be told of which record, and which records must come again."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.told: list[tuple[PostedRecord, Announcement]] = []
        self.retry: set[str] = set()

    def attempt(self, step: Callable[[Sequence[PostedRecord]], None], records: Sequence[PostedRecord]) -> None:
        """Run a step. What will pass is tried again later; what will not is found, alone, and set aside."""
        try:
            step(records)
        except TryAgain:
            self.retry.update(record.record_id for record in records)
        except Exception:  # whatever it is, it is this streak's trouble
            if step == self.set_aside:
                raise
            for record in records:
                if len(records) > 1:
                    self.attempt(step, [record])
                else:
                    # Nobody foresaw it, or it would have a name: that is what makes it a poison record.
                    log.exception("record cannot be relayed", extra={"keys": dict(record.keys)})
                    self.attempt(self.set_aside, records)

    def receive_gifts(self, records: Sequence[PostedRecord]) -> None:
        """Post gifts of one shard to the creator's side; only then there is a sequence to publish them with."""
        gifts = [gift for record in records if (gift := shard_entry(record.entry))]
        distinct = list({gift.event_id: gift for gift in gifts}.values())
        received = self.relay.ledger.receive_gifts(gifts[0].creator_id, gifts[0].shard, distinct)
        for record, gift in zip(records, gifts, strict=True):
            self.tell(record, gift, received[gift.event_id])

    def announce(self, records: Sequence[PostedRecord]) -> None:
        """Entries without a creator: there is nothing to post before they are published."""
        for record, entry in [(record, record.entry) for record in records if record.entry]:
            self.tell(record, entry, None)

    def tell(self, record: PostedRecord, entry: Entry, position: ShardPosition | None) -> None:
        """Have it published with the others."""
        announcement = announce(entry, position, source=self.relay.source, livemode=self.relay.livemode)
        self.told.append((record, announcement))

    def set_aside(self, records: Sequence[PostedRecord]) -> None:
        """Hand the keys to a person, so that the rest of the stream goes on."""
        for record in records:
            self.relay.redrive.set_aside(record.keys)

    def publish(self) -> None:
        """Publish what there is to tell; then note it on the entries that have no creator's side to show it."""
        outcome = self.relay.publisher.publish([announcement for _, announcement in self.told])
        for record, announcement in self.told:
            if announcement.id in outcome.busy:
                self.retry.add(record.record_id)
            elif announcement.id in outcome.refused:
                self.attempt(self.set_aside, [record])
            else:
                self.attempt(self.finish, [record])

    def finish(self, records: Sequence[PostedRecord]) -> None:
        """The stamp that tells the sweep, later, that the world has heard; and for a streak that begins, its timer."""
        for record in records:
            entry = record.entry
            if entry is not None and shard_entry(entry) is None:
                self.relay.ledger.mark_announced(entry.user_id, entry.entry_id, self.relay.clock.now())
            if isinstance(entry, Gift) and entry.begins_streak:
                self.relay.timer.wake(entry.user_id, entry.streak_id, self.relay.streak_pause)


def remind_of_budgets(records: Sequence[BudgetRecord], relay: Relay) -> list[str]:
    """Post a notification of each threshold that a budget has passed, once a period, however often the record comes.

    The notification is an entry like any other: the stream delivers it to be published. An unreadable record is set
    aside and does not delay the others.

    Returns:
        The ids of the records that must come again.
    """
    return [record.record_id for record in records if not _is_done(record, relay)]


def _is_done(record: BudgetRecord, relay: Relay) -> bool:
    try:
        if record.new is None:
            relay.redrive.set_aside(record.keys)
        else:
            _remind(record, record.new, relay)
    except TryAgain:
        return False
    return True


def _remind(record: BudgetRecord, budget: Budget, relay: Relay) -> None:
    try:
        for reminder in due_reminders(record.old, budget):
            posting = Posting(posted_at=relay.clock.now(), event_id=relay.clock.new_id())
            relay.ledger.post_notification(reminder_notification(record.user_id, reminder, posting))
    except TryAgain:
        raise
    except Exception:  # whatever it is, it is this streak's trouble
        log.exception("budget cannot be read", extra={"keys": dict(record.keys)})
        relay.redrive.set_aside(record.keys)
