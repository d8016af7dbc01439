"""Totals of wallets and creators' shards, and their comparison with entries."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.domain.journal import JournalLine

UNSETTLED: Final = timedelta(minutes=1)
"""Age below which an entry's transaction may not have ended yet: requests end after 20 s, and clocks differ."""

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Time of a checked sum before the first entry."""

_BITS: Final = 1024


class WalletSum(Struct, frozen=True, kw_only=True):
    """Coins that a wallet's entries posted until `at` add up to, as the audit has checked before.

    `is_parked`: the wallet is set aside, because it differs from its entries or has no result. `after`: the last entry
    in a sum that is not finished, as adding up takes several runs.
    """

    coins: int = 0
    at: datetime = BEGINNING
    is_parked: bool = False
    after: str | None = None


class Chain(Struct, frozen=True, kw_only=True):
    """A shard's total at a place. `is_broken`: the total in the entry of the next place contradicts it."""

    sequence: int
    coins: int
    is_broken: bool = False


class ShardSum(Struct, frozen=True, kw_only=True):
    """Coins of a creator's shard after the entry of that sequence, as the audit has checked before.

    Entries of higher sequences, except late ones, were posted at `at` or later. `is_parked` as for WalletSum.
    """

    sequence: int = 0
    coins: int = 0
    at: datetime = BEGINNING
    is_parked: bool = False

    @property
    def chain(self) -> Chain:
        """Sequence and coins."""
        return Chain(sequence=self.sequence, coins=self.coins)


class WalletTotal(Struct, frozen=True, kw_only=True):
    """A wallet's coins, and its checked sum, if the audit has seen it before."""

    coins: int
    checked: WalletSum | None


class ShardTotal(Struct, frozen=True, kw_only=True):
    """Coins and last sequence of a creator's shard, and its checked sum."""

    coins: int
    sequence: int
    checked: ShardSum


class PostedCoins(Struct, frozen=True, kw_only=True):
    """Coins of a posted entry, signed."""

    entry_id: str
    coins: int
    posted_at: datetime


class ReceivedCoins(Struct, frozen=True, kw_only=True):
    """Coins of an entry that a creator's shard received. `total`: the shard's coins after it, None if unknown."""

    sequence: int
    coins: int
    total: int | None
    posted_at: datetime


class Mismatch(Struct, frozen=True, kw_only=True):
    """A stored total that differs from the sum of its entries. `what` names the wallet or shard."""

    what: str
    stored: int
    added_up: int


class Undecided(Struct, frozen=True, kw_only=True):
    """A comparison without a result: the reason."""

    reason: str


class TimeIsOver(Exception):
    """Raised when the time of the run is over."""


class TooMany(Exception):
    """Raised when a comparison would read more rows than it may."""


def sum_forward(checked: WalletSum, lines: Iterable[JournalLine]) -> WalletSum:
    """Add the lines that were posted after the checked sum."""
    new = [line for line in lines if line.posted_at > checked.at]
    return WalletSum(
        coins=checked.coins + sum(line.coins for line in new), at=max([checked.at, *(line.posted_at for line in new)])
    )


class Judgment(StrEnum):
    """Result of a comparison of a total with its entries."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNSURE = "unsure"


class Tally(Struct, frozen=True, kw_only=True):
    """Sums of the credits and of the debits of a wallet's entries."""

    credits: int = 0
    debits: int = 0

    @property
    def coins(self) -> int:
        """Their sum."""
        return self.credits + self.debits

    def plus(self, coins: int) -> "Tally":
        """Return the sums with one entry more."""
        return Tally(credits=self.credits + max(coins, 0), debits=self.debits + min(coins, 0))


class EntriesSum:
    """Sums of the entries posted after a checked sum, for a total that was read at `read_at`, before them.

    `listed` has all of them, `settled` those that the total has for certain, as they are a minute older.
    """

    def __init__(self, checked: WalletSum, read_at: datetime) -> None:
        self._since = checked.at
        self._until = max(checked.at, read_at - UNSETTLED)
        self.settled = self.listed = Tally(credits=checked.coins)

    def add(self, entry: PostedCoins) -> None:
        """Add an entry, unless the checked sum has it."""
        if entry.posted_at > self._since:
            self.listed = self.listed.plus(entry.coins)
        if self._since < entry.posted_at <= self._until:
            self.settled = self.settled.plus(entry.coins)

    @property
    def checked(self) -> WalletSum:
        """The sum of the entries that the total has for certain."""
        return WalletSum(coins=self.settled.coins, at=self._until)


def judge(coins: int, certain: Tally, listed: Tally) -> Judgment:
    """Compare a total that has all of some entries, and perhaps others that were listed after it."""
    lowest = certain.coins + listed.debits - certain.debits
    highest = certain.coins + listed.credits - certain.credits
    if coins == lowest == highest:
        return Judgment.AGREES
    return Judgment.UNSURE if lowest <= coins <= highest else Judgment.DIFFERS


def follow(start: Chain, rows: Iterable[ReceivedCoins]) -> Chain:
    """Follow a shard's entries from place to place up to a gap, and compare each total with the one before it."""
    sequence, coins = start.sequence, start.coins
    for row in sorted(rows, key=lambda row: row.sequence):
        if row.sequence > sequence + 1:
            break
        if row.sequence <= sequence or row.total not in {None, coins + row.coins}:
            return Chain(sequence=sequence, coins=coins, is_broken=True)
        sequence, coins = row.sequence, coins + row.coins
    return Chain(sequence=sequence, coins=coins)


class ReceivedSum:
    """Sum of all entries of a creator's shard up to a place, and the places taken: a bit for each."""

    def __init__(self, until: int) -> None:
        self._until = until
        self._taken: dict[int, int] = defaultdict(int)
        self._coins = self._rows = 0

    def add(self, row: ReceivedCoins) -> None:
        """Add an entry, unless it was received after the total was read."""
        if row.sequence > self._until:
            return
        self._coins += row.coins
        self._rows += 1
        if row.sequence > 0:
            self._taken[row.sequence // _BITS] |= 1 << row.sequence % _BITS

    def mismatch(self, what: str, total: ShardTotal) -> Mismatch | None:
        """Compare coins, then places: each must be taken once."""
        if self._coins != total.coins:
            return Mismatch(what=what, stored=total.coins, added_up=self._coins)
        taken = sum(bits.bit_count() for bits in self._taken.values())
        found = taken if self._rows == total.sequence else self._rows
        if found != total.sequence:
            return Mismatch(what=f"{what}/sequence", stored=total.sequence, added_up=found)
        return None
