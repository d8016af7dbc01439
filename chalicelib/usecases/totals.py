"""Comparison of wallets and creators' shards with their entries, and the sums that were checked by it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.ids import KEY_WINDOW, first_id
from chalicelib.domain.totals import (
    BEGINNING,
    UNSETTLED,
    Chain,
    EntriesSum,
    Judgment,
    Mismatch,
    ReceivedCoins,
    ReceivedSum,
    ShardSum,
    ShardTotal,
    Tally,
    TimeIsOver,
    TooMany,
    Undecided,
    WalletSum,
    follow,
    judge,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.totals import Totals
from chalicelib.usecases.recovery import SETTLE_DELAY

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


class TotalsServices(Protocol):
    """Services that a comparison needs."""

    @property
    def totals(self) -> Totals: ...

    @property
    def clock(self) -> Clock: ...


class Bounds(Struct, frozen=True, kw_only=True):
    """Bounds of a comparison: its end, the most rows that it reads at once, and the most that it has in memory."""

    until: datetime
    rows: int | None
    piece: int


def compare_wallet(user_id: str, stored: WalletSum | None, bounds: Bounds, services: TotalsServices) -> Verdict:
    """Compare the wallet with the entries since its checked sum; without one, or if they differ, with all.

    A mismatch is found twice if there is time: an entry whose id is older than ID_WINDOW could be posted meanwhile.
    """
    has_sum = stored is not None and stored.after is None
    mismatch: Mismatch | None = None
    try:
        if stored and has_sum and not isinstance(found := _compare_recent(user_id, stored, bounds, services), Mismatch):
            return found
        for begun in (stored if stored and stored.after else None, None):
            added = _add_up_wallet(user_id, begun, bounds, services, is_parked=bool(stored and stored.is_parked))
            found = _compare_recent(user_id, added, bounds, services)
            if not isinstance(found, Mismatch):
                return found
            mismatch = found
    except TooMany:
        return mismatch or Undecided(reason="too_many_entries")
    except TimeIsOver:
        if mismatch is None:
            raise
    return mismatch


def _add_up_wallet(
    user_id: str, begun: WalletSum | None, bounds: Bounds, services: TotalsServices, *, is_parked: bool
) -> WalletSum:
    """Add up the entries that were a minute old when this sum was begun, perhaps by an earlier run.

    These are never more, so the sum goes on where it was left. It is finished when a total agrees with it.
    """
    totals, clock = services.totals, services.clock
    begun = begun or WalletSum(at=clock.now() - UNSETTLED, is_parked=is_parked)
    coins, after = begun.coins, begun.after or ""
    try:
        for entry in _bounded(totals.list_posted(user_id, after), bounds, clock):
            coins += entry.coins if entry.posted_at <= begun.at else 0
            after = entry.entry_id
    finally:
        if after:
            totals.keep_wallet(user_id, replace(begun, coins=coins, after=after))
    return WalletSum(coins=coins, at=begun.at)


def _compare_recent(user_id: str, checked: WalletSum, bounds: Bounds, services: TotalsServices) -> Verdict:
    """Compare the total with a sum and the entries since.

    The entries are listed after each read of the total. It has those that were a minute old, or in an earlier list;
    others it may have or not. A mismatch is found twice in a row: a transaction's writes are not visible at once.
    """
    totals, clock = services.totals, services.clock
    after = first_id(max(BEGINNING, checked.at - ID_WINDOW))
    certain: Tally | None = None
    judgment = Judgment.UNSURE
    for _ in range(MAX_ATTEMPTS):
        recent = EntriesSum(checked, clock.now())
        coins = totals.read_wallets([user_id])[user_id].coins
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


def compare_shard(creator_id: str, shard: int, bounds: Bounds, services: TotalsServices) -> Verdict:
    """Follow the shard's new entries up to its total, with late ones if places are missing; then add up all.

    The total is read first, so that the entries of all its places exist. Later ones do not matter.
    """
    try:
        # Following keeps its progress, so only the look for late entries needs the limit.
        unlimited = Bounds(until=bounds.until, rows=None, piece=bounds.piece)
        for lookback, within in ((timedelta(0), unlimited), (LATE, bounds)):
            read_at = services.clock.now()
            total = services.totals.read_shard(creator_id, shard)
            since = max(BEGINNING, total.checked.at - lookback)
            rows = _bounded(services.totals.list_received(creator_id, shard, since), within, services.clock)
            followed = _follow((creator_id, shard), total, rows, bounds.piece, services.totals)
            if followed is None:
                return None
            chain, seen = followed
            if chain == Chain(sequence=total.sequence, coins=total.coins):
                services.totals.keep_shard(creator_id, shard, seen, _whole(total, read_at))
                return None
            if chain.is_broken:
                break
        return _add_up_shard(creator_id, shard, bounds, services)
    except TooMany:
        return Undecided(reason="too_many_entries")


def _follow(
    name: tuple[str, int], total: ShardTotal, rows: Iterable[ReceivedCoins], piece: int, totals: Totals
) -> tuple[Chain, ShardSum] | None:
    """Follow the entries from the checked sum, which moves after each piece. None if another run follows them."""
    seen = total.checked
    chain = seen.chain
    waiting: list[ReceivedCoins] = []
    try:
        for row in rows:
            if chain.sequence < row.sequence <= total.sequence:
                waiting.append(row)
            if len(waiting) < piece:
                continue
            chain = follow(chain, waiting)
            waiting = [row for row in waiting if row.sequence > chain.sequence]
            if chain.is_broken or len(waiting) > piece // 2:
                break
            moved = _move(name, seen, chain, [*waiting, row], totals)
            if moved is None:
                return None
            seen = moved
    except TimeIsOver:
        chain = follow(chain, waiting)
        if rest := [row for row in waiting if row.sequence >= chain.sequence]:
            _move(name, seen, chain, rest, totals)
        raise
    return follow(chain, waiting), seen


def _move(
    name: tuple[str, int], seen: ShardSum, chain: Chain, rest: Sequence[ReceivedCoins], totals: Totals
) -> ShardSum | None:
    """Store how far the shard was followed, to continue with the rest. None if another run follows it."""
    at = min(row.posted_at for row in rest)
    moved = ShardSum(sequence=chain.sequence, coins=chain.coins, at=at)
    return moved if totals.keep_shard(*name, seen, moved) else None


def _add_up_shard(creator_id: str, shard: int, bounds: Bounds, services: TotalsServices) -> Mismatch | None:
    read_at = services.clock.now()
    total = services.totals.read_shard(creator_id, shard)
    added = ReceivedSum(total.sequence)
    for row in _bounded(services.totals.list_received(creator_id, shard, BEGINNING), bounds, services.clock):
        added.add(row)
    if mismatch := added.mismatch(f"creator/{creator_id}/{shard}", total):
        return mismatch
    services.totals.keep_shard(creator_id, shard, total.checked, _whole(total, read_at))
    return None


def _whole(total: ShardTotal, read_at: datetime) -> ShardSum:
    """Build the checked sum of a whole shard. An entry may be received up to SETTLE_DELAY after it was posted."""
    return ShardSum(sequence=total.sequence, coins=total.coins, at=read_at - SETTLE_DELAY)


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
