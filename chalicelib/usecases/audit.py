"""Audit: compare totals of wallets and creators' shards with their new entries, hour by hour of the journal.

A wallet's checked sum moves forward with the journal's lines, a shard's with the entries that it received. Only where
these differ from the total, all entries are read. So the cost of a run follows activity, not history.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.journal import JOURNAL_SHARDS, JournalLine, hour_of, place_of
from chalicelib.domain.totals import (
    TOO_LONG,
    UNCONFIRMED,
    Mismatch,
    ShardSum,
    TakenElsewhere,
    TimeIsOver,
    Undecided,
    WalletSum,
    WalletTotal,
    sum_forward,
)
from chalicelib.domain.work import RUN_TIME, ParkedItem, Part
from chalicelib.ports.journal import Journal
from chalicelib.usecases.recovery import SETTLE_DELAY
from chalicelib.usecases.totals import (
    HOUR,
    Bounds,
    TotalsServices,
    Verdict,
    compare_shard,
    compare_wallet,
)
from chalicelib.usecases.work import Turn, work_on

log = logging.getLogger(__name__)

FIRST_LOOKBACK: Final = timedelta(days=1)
UNREADABLE: Final = (TypeError, ValueError)
"""Errors of the adapters at a row that has no valid form."""
UNREADABLE_ROW: Final = Undecided(reason="unreadable")
NOT_RECEIVED: Final = Undecided(reason="not_received")


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of a run: lines of a batch, rows of one comparison within a batch, rows of a shard that any run reads, and
    rows between two notes of the place in a shard."""

    lines: int = 1_000
    rows: int = 20_000
    short: int = 1_000
    piece: int = 50_000


class AuditServices(TotalsServices, Protocol):
    """Services that the audit needs."""

    @property
    def journal(self) -> Journal: ...


class Audited(Struct, frozen=True, kw_only=True):
    """Result of a run: mismatches, each of which was logged, and the numbers of items set aside and without result.

    `behind` is the longest time since which a part could have audited its next hour.
    """

    mismatches: Sequence[Mismatch]
    parked: int
    undecided: int
    behind: timedelta


def audit_ledger(
    services: AuditServices,
    parts: Sequence[int] = range(JOURNAL_SHARDS),
    limits: Limits | None = None,
    found: list[Mismatch] | None = None,
) -> Audited:
    """Compare the totals that the journal's new lines changed with their entries.

    Args:
        services: the ports.
        parts: the shards of the journal to audit; they share the time of a run.
        limits: the limits of a run.
        found: gets each mismatch at once, so that those of a run that fails later are known, too.

    Raises:
        TryAgain: the table did not respond. What was set aside, or passed, stays so.
    """
    mismatches = [] if found is None else found
    turns: list[Turn] = []
    for part in parts:
        until = services.clock.now() + RUN_TIME / len(parts)
        step = partial(_audit_part, part, until, mismatches, services, limits or Limits())
        if turn := work_on(Part(worker="audit", name=f"{part:02d}"), step, services, deadline=until):
            turns.append(turn)
    return Audited(
        mismatches=mismatches,
        parked=sum(turn.parked for turn in turns),
        undecided=sum(turn.undecided for turn in turns),
        behind=max((_behind(turn.at, services.clock.now()) for turn in turns), default=timedelta(0)),
    )


def _behind(place: str | None, now: datetime) -> timedelta:
    return max(now - hour_of(place) - HOUR - SETTLE_DELAY, timedelta(0)) if place else timedelta(0)


def _audit_part(
    part: int, until: datetime, mismatches: list[Mismatch], services: AuditServices, limits: Limits, turn: Turn
) -> None:
    """Try the items set aside for half of the time at most, then walk through the journal."""
    now = services.clock.now()
    audit = _Audit(until, mismatches, services, limits, turn)
    audit.try_again(until=now + (until - now) / 2)
    audit.walk(part)


class _Audit:
    def __init__(
        self, until: datetime, mismatches: list[Mismatch], services: AuditServices, limits: Limits, turn: Turn
    ) -> None:
        self._mismatches = mismatches
        self._services = services
        self._limits = limits
        self._turn = turn
        self._bounds = Bounds(until=until, rows=limits.rows, short=limits.short, piece=limits.piece)

    def walk(self, part: int) -> None:
        """Check the wallets and shards of each batch of lines, and move the position after it.

        A batch that is not finished in time is read again. What was checked in it has its checked sum, and is skipped.
        """
        journal, clock = self._services.journal, self._services.clock
        place = self._turn.at or self._first_place()
        while not self._turn.is_over() and hour_of(place) + HOUR + SETTLE_DELAY <= clock.now():
            lines = journal.read_page(part, place, self._limits.lines)
            try:
                self._check(lines)
            except TimeIsOver:
                return
            is_full = len(lines) == self._limits.lines
            place = lines[-1].place if is_full else place_of(hour_of(place) + HOUR)
            self._turn.move(place)

    def try_again(self, until: datetime) -> None:
        """Compare the items set aside that are due, each with all the time that is left."""
        limited: Bounds = self._bounds
        while items := self._turn.due():
            for item in items:
                if self._services.clock.now() >= until:
                    return
                self._try(item, replace(limited, until=until, rows=None))

    def _first_place(self) -> str:
        """Return the first release's position, if there is one."""
        earlier = self._services.journal.read_watermark("audit")
        return place_of(earlier or self._services.clock.now() - FIRST_LOOKBACK)

    def _try(self, item: ParkedItem, bounds: Bounds) -> None:
        kind, name, *rest = item.item_id.split("/")
        verdict: Verdict
        try:
            if kind == "wallet":
                checked = self._services.totals.read_wallets([name])[name].checked
                is_found = item.reason == UNCONFIRMED.reason
                verdict = compare_wallet(name, checked, bounds, self._services, is_found=is_found)
            elif kind == "gift":
                verdict = self._check_shard(name, int(rest[0]), rest[1], bounds)
            else:
                verdict = compare_shard(name, int(rest[0]), bounds, self._services)
        except (TimeIsOver, TakenElsewhere):
            verdict = TOO_LONG
        except UNREADABLE:
            verdict = UNREADABLE_ROW
        if verdict is None:
            self._turn.finish(item)
        elif verdict in (TOO_LONG, UNCONFIRMED):
            self._turn.postpone(replace(item, reason=self._report(verdict)))
        else:
            self._turn.park_again(item, self._report(verdict))

    def _check(self, lines: Sequence[JournalLine]) -> None:
        of_wallets: dict[str, list[JournalLine]] = defaultdict(list)
        for line in lines:
            of_wallets[line.user_id].append(line)
        totals: Mapping[str, WalletTotal]
        read_at = self._services.clock.now()
        try:
            totals = self._services.totals.read_wallets(of_wallets)
        except UNREADABLE:
            totals = {}  # one bad row fails the batch: each wallet is then read alone
        for user_id, own in of_wallets.items():
            check = partial(self._check_wallet, user_id, totals.get(user_id), own, read_at)
            self._set_unreadable_aside(f"wallet/{user_id}", check)
        # The last line of a shard is its newest.
        newest = {(line.creator_id, line.shard): line for line in lines if line.creator_id}
        checked = self._find_checked(newest.values())
        for line in newest.values():
            if line.event_id not in checked:
                self._set_unreadable_aside(f"creator/{line.creator_id}/{line.shard}", partial(self._check_gift, line))

    def _find_checked(self, lines: Collection[JournalLine]) -> Collection[str]:
        """Return the event ids of the lines that another batch, of any part, has checked."""
        try:
            return self._services.totals.find_checked(
                [(line.creator_id, line.shard, line.event_id) for line in lines if line.creator_id]
            )
        except UNREADABLE:
            return ()  # one bad row fails the batch: each shard is then read alone

    def _set_unreadable_aside(self, item_id: str, check: Callable[[], None]) -> None:
        try:
            check()
        except UNREADABLE:
            if not self._turn.has_parked(item_id):  # or else each batch would shorten its pause
                self._turn.park(item_id, self._report(UNREADABLE_ROW))

    def _check_wallet(
        self, user_id: str, known: WalletTotal | None, lines: Sequence[JournalLine], read_at: datetime
    ) -> None:
        totals = self._services.totals
        total = known or totals.read_wallets([user_id])[user_id]
        checked = total.checked
        if checked and checked.is_parked:
            return
        # A line that cannot be read has no coins, so its wallet is compared.
        if checked and checked.after is None and all(line.is_readable for line in lines):
            forward = sum_forward(checked, lines)
            if forward == checked:
                return
            if forward.coins == total.coins:
                totals.keep_wallet(user_id, forward)
                return
        if verdict := compare_wallet(user_id, checked, self._bounds, self._services, (read_at, total.coins)):
            self._turn.park(f"wallet/{user_id}", self._report(verdict))
            seen: WalletSum = totals.read_wallets([user_id])[user_id].checked or WalletSum(after="")
            totals.keep_wallet(user_id, replace(seen, is_parked=True))

    def _check_gift(self, line: JournalLine) -> None:
        creator_id, shard = str(line.creator_id), line.shard
        if verdict := self._check_shard(creator_id, shard, line.event_id, self._bounds):
            self._turn.park(f"gift/{creator_id}/{shard}/{line.event_id}", self._report(verdict))

    def _check_shard(self, creator_id: str, shard: int, event_id: str, bounds: Bounds) -> Undecided | None:
        """Compare the shard, which is set aside if it differs. Undecided until it has received the entry."""
        totals = self._services.totals
        place = totals.find_place(creator_id, shard, event_id)
        try:
            verdict = compare_shard(creator_id, shard, bounds, self._services, place or 0)
        except TakenElsewhere:
            verdict = None
        if verdict:
            self._turn.park(f"creator/{creator_id}/{shard}", self._report(verdict))
            checked: ShardSum = totals.read_shard(creator_id, shard).checked
            totals.keep_shard(creator_id, shard, checked, replace(checked, is_parked=True))
        return NOT_RECEIVED if place is None else None

    def _report(self, verdict: Mismatch | Undecided) -> str:
        """Log and count a verdict. Returns the reason for setting the item aside."""
        if isinstance(verdict, Undecided):
            self._turn.carry_over()
            return verdict.reason
        figures = {"what": verdict.what, "stored": verdict.stored, "added_up": verdict.added_up}
        log.error("total_mismatch", extra=figures)
        self._mismatches.append(verdict)
        return "total_mismatch"
