"""Comparison of wallets and creators' shards with their entries, and the sums that were checked by it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.ids import KEY_WINDOW, first_id
from chalicelib.domain.totals import (
    BEGINNING,
    TOO_LONG,
    UNCONFIRMED,
    UNSETTLED,
    EntriesSum,
    Judgment,
    Level,
    Mismatch,
    ShardScan,
    ShardSum,
    ShardTotal,
    TakenElsewhere,
    Tally,
    TimeIsOver,
    TooMany,
    Undecided,
    WalletSum,
    judge,
)
from chalicelib.domain.work import Part
from chalicelib.ports.clock import Clock
from chalicelib.ports.totals import Totals
from chalicelib.usecases.recovery import SETTLE_DELAY
from chalicelib.usecases.work import Turn, WorkServices, work_on

HOUR: Final = timedelta(hours=1)
ID_WINDOW: Final = KEY_WINDOW + HOUR
"""Time that an entry's id is older than its posting, except for purchases that are paid late."""
LATE: Final = timedelta(days=2)
"""Time after posting within which the relay, or the sweep, delivers nearly all entries."""
MAX_ATTEMPTS: Final = 3
PAGE: Final = 100
"""Rows between two reads of the clock."""

Row = TypeVar("Row")
Verdict = Mismatch | Undecided | None


class TotalsServices(WorkServices, Protocol):
    """Services that a comparison needs."""

    @property
    def totals(self) -> Totals: ...


class Bounds(Struct, frozen=True, kw_only=True):
    """Bounds of a comparison: its end, the most rows that it reads, those of a shard that any run reads, and those
    between two notes of the place."""

    until: datetime
    rows: int | None
    short: int
    piece: int


def compare_wallet(
    user_id: str,
    stored: WalletSum | None,
    bounds: Bounds,
    services: TotalsServices,
    seen: tuple[datetime, int] | None = None,
    *,
    is_found: bool = False,
) -> Verdict:
    """Compare the wallet with the entries since its checked sum; without one, or if they differ, with all.

    Args:
        user_id: the wallet.
        stored: its checked sum.
        bounds: the bounds of this run.
        services: the ports.
        seen: its coins as just read, after the time, which saves a read.
        is_found: an earlier run found a mismatch, and began the second sum.

    Raises:
        TimeIsOver: no time is left; the next run goes on.
    """
    try:
        if stored and stored.after is None:
            found = _compare_recent(user_id, stored, bounds, services, seen)
            if not isinstance(found, Mismatch):
                return found
        return _compare_all(user_id, stored, bounds, services, is_found=is_found)
    except TooMany:
        return Undecided(reason="too_many_entries")


def _compare_all(
    user_id: str, stored: WalletSum | None, bounds: Bounds, services: TotalsServices, *, is_found: bool
) -> Verdict:
    """Compare the total with the sum of all entries.

    A mismatch is found by two sums: an entry whose id is older than ID_WINDOW could be posted meanwhile. The second one
    begins anew, also in a later run.
    """
    begun = stored if stored and stored.after else None
    is_parked = stored is not None and stored.is_parked
    try:
        while True:
            added = _add_up_wallet(user_id, begun, bounds, services, is_parked=is_parked)
            found = _compare_recent(user_id, added, bounds, services)
            if is_found or not isinstance(found, Mismatch):
                return found
            is_found, begun = True, None
            services.totals.keep_wallet(user_id, WalletSum(after="", is_parked=is_parked))
    except (TimeIsOver, TooMany):
        if not is_found:
            raise
        return UNCONFIRMED


def _add_up_wallet(
    user_id: str, begun: WalletSum | None, bounds: Bounds, services: TotalsServices, *, is_parked: bool
) -> WalletSum:
    """Add up the entries that were a minute old when this sum was begun, perhaps by an earlier run.

    These are never more, so the sum goes on where it was left. It is finished when a total agrees with it. Of later
    entries it has those that are not listed as recent ones, as their ids are old.
    """
    totals, clock = services.totals, services.clock
    begun = begun or WalletSum(at=clock.now() - UNSETTLED, is_parked=is_parked)
    coins, after, recent = begun.coins, begun.after or "", _first_recent(begun)
    try:
        for entry in _bounded(totals.list_posted(user_id, after), bounds, clock):
            coins += entry.coins if entry.posted_at <= begun.at or entry.entry_id < recent else 0
            after = entry.entry_id
    finally:
        if after:
            totals.keep_wallet(user_id, replace(begun, coins=coins, after=after))
    return WalletSum(coins=coins, at=begun.at)


def _compare_recent(
    user_id: str,
    checked: WalletSum,
    bounds: Bounds,
    services: TotalsServices,
    seen: tuple[datetime, int] | None = None,
) -> Verdict:
    """Compare the total with a sum and the entries since.

    The entries are listed after each read of the total. It has those that were a minute old, or in an earlier list;
    others it may have or not. A mismatch is found twice in a row: a transaction's writes are not visible at once.
    """
    totals, clock = services.totals, services.clock
    after = _first_recent(checked)
    certain: Tally | None = None
    judgment = Judgment.UNSURE
    for _ in range(MAX_ATTEMPTS):
        read_at, coins = seen or (clock.now(), totals.read_wallets([user_id])[user_id].coins)
        seen, recent = None, EntriesSum(checked, read_at)
        for entry in _bounded(totals.list_posted(user_id, after), bounds, clock):
            recent.add(entry)
        before, judgment = judgment, judge(coins, certain or recent.settled, recent.listed)
        if judgment is Judgment.AGREES:
            totals.keep_wallet(user_id, recent.checked)
            return None
        if before is judgment is Judgment.DIFFERS:
            return Mismatch(what=f"wallet/{user_id}", stored=coins, added_up=recent.listed.coins)
        certain = recent.listed
    return Undecided(reason="always_changing")


def _first_recent(checked: WalletSum) -> str:
    return first_id(max(BEGINNING, checked.at - ID_WINDOW))


def compare_shard(
    creator_id: str, shard: int, bounds: Bounds, services: TotalsServices, place: int | None = None
) -> Verdict:
    """Compare the shard with the entries since its checked sum; if that does not suffice, with all.

    The total is read first, so that the entries of all its places exist. Later ones do not matter. A few new entries
    are read at once. Only one run compares more than these, in slices, and then the ones that came meanwhile. The
    others pass on.

    Args:
        creator_id: the creator.
        shard: the shard.
        bounds: the bounds of this run.
        services: the ports.
        place: the sequence of an entry, if only a checked sum before it, of a shard that is not set aside, matters.

    Raises:
        TimeIsOver: no time is left; the next run goes on.
        TakenElsewhere: another run is at it.
    """
    totals, name = services.totals, (creator_id, shard)
    read_at, total = services.clock.now(), totals.read_shard(creator_id, shard)
    if place is not None and total.has_checked(place):
        return None
    if mismatch := total.reset(f"creator/{creator_id}/{shard}"):
        return mismatch
    new = _begin(Level.NEW, total.checked, total, read_at)
    try:
        scan = _read_on(name, new, replace(bounds, rows=bounds.short), services, None)
    except TooMany:
        scan = new
    if scan.judgment is Judgment.AGREES:
        totals.keep_shard(creator_id, shard, total.checked, scan.checked)
        return None
    if verdict := _compare_alone(name, bounds, services):
        return verdict
    try:  # runs that passed on rely on this one for what the shard has received by now
        return compare_shard(creator_id, shard, bounds, services)
    except TimeIsOver:  # the entry of this run is in the checked sum, so only a retry goes on
        return TOO_LONG


def _compare_alone(name: tuple[str, int], bounds: Bounds, services: TotalsServices) -> Verdict:
    verdicts: list[Verdict] = []

    def step(turn: Turn) -> None:
        verdicts.append(_compare_in_slices(turn, name, bounds, services))
        turn.move("done")

    part = Part(worker="audit", name="/".join(map(str, name)))
    try:
        work_on(part, step, services, deadline=bounds.until)
    except TooMany:
        return Undecided(reason="too_many_entries")
    if not verdicts:
        raise TakenElsewhere
    return verdicts[0]


def _compare_in_slices(turn: Turn, name: tuple[str, int], bounds: Bounds, services: TotalsServices) -> Verdict:
    """Go on with the scan that a run has left, and then from level to level until one has a result."""
    totals, clock = services.totals, services.clock
    read_at, total = clock.now(), totals.read_shard(*name)
    scan = ShardScan.parse(turn.at)
    if scan is None or scan.sequence < total.checked.sequence:
        scan = _begin(Level.NEW, total.checked, total, read_at)
    while True:
        # New entries are read in any case.
        scan = _read_on(name, scan, replace(bounds, rows=None) if scan.level is Level.NEW else bounds, services, turn)
        if scan.judgment is Judgment.AGREES:
            totals.keep_shard(*name, total.checked, scan.checked)
            return None
        if scan.judgment is Judgment.DIFFERS or (scan.level is Level.ALL and not scan.is_complete):
            return scan.mismatch("/".join(("creator", *map(str, name))))
        if scan.level is Level.LAST:
            return Undecided(reason="always_changing")
        read_at, total = clock.now(), totals.read_shard(*name)
        if scan.level is Level.ALL:
            scan = _begin(Level.LAST, scan.checked, total, read_at)
        else:
            level = Level.LATE if scan.level is Level.NEW and not scan.is_complete else Level.ALL
            scan = _begin(level, total.checked, total, read_at)


def _begin(level: Level, checked: ShardSum, total: ShardTotal, read_at: datetime) -> ShardScan:
    """Begin a scan. An entry may be received up to SETTLE_DELAY after it was posted."""
    since = max(BEGINNING, checked.at - LATE) if level is Level.LATE else checked.at
    checked = ShardSum() if level is Level.ALL else checked
    after = first_id(BEGINNING if level is Level.ALL else since)
    return ShardScan.begin(level, checked, total, at=read_at - SETTLE_DELAY, after=after)


def _read_on(
    name: tuple[str, int], scan: ShardScan, bounds: Bounds, services: TotalsServices, turn: Turn | None
) -> ShardScan:
    """Read on from the scan's place, which the turn keeps after each piece and where it is cut."""
    rows = _bounded(services.totals.list_received(*name, scan.after), bounds, services.clock)
    try:
        for number, row in enumerate(rows, start=1):
            scan = scan.plus(row)
            if turn and number % bounds.piece == 0:
                turn.move(scan.text)
    except (TimeIsOver, TooMany):
        if turn:
            turn.move(scan.text)
        raise
    return scan


def _bounded(rows: Iterable[Row], bounds: Bounds, clock: Clock) -> Iterator[Row]:
    """Yield the rows while there is time.

    Raises:
        TimeIsOver: no time is left.
        TooMany: there are more rows than the limit.
    """
    for number, row in enumerate(rows):
        if number == bounds.rows:
            raise TooMany
        if number % PAGE == 0 and clock.now() >= bounds.until:
            raise TimeIsOver
        yield row
