"""Recovery: relay the entries of the journal that were not certainly published."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.entries import EntryRef, parse_ref, shard_entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import BATCH, JOURNAL_SHARDS, JournalLine, PostedRecord, hour_of, place_of
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.work import LEASE_MARGIN, Part
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.relay import RelayServices, relay_entries, remind_of_budgets
from chalicelib.usecases.work import Turn, WorkServices, deadline_of, work_on

log = logging.getLogger(__name__)

SETTLE_DELAY: Final = timedelta(minutes=10)
"""Time in which the stream should have delivered an entry, before the sweep relays it."""
LATE_DELAY: Final = timedelta(hours=26)
"""Age of an entry at the second walk, which finds what the index or a clock showed too late for the first one."""
FIRST_LOOKBACK: Final = timedelta(days=2)
"""Lookback of the first sweep."""
MAX_FAILURES: Final = 50
"""Failures in a batch beyond which the topic or the table is taken to be away."""

CLOCK_SKEW: Final = timedelta(minutes=1)
"""Difference between the stream's times, which are DynamoDB's, and the journal's, which are this system's."""

_WATERMARK: Final = "sweep"
"""The hour at which the first release's sweep stopped."""
_HOUR: Final = timedelta(hours=1)
_END: Final = "~"
"""Text that sorts after the places of a time."""


class SweepServices(RelayServices, WorkServices, Protocol):
    """Services that the sweep needs."""

    @property
    def journal(self) -> Journal: ...


class Swept(Struct, frozen=True, kw_only=True):
    """Numbers of entries: relayed, published again on request, parked for a later try, and left to a later run."""

    relayed: int = 0
    repeated: int = 0
    parked: int = 0
    undecided: int = 0


def sweep(services: SweepServices, shards: Sequence[int] = range(JOURNAL_SHARDS)) -> Swept:
    """Relay the entries of these shards of the journal that were not certainly published.

    A first walk passes the entries when they are ten minutes old, a second one when they are 26 hours old. Both keep
    their position after each batch of a hundred lines, and pass only what is certain, set aside, or parked.
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
    )


def redrive(first: datetime, last: datetime, services: WorkServices, shards: Sequence[int]) -> list[int]:
    """Rewind the position of these shards, so that each entry between the two times is published again.

    Entries after it are read again as well, and published if they are not certain. A stretch replaces an
    unfinished one.

    Returns:
        The shards that a run of the sweep has: try these again.
    """
    start, end = iso(first - CLOCK_SKEW), iso(last + CLOCK_SKEW) + _END
    now, busy = services.clock.now(), list[int]()
    for shard in shards:
        lease = services.positions.take(_part(shard), services.clock.new_id(), now, now + LEASE_MARGIN)
        if lease is None:
            busy.append(shard)
        else:
            late = _Places.parse(lease.at).late
            services.positions.rewind(lease.part, _Places(first=start, late=late, again_until=end).text)
    return busy


def _part(shard: int) -> Part:
    return Part(worker="sweep", name=f"{shard:02d}")


class _Places(Struct, frozen=True, kw_only=True):
    """Places of both walks, "" if not begun. The first one publishes entries before `again_until` in any case."""

    first: str = ""
    late: str = ""
    again_until: str = ""

    @staticmethod
    def parse(text: str | None) -> "_Places":
        first, late, again_until = (text or "||").split("|")
        return _Places(first=first, late=late, again_until=again_until)

    @property
    def text(self) -> str:
        return f"{self.first}|{self.late}|{self.again_until}"


class _Sweep:
    """A run of the sweep on one shard of the journal."""

    def __init__(self, shard: int, services: SweepServices) -> None:
        self.shard = shard
        self.services = services
        self.relayed = 0
        self.repeated = 0

    def run(self, turn: Turn) -> None:
        """Try the parked entries again, then walk on from both positions."""
        self._retry_parked(turn)
        now = self.services.clock.now()
        until, late_until = now - SETTLE_DELAY, now - LATE_DELAY
        stored: _Places = _Places.parse(turn.at)
        first = stored.first or place_of(self.services.journal.read_watermark(_WATERMARK) or until - FIRST_LOOKBACK)
        places = replace(stored, first=first, late=stored.late or place_of(late_until))
        places = self._walk(places, until, turn, is_late=False)
        places = self._walk(places, late_until, turn, is_late=True)
        if places != stored:
            turn.move(places.text)

    def _walk(self, places: _Places, until: datetime, turn: Turn, *, is_late: bool) -> _Places:
        """Relay batch by batch what is not younger than `until`. Returns the places afterwards."""
        while not turn.is_over():
            place = places.late if is_late else places.first
            page = self.services.journal.read_page(self.shard, place, BATCH)
            lines = [line for line in page if line.posted_at <= until]
            if lines:
                again = [line for line in lines if not is_late and line.place < places.again_until]
                if not self._mend(lines, again, until, turn):
                    break
                place = lines[-1].place
            elif (hour := hour_of(place) + _HOUR) <= until:
                place = place_of(hour)
            else:
                break
            places = replace(places, late=place) if is_late else replace(places, first=place)
            if lines:
                turn.move(places.text)
        return places

    def _mend(self, lines: Sequence[JournalLine], again: Sequence[JournalLine], until: datetime, turn: Turn) -> bool:
        """Relay what is not certain among the lines and what is wanted again, and park what fails.

        Returns:
            False if the topic or the table seems to be away: the position must stay before the lines. Of lines that
            all fail this is assumed for an hour, as one entry's failure looks like everything's.
        """
        missing = self.services.journal.not_relayed([line for line in lines if line not in again])
        failed = self._relay(_refs(missing)) | self._relay(_refs(again), is_repeat_wanted=True)
        is_young = lines[-1].posted_at > until - _HOUR
        if len(failed) > MAX_FAILURES or (len(failed) == len(lines) and is_young):
            turn.carry_over(len(failed))
            return False
        for name in sorted(failed):
            turn.park(name, "not_relayed")
        return True

    def _retry_parked(self, turn: Turn) -> None:
        items = {item.item_id: item for item in turn.due()}
        if not items:
            return
        records = self.services.journal.read_records([parse_ref(name) for name in items])
        unread = [record.ref for record in records if record.entry is None]
        lines = [line for record in records if (line := _line(record))]
        failed = self._relay([*unread, *_refs(self.services.journal.not_relayed(lines))])
        for name, item in items.items():
            if name in failed:
                turn.park_again(item, "not_relayed")
            else:
                turn.finish(item)

    def _relay(self, refs: Sequence[EntryRef], *, is_repeat_wanted: bool = False) -> set[str]:
        """Relay entries, oldest first. Returns the names of those that failed."""
        if not refs:
            return set()
        records = sorted(self.services.journal.read_records(refs), key=_posted_at)
        # Before the entries, which are certain once they are relayed, and not read again.
        failed = set(_remind(records, self.services))
        rest = [record for record in records if record.record_id not in failed]
        failed.update(relay_entries(rest, self.services, is_repeat_wanted=is_repeat_wanted))
        relayed = len(records) - len(failed)
        self.relayed, self.repeated = self.relayed + relayed, self.repeated + is_repeat_wanted * relayed
        return failed


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


def _remind(records: Sequence[PostedRecord], services: RelayServices) -> list[str]:
    """Remind the fans who spent of the budget thresholds they have passed, whose stream records may be lost as well.

    Returns:
        The ids of the records whose fans could not be reminded.
    """
    spent = [(record, record.entry) for record in records if isinstance(record.entry, Gift | Purchase)]
    fans = sorted({entry.user_id for _, entry in spent})
    budgets, failed = list[BudgetRecord](), set[str]()
    for fan in fans:
        try:
            budgets += _budget(fan, services.ledger)
        except TryAgain:
            failed.add(fan)
    failed.update(remind_of_budgets(budgets, services))
    return [record.record_id for record, entry in spent if entry.user_id in failed]


def _budget(user_id: str, ledger: Ledger) -> list[BudgetRecord]:
    """Build a record of the fan's budget without an earlier state, if they have one."""
    try:
        budget = ledger.read_wallet(user_id).budget
        if budget is None:
            return []
    except TryAgain:
        raise
    except Exception:  # any failure concerns this wallet only
        log.exception("wallet_unreadable", extra={"user_id": user_id})
        budget = None
    return [BudgetRecord(record_id=user_id, user_id=user_id, old=None, new=budget)]
