"""Relay of posted entries to creators' shards and to the topic."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from msgspec.structs import asdict

from chalicelib.domain.entries import Entry, shard_entry
from chalicelib.domain.events import Message, message_for
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.shards import ShardPosition, batches_by_shard
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.usecases.reminders import ReminderServices, remind_of_budgets

log = logging.getLogger(__name__)

FIRST_TRY: Final = timedelta(seconds=2)
"""Age of an entry after which the stream may deliver it again: an earlier try may have published it."""

POST_TIME: Final = timedelta(seconds=16)
TIMER_TIME: Final = timedelta(seconds=25)
NOTE_TIME: Final = timedelta(seconds=48)
WAIT_TIME: Final = timedelta(seconds=59)
"""Times from the run's begin: until these it begins to post to shards, to start timers, and to note, and may wait.

A call that gets no answer takes 9 seconds (`aws_session.CONFIG`), a post two of them, and the publication one. So the
last note ends before the relay's time-out of 60 seconds, which would repeat what was published.
"""


class RelayServices(ReminderServices, Protocol):
    """Services that relaying entries needs, and the origin that every message carries."""

    @property
    def publisher(self) -> EventPublisher: ...

    @property
    def streak_timer(self) -> StreakTimer: ...

    @property
    def streak_pause(self) -> timedelta: ...

    @property
    def source(self) -> str: ...

    @property
    def livemode(self) -> bool: ...


def relay_entries(
    records: Sequence[PostedRecord],
    services: RelayServices,
    *,
    began: datetime | None = None,
    is_repeat_wanted: bool = False,
) -> list[str]:
    """Post each gift to its creator's shard exactly once, then publish each entry at least once.

    A repeated record keeps the sequence of its gift and is published under the same id, unless its publication is noted
    and no repeat is wanted. A record that fails for good is set aside and does not delay the others.

    Args:
        records: the batch.
        services: the ports.
        began: the begin of the run, now by default. What is not begun in its time must be delivered again.
        is_repeat_wanted: publish also what was published.

    Returns:
        The ids of the records that must be delivered again, in the order of the batch.
    """
    batch = _Batch(services, began or services.clock.now(), is_repeat_wanted=is_repeat_wanted)
    batch.add_others(records)
    gifts = [(record, gift) for record in records if (gift := shard_entry(record.entry))]
    shards: dict[tuple[str, int], list[list[PostedRecord]]] = {}
    for creator_id, shard, received in batches_by_shard(gifts):
        shards.setdefault((creator_id, shard), []).append(received)
    services.threads.map(batch.receive_shard, list(shards.items()))
    batch.start_timers()
    batch.publish()
    batch.note_gifts([record for record, _ in gifts])
    batch.set_poison_aside()
    return [record.record_id for record in records if record.record_id in batch.retry]


class _Batch:
    """A batch in progress: the messages to publish, and the records that must be delivered again.

    `positions` are those of the received gifts, `timed` the records whose new streak has its timer, and `done` those
    that are published, by record id. `poison` are those that fail for good. No step begins after `until`. Threads share
    a batch: each adds to its collections, and none reads what another added before all have ended, or builds a service.
    """

    def __init__(self, services: RelayServices, began: datetime, *, is_repeat_wanted: bool) -> None:
        self.services = services
        self.began = began
        self.until = began + POST_TIME
        self.is_repeat_wanted = is_repeat_wanted
        self.run_id = services.clock.new_id()
        self.pending: list[tuple[PostedRecord, Message]] = []
        self.retry: set[str] = set()
        self.positions: dict[str, ShardPosition] = {}
        self.timed: set[str] = set()
        self.done: set[str] = set()
        self.poison: list[PostedRecord] = []

    def attempt(self, step: Callable[[Sequence[PostedRecord]], None], records: Sequence[PostedRecord]) -> None:
        """Run a step. Records that fail with TryAgain are retried later; one that fails otherwise is set aside."""
        try:
            self.check_time()
            step(records)
        except TryAgain:
            self.retry.update(record.record_id for record in records)
        except Exception:  # any failure concerns these records only
            for record in records:
                if len(records) > 1:
                    self.attempt(step, [record])
                else:
                    # No error of this kind is expected, so a retry would fail again.
                    log.exception("record_set_aside", extra=asdict(record.ref))
                    self.poison.append(record)

    def check_time(self) -> None:
        """Raise TryAgain if no further step may begin."""
        if self.services.clock.now() >= self.until:
            raise TryAgain("The time of the run is over.")

    def receive_shard(self, shard: tuple[tuple[str, int], Sequence[Sequence[PostedRecord]]]) -> None:
        """Post all gifts to one creator's shard, one batch after the other: side by side they would meet."""
        (creator_id, number), batches = shard
        for records in batches:
            self.attempt(partial(self.receive_gifts, creator_id, number), records)

    def receive_gifts(self, creator_id: str, shard: int, records: Sequence[PostedRecord]) -> None:
        """Post gifts to one creator's shard, which assigns the sequences that their messages carry."""
        gifts = [gift for record in records if (gift := shard_entry(record.entry))]
        distinct = list({gift.event_id: gift for gift in gifts}.values())
        received = self.services.ledger.receive_gifts(creator_id, shard, distinct, self.run_id)
        for record, gift in zip(records, gifts, strict=True):
            position = self.positions[record.record_id] = received[gift.event_id]
            if self.is_repeat_wanted or not position.is_published:
                self.add_message(record, gift, position)
            else:
                self.done.add(record.record_id)

    def add(self, records: Sequence[PostedRecord]) -> None:
        """Add the messages of entries without a creator."""
        for record, entry in [(record, record.entry) for record in records if record.entry]:
            self.add_message(record, entry, None)

    def add_others(self, records: Sequence[PostedRecord]) -> None:
        """Add what no shard receives: entries without a creator, and unreadable ones."""
        repeats: list[list[PostedRecord]] = []
        for record in records:
            if record.entry is None:
                self.poison.append(record)
            elif shard_entry(record.entry) is None:
                if self.may_be_repeat(record):
                    repeats.append([record])
                else:
                    self.attempt(self.add, [record])
        self.services.threads.map(partial(self.attempt, self.add_unpublished), repeats)

    def may_be_repeat(self, record: PostedRecord) -> bool:
        """Return True if an earlier try may have published the entry. Clocks may differ in both directions."""
        at = record.entry.posted_at if record.entry else None
        return at is not None and not self.is_repeat_wanted and abs(self.services.clock.now() - at) >= FIRST_TRY

    def add_unpublished(self, records: Sequence[PostedRecord]) -> None:
        """Add the messages of entries without a creator, unless their publication is noted."""
        for record, entry in [(record, record.entry) for record in records if record.entry]:
            if self.services.ledger.may_publish_again(entry.user_id, entry.entry_id):
                self.add_message(record, entry, None)

    def add_message(self, record: PostedRecord, entry: Entry, position: ShardPosition | None) -> None:
        """Add the message of one entry."""
        message = message_for(entry, position, source=self.services.source, livemode=self.services.livemode)
        self.pending.append((record, message))

    def set_poison_aside(self) -> None:
        """Queue the entries that fail for good. Last, as an unexpected error here fails the run."""
        if self.poison:
            step = partial(self.set_aside, self.services.redrive_queue)
            self.services.threads.map(step, self.poison)

    def set_aside(self, queue: RedriveQueue, record: PostedRecord) -> None:
        """Queue an entry for an operator."""
        try:
            self.check_time()
            queue.set_aside(record.ref)
        except TryAgain:
            self.retry.add(record.record_id)

    def start_timers(self) -> None:
        """Start the timers of new streaks. Without its timer a gift is not published: its next try would repeat it."""
        new = [[record] for record, _ in self.pending if _begins_streak(record)]
        if new:
            self.until = self.began + TIMER_TIME
            step = partial(self.attempt, partial(self.start_timer, self.services.streak_timer))
            self.services.threads.map(step, new)
        self.pending = [each for each in self.pending if not _begins_streak(each[0]) or each[0].record_id in self.timed]

    def start_timer(self, timer: StreakTimer, records: Sequence[PostedRecord]) -> None:
        """Start the timer of a new streak."""
        for record in records:
            timer.wake(record.ref.user_id, record.ref.entry_id, self.services.streak_pause)
            self.timed.add(record.record_id)

    def publish(self) -> None:
        """Publish the messages, then finish the records whose message was accepted."""
        outcome = self.services.publisher.publish([message for _, message in self.pending])
        self.until = self.began + NOTE_TIME

        def follow(published: tuple[PostedRecord, Message]) -> None:
            record, message = published
            if message.id in outcome.busy:
                self.retry.add(record.record_id)
            elif message.id in outcome.refused:
                self.poison.append(record)
            else:
                self.attempt(self.finish, [record])

        self.services.threads.map(follow, self.pending)

    def finish(self, records: Sequence[PostedRecord]) -> None:
        """Mark entries without a creator as published, for the sweep."""
        services = self.services
        for record in records:
            entry = record.entry
            if entry is not None and shard_entry(entry) is None:
                services.ledger.mark_published(entry.user_id, entry.entry_id, services.clock.now())
            self.done.add(record.record_id)

    def note_gifts(self, records: Sequence[PostedRecord]) -> None:
        """Note that gifts were published: all that this run received by one mark, else each by itself."""
        own = [record for record in records if self._is_own(record)]
        is_whole = own and all(record.record_id in self.done for record in records)
        if is_whole:
            self.attempt(self.mark_run, own)
        rest = [[one] for one in records if one.record_id in self.done and not (is_whole and self._is_own(one))]
        self.services.threads.map(partial(self.attempt, self.mark_gift), rest)

    def mark_run(self, _records: Sequence[PostedRecord]) -> None:
        """Note that all gifts that this run received were published."""
        self.services.ledger.mark_run_published(self.run_id, self.services.clock.now())

    def mark_gift(self, records: Sequence[PostedRecord]) -> None:
        """Note that a gift was published, unless that is noted."""
        for record in records:
            gift = shard_entry(record.entry)
            if gift and gift.creator_id and not self.positions[record.record_id].is_published:
                services = self.services
                services.ledger.mark_gift_published(gift.creator_id, gift.shard, gift.event_id, services.clock.now())

    def _is_own(self, record: PostedRecord) -> bool:
        """Return True for a gift that this run received, not an earlier one."""
        position = self.positions.get(record.record_id)
        return position is not None and position.received_by == self.run_id


def relay_records(
    posted: Sequence[PostedRecord], budgets: Sequence[BudgetRecord], services: RelayServices
) -> list[str]:
    """Remind fans of their budgets, then relay the entries.

    Entries of a fan who could not be reminded wait: of relayed ones the sweep is certain, and reminds nobody. After a
    failure the stream delivers the entries behind it again, so none of them may be taken for a first try by then.

    Returns:
        The ids of the records to deliver again.
    """
    began = services.clock.now()
    failed = remind_of_budgets(budgets, services)
    waiting = {record.user_id for record in budgets if record.record_id in failed}
    held = [record.record_id for record in posted if record.ref.user_id in waiting]
    ready = [record for record in posted if record.record_id not in held]
    again = [*failed, *held, *relay_entries(ready, services, began=began)]
    if again:
        _wait_until_old(posted, services.clock, began)
    return again


def _wait_until_old(records: Sequence[PostedRecord], clock: Clock, began: datetime) -> None:
    """Wait until the entries without a creator are older than at a first try: less than 4 seconds."""
    now = clock.now()
    times = [record.entry.posted_at for record in records if record.entry and shard_entry(record.entry) is None]
    young = [at for at in times if at is not None and abs(now - at) < FIRST_TRY]
    if young:
        clock.wait_until(min(max(young) + FIRST_TRY, began + WAIT_TIME))


def _begins_streak(record: PostedRecord) -> bool:
    return isinstance(record.entry, Gift) and record.entry.begins_streak
