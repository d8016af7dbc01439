"""Totals of wallets and creators' shards, and their comparison with entries."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JournalLine

UNSETTLED: Final = timedelta(minutes=1)
"""Age below which an entry's transaction may not have ended yet: requests end after 20 s, and clocks differ."""

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Time of a checked sum before the first entry."""


class WalletSum(Struct, frozen=True, kw_only=True):
    """Coins that a wallet's entries posted until `at` add up to, as the audit has checked before.

    `is_parked`: the wallet is set aside, because it differs from its entries or has no result. `after`: the last entry
    in a sum that is not finished, as adding up takes several runs.
    """

    coins: int = 0
    at: datetime = BEGINNING
    is_parked: bool = False
    after: str | None = None


class ShardSum(Struct, frozen=True, kw_only=True):
    """Coins of a creator's shard after the entry of that sequence, as the audit has checked before.

    Entries of higher sequences, except late ones, were posted at `at` or later. `is_parked` as for WalletSum.
    """

    sequence: int = 0
    coins: int = 0
    at: datetime = BEGINNING
    is_parked: bool = False


class Mismatch(Struct, frozen=True, kw_only=True):
    """A stored total that differs from the sum of its entries. `what` names the wallet or shard."""

    what: str
    stored: int
    added_up: int


class WalletTotal(Struct, frozen=True, kw_only=True):
    """A wallet's coins, and its checked sum, if the audit has seen it before."""

    coins: int
    checked: WalletSum | None


class ShardTotal(Struct, frozen=True, kw_only=True):
    """Coins and last sequence of a creator's shard, and its checked sum."""

    coins: int
    sequence: int
    checked: ShardSum

    def has_checked(self, place: int) -> bool:
        """Return True if the entry of that sequence needs no look: it is in the sum, or the shard is set aside."""
        return self.checked.is_parked or 0 < place <= self.checked.sequence <= self.sequence

    def reset(self, what: str) -> Mismatch | None:
        """Report a sequence that is lower than the checked sum's, as one that was deleted or set back is."""
        if self.sequence >= self.checked.sequence:
            return None
        return _wrong_places(what, self.sequence, _sum_to(self.checked.sequence))


class PostedCoins(Struct, frozen=True, kw_only=True):
    """Coins of a posted entry, signed."""

    entry_id: str
    coins: int
    posted_at: datetime


class ReceivedCoins(Struct, frozen=True, kw_only=True):
    """Coins of an entry that a creator's shard received. `total`: the shard's coins after it, None if unknown."""

    event_id: str
    sequence: int
    coins: int
    total: int | None


class Undecided(Struct, frozen=True, kw_only=True):
    """A comparison without a result: the reason."""

    reason: str


TOO_LONG: Final = Undecided(reason="too_long")
"""Result of a comparison whose time was over, and which goes on later."""
UNCONFIRMED: Final = Undecided(reason="unconfirmed")
"""Result of a comparison that found a mismatch once, and had no time to find it again."""


class TimeIsOver(Exception):
    """Raised when the time of the run is over."""


class TakenElsewhere(Exception):
    """Raised when another run compares the shard."""


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


class Level(IntEnum):
    """The entries of a scan: those since a checked sum, late ones, too, or all; or those since the sum of all."""

    NEW = 0
    LATE = 1
    ALL = 2
    LAST = 3


class ShardScan(Struct, frozen=True, kw_only=True):
    """Sum of a shard's entries, added to the coins at a place, up to the shard's total as read before them.

    All these entries exist when the total is read, and are never more, so the scan may take several runs. `after` is
    its last entry so far, `at` the time of its checked sum. `is_confirmed`: the first entry's total confirms the coins
    that the scan began with. `places` is the sum of the sequences.
    """

    level: Level
    first: int
    opening: int
    sequence: int
    stored: int
    at: datetime
    after: str
    coins: int
    places: int
    is_confirmed: bool = False

    @staticmethod
    def begin(level: Level, checked: ShardSum, total: ShardTotal, at: datetime, after: str) -> "ShardScan":
        """Begin after a checked sum."""
        return ShardScan(
            level=level,
            first=checked.sequence,
            opening=checked.coins,
            sequence=total.sequence,
            stored=total.coins,
            at=at,
            after=after,
            coins=checked.coins,
            places=_sum_to(checked.sequence),
        )

    @staticmethod
    def parse(text: str | None) -> "ShardScan | None":
        """Parse a position. None if no scan is under way."""
        if text is None or "|" not in text:
            return None
        at, after, *numbers = text.split("|")
        level, first, opening, sequence, stored, coins, places, is_confirmed = map(int, numbers)
        return ShardScan(
            level=Level(level),
            first=first,
            opening=opening,
            sequence=sequence,
            stored=stored,
            at=datetime.fromisoformat(at),
            after=after,
            coins=coins,
            places=places,
            is_confirmed=bool(is_confirmed),
        )

    @property
    def text(self) -> str:
        """The scan as the position of a run."""
        numbers = (self.level, self.first, self.opening, self.sequence, self.stored, self.coins, self.places)
        return "|".join((iso(self.at), self.after, *(str(int(each)) for each in (*numbers, self.is_confirmed))))

    @property
    def checked(self) -> ShardSum:
        """The checked sum after the scan."""
        return ShardSum(sequence=self.sequence, coins=self.coins, at=self.at)

    @property
    def is_complete(self) -> bool:
        """True if each place was taken once."""
        return self.places == _sum_to(self.sequence)

    @property
    def judgment(self) -> Judgment:
        """Compare the total. A checked sum that no entry confirms says nothing about it."""
        if self.is_complete and self.coins == self.stored:
            return Judgment.AGREES
        is_sure = self.level is Level.LAST or (self.level < Level.ALL and self.is_confirmed)
        return Judgment.DIFFERS if self.is_complete and is_sure else Judgment.UNSURE

    def plus(self: "ShardScan", row: ReceivedCoins) -> "ShardScan":
        """Add an entry, unless the scan began after its place, or it was received after the total was read."""
        if not self.first < row.sequence <= self.sequence:
            return replace(self, after=row.event_id)
        is_next = row.sequence == self.first + 1 and row.total == self.opening + row.coins
        return replace(
            self,
            after=row.event_id,
            coins=self.coins + row.coins,
            places=self.places + row.sequence,
            is_confirmed=self.is_confirmed or is_next,
        )

    def mismatch(self, what: str) -> Mismatch:
        """Report the coins, or else the sum of the places."""
        if self.coins != self.stored:
            return Mismatch(what=what, stored=self.stored, added_up=self.coins)
        return _wrong_places(what, self.sequence, self.places)


def _wrong_places(what: str, sequence: int, places: int) -> Mismatch:
    return Mismatch(what=f"{what}/sequence", stored=_sum_to(sequence), added_up=places)


def _sum_to(sequence: int) -> int:
    return sequence * (sequence + 1) // 2
