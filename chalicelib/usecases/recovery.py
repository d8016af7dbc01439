"""Recovery: relay the entries of the journal that were not certainly published."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.entries import EntryRef, parse_ref, shard_entry
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import BATCH, JOURNAL_SHARDS, JournalLine, PostedRecord, batches, hour_of, place_of
from chalicelib.domain.walks import Places, Walk, after, walk_until
from chalicelib.domain.work import LEASE_MARGIN, ParkedItem, Part
from chalicelib.ports.journal import Journal
from chalicelib.usecases.relay import RelayServices, relay_entries
from chalicelib.usecases.reminders import remind_spenders
from chalicelib.usecases.work import Turn, WorkServices, deadline_of, work_on

log = logging.getLogger(__name__)

SETTLE_DELAY: Final = timedelta(minutes=10)
"""Time in which the stream should have delivered an entry, before the sweep relays it."""
LATE_DELAY: Final = timedelta(hours=26)
"""Age of an entry at the second walk, which finds what the index or a clock showed too late for the first one."""
FIRST_LOOKBACK: Final = timedelta(days=2)
"""Lookback of the first sweep."""
STEP: Final = 20
"""Entries relayed between two checks of the deadline."""

CLOCK_SKEW: Final = timedelta(minutes=1)
"""Difference between the stream's times, which are DynamoDB's, and the journal's, which are this system's."""

_WATERMARK: Final = "sweep"
"""The hour at which the first release's sweep stopped."""
_UNSURE: Final = "sweep_unsure"
"""The hour that the first release's sweep did not finish."""
_NO_HOUR: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REPEAT: Final = "repeat"
"""Reason of a parked entry of a requested stretch."""
_HOUR: Final = timedelta(hours=1)


class SweepServices(RelayServices, WorkServices, Protocol):
    """Services that the sweep needs."""

    @property
    def journal(self) -> Journal: ...


class Swept(Struct, frozen=True, kw_only=True):
    """Numbers of entries: relayed, published again on request, parked for a later try, and left to a later run.

    `behind` is the longest time that a walk has left.
    """

    relayed: int
    repeated: int
    parked: int
    undecided: int
    behind: timedelta


def sweep(services: SweepServices, shards: Sequence[int] = range(JOURNAL_SHARDS)) -> Swept:
    """Relay the entries of these shards of the journal that were not certainly published.

    A first walk passes the entries when they are ten minutes old, a second one when they are 26 hours old, and a third
    one those of a requested stretch. All keep their position after each batch of 20 lines, or a hundred certain ones,
    and pass only what is certain, set aside, or parked.
    """
    end = deadline_of(services)
    swept, turns = [_Sweep(shard, services) for shard in shards], list[Turn]()
    for number, each in enumerate(swept):
        now = services.clock.now()
        deadline = now + (end - now) / (len(swept) - number)
        if turn := work_on(_part(each.shard), each.run, services, deadline=deadline):
            turns.append(turn)
    return Swept(
        relayed=sum(each.relayed for each in swept),
        repeated=sum(each.repeated for each in swept),
        parked=sum(turn.parked for turn in turns),
        undecided=sum(turn.undecided for turn in turns),
        behind=max(each.behind for each in swept),
    )


def redrive(first: datetime, last: datetime, services: WorkServices, shards: Sequence[int]) -> list[int]:
    """Request of these shards that each entry between the two times is published again.

    The sweep walks the stretch beside its other walks. A stretch is united with an unfinished one.

    Returns:
        The shards that a run of the sweep has: try these again.

    Raises:
        ValueError: the stretch begins in the future, or ends before it begins.
    """
    now, busy = services.clock.now(), list[int]()
    if first > now or last < first:
        raise ValueError("A stretch ends after it begins, and does not begin in the future.")
    start, end = iso(first - CLOCK_SKEW), after(last + CLOCK_SKEW)
    for shard in shards:
        lease = services.positions.take(_part(shard), services.clock.new_id(), now, now + LEASE_MARGIN)
        if lease is None:
            busy.append(shard)
        else:
            services.positions.rewind(lease.part, Places.parse(lease.at).with_request(start, end).text)
    return busy


def _part(shard: int) -> Part:
    return Part(worker="sweep", name=f"{shard:02d}")


class _Sweep:
    """A run of the sweep on one shard of the journal."""

    def __init__(self, shard: int, services: SweepServices) -> None:
        self.shard = shard
        self.services = services
        self.relayed = 0
        self.repeated = 0
        self.behind = timedelta(0)

    def run(self, turn: Turn) -> None:
        """Try the parked entries again, then walk on from each position."""
        self._retry_parked(turn)
        now = self.services.clock.now()
        stored = Places.parse(turn.at)
        places: Places = stored if stored.first else self._first_places(stored, now)
        first, late = walk_until(now - SETTLE_DELAY), walk_until(now - LATE_DELAY)
        places = replace(places, first=self._walk(places.first, first, turn, lambda at: replace(places, first=at)))
        places = replace(places, late=self._walk(places.late, late, turn, lambda at: replace(places, late=at)))
        if places.again:
            requested = Walk(end=places.again_until, is_repeat=True)
            places = places.with_again(self._walk(places.again, requested, turn, places.with_again))
        if places != stored:
            turn.move(places.text)

    def _first_places(self, stored: Places, now: datetime) -> Places:
        """Return the places of the first run, which follows the first release's sweep.

        An hour that it did not finish is requested whole: gifts there may be received and not published.
        """
        journal = self.services.journal
        first = journal.read_watermark(_WATERMARK) or now - SETTLE_DELAY - FIRST_LOOKBACK
        places: Places = replace(stored, late=place_of(now - LATE_DELAY))
        unsure = journal.read_watermark(_UNSURE)
        if unsure and unsure > _NO_HOUR:
            first = min(first, unsure)
            places = places.with_request(place_of(unsure), place_of(unsure + _HOUR))
        return replace(places, first=place_of(first))

    def _walk(self, start: str, walk: Walk, turn: Turn, places_at: Callable[[str], Places]) -> str:
        """Relay batch by batch what lies between `start` and the walk's end. Returns the place reached."""
        at, is_done = self._pass(start, walk, turn, places_at)
        if not is_done and not walk.is_repeat:
            self.behind = max(self.behind, walk.behind(at))
        return at

    def _pass(self, at: str, walk: Walk, turn: Turn, places_at: Callable[[str], Places]) -> tuple[str, bool]:
        """Relay until the walk's end, the deadline or an outage. Also returns True at the end."""
        while not turn.is_over():
            page = self.services.journal.read_page(self.shard, at, BATCH)
            lines = [line for line in page if line.place < walk.end]
            if not lines:
                hour = place_of(hour_of(at) + _HOUR)
                if hour >= walk.end:
                    return (walk.end if walk.is_repeat else at), True
                at = hour
                continue
            missing = lines if walk.is_repeat else self.services.journal.not_relayed(lines)
            for batch in batches(lines, STEP if missing else BATCH):
                if turn.is_over() or not self._mend(batch, [line for line in batch if line in missing], walk, turn):
                    return at, False
                at = batch[-1].place
                turn.move(places_at(at).text)
        return at, False

    def _mend(self, lines: Sequence[JournalLine], missing: Sequence[JournalLine], walk: Walk, turn: Turn) -> bool:
        """Relay the missing ones of the lines, and park what fails.

        Returns:
            False if the topic or the table seems to be away: the position must stay before the lines. Of lines that
            all fail this is assumed for an hour, as one entry's failure looks like everything's.
        """
        failed = self._relay(_refs(missing), is_repeat_wanted=walk.is_repeat)
        if len(failed) == len(lines) and lines[-1].place > walk.patient_from:
            turn.carry_over(len(failed))
            return False
        for name in sorted(failed):
            turn.park(name, _REPEAT if walk.is_repeat else "not_relayed")
        return True

    def _retry_parked(self, turn: Turn) -> None:
        """Try the parked entries that are due. Pauses do not grow while everything fails."""
        while items := turn.due():
            for batch in batches(items, STEP):
                if turn.is_over():
                    return
                failed = self._retry(batch)
                for item in batch:
                    if item.item_id not in failed:
                        turn.finish(item)
                    elif len(failed) < len(batch):
                        turn.park_again(item, item.reason)
                    else:
                        turn.postpone(item)
                if len(failed) == len(batch):
                    return

    def _retry(self, items: Sequence[ParkedItem]) -> set[str]:
        """Relay parked entries, those of a requested stretch in any case. Returns the names of those that failed."""
        records = self.services.journal.read_records(_parked(items, is_repeat=False))
        unread = [record.ref for record in records if record.entry is None]
        lines = [line for record in records if (line := _line(record))]
        failed = self._relay([*unread, *_refs(self.services.journal.not_relayed(lines))])
        return failed | self._relay(_parked(items, is_repeat=True), is_repeat_wanted=True)

    def _relay(self, refs: Sequence[EntryRef], *, is_repeat_wanted: bool = False) -> set[str]:
        """Relay entries, oldest first. Returns the names of those that failed."""
        if not refs:
            return set()
        records = sorted(self.services.journal.read_records(refs), key=_posted_at)
        # Before the entries, which are certain once they are relayed, and not read again.
        failed = set(remind_spenders(records, self.services))
        rest = [record for record in records if record.record_id not in failed]
        failed.update(relay_entries(rest, self.services, is_repeat_wanted=is_repeat_wanted))
        relayed = len(records) - len(failed)
        self.relayed, self.repeated = self.relayed + relayed, self.repeated + is_repeat_wanted * relayed
        return failed


def _parked(items: Sequence[ParkedItem], *, is_repeat: bool) -> list[EntryRef]:
    return [parse_ref(item.item_id) for item in items if (item.reason == _REPEAT) is is_repeat]


def _refs(lines: Sequence[JournalLine]) -> list[EntryRef]:
    return [EntryRef(user_id=line.user_id, entry_id=line.entry_id) for line in lines]


def _posted_at(record: PostedRecord) -> tuple[datetime, str]:
    """Return the order of a record. An unreadable one comes first."""
    at = record.entry.posted_at if record.entry else None
    return at or datetime.min.replace(tzinfo=UTC), record.record_id


def _line(record: PostedRecord) -> JournalLine | None:
    """Build the line of a record, as far as `not_relayed` needs it."""
    entry, gift = record.entry, shard_entry(record.entry)
    if entry is None or entry.posted_at is None or entry.event_id is None:
        return None
    return JournalLine(
        user_id=entry.user_id,
        entry_id=entry.entry_id,
        event_id=entry.event_id,
        kind="",
        coins=0,
        posted_at=entry.posted_at,
        creator_id=gift.creator_id if gift else None,
        shard=gift.shard if gift else 0,
    )
