"""What the ledger holds: wallets, and entries that are facts.

An entry's id is the idempotency key of the request that made it. `coins` of an entry is what it did to the fan's
wallet: positive for a purchase, negative for a gift. A posted entry never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.domain.budgets import Budget

PENDING_LIFE: Final = timedelta(days=60)
"""How long a purchase that nobody paid is kept: longer than the payment provider can still tell us of it (30 days)."""


class Status(StrEnum):
    """Where a purchase stands. Posted is final: later money movements are entries of their own.

    pending -> processing (submitted, not paid yet) -> posted; pending | processing -> failed | expired;
    failed | expired -> posted (the money did arrive after all).
    """

    PENDING = "pending"
    PROCESSING = "processing"
    POSTED = "posted"
    FAILED = "failed"
    EXPIRED = "expired"


UNPOSTED: Final = tuple(status for status in Status if status is not Status.POSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A coin bundle that a fan asked for, and the quote it was asked at.

    `coins` is the total that the wallet is credited with, bonus included; `amount_minor` the price, tax included, in
    the minor unit of `currency`. `posted_at`, `event_id` and `payment_intent` are there once it is posted.
    `kept_minor` is how much of the price was kept when somebody last looked (None: nobody did); each look changes
    `version`. `is_given_back`: it ended unpaid, and its price no longer counts against the fan's budget.

    A paid month of a membership is a purchase, too: of that `membership_id`, of the plan that `bundle_id` names, and it
    makes the fan a member until `paid_until`.
    """

    purchase_id: str
    user_id: str
    bundle_id: str
    channel: str
    coins: int
    amount_minor: int
    currency: str
    created_at: datetime
    status: Status = Status.PENDING
    posted_at: datetime | None = None
    event_id: str | None = None
    payment_intent: str | None = None
    kept_minor: int | None = None
    version: int = 1
    is_given_back: bool = False
    membership_id: str = ""
    is_renewal: bool = False
    paid_until: datetime | None = None

    @property
    def entry_id(self) -> str:
        """The id that the entry is stored under."""
        return self.purchase_id


class GiftKind(StrEnum):
    """How a fan gives: an item of the catalogue, coins with a message, or coins that buy a place in the chat."""

    GIFT = "gift"
    CHEER = "cheer"
    SUPER_CHAT = "super_chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """Coins that a fan gave to a creator. `price_coins` > 0 is what left the wallet; `lane` where it is received.

    Only the kind `gift` has an `item_id`, only a super chat a `color` and a time, in seconds, to be pinned for.
    `streak_id` is the id of the first gift of the streak that this one belongs to.
    """

    gift_id: str
    user_id: str
    event_id: str
    creator_id: str
    lane: int
    item_id: str
    quantity: int
    price_coins: int
    posted_at: datetime
    kind: GiftKind = GiftKind.GIFT
    message: str = ""
    anonymous: bool = False
    sender_name: str = ""
    stream_id: str = ""
    streak_id: str = ""
    color: str = ""
    pin_seconds: int = 0

    @property
    def entry_id(self) -> str:
        """The id that the entry is stored under."""
        return self.gift_id

    @property
    def creator_coins(self) -> int:
        """What the gift is on the creator's side."""
        return self.price_coins

    @property
    def begins_streak(self) -> bool:
        """Whether it is the first of a streak, which bears its id."""
        return self.streak_id == self.gift_id


class Kind(StrEnum):
    """Why coins moved, other than by buying and giving."""

    CLAWBACK = "clawback"
    RESTORE = "restore"
    GRANT = "grant"
    GIFT_REVERSAL = "gift_reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Coins that moved in a wallet by something else than buying and giving: `coins` is signed.

    A clawback takes what the money no longer pays for, a restore gives it back: `about` is the purchase. A grant is an
    operator's, `about` the payment it settles, if any. A reversed gift goes back to the fan, `about` is the gift, and
    its creator's lane is countered. `reason` and `actor` tell why and who; never sent to anybody downstream.
    """

    entry_id: str
    user_id: str
    kind: Kind
    coins: int
    posted_at: datetime
    event_id: str
    about: str = ""
    reason: str = ""
    actor: str = ""
    creator_id: str = ""
    lane: int = 0

    @property
    def creator_coins(self) -> int:
        """What a reversed gift is on the creator's side: it counters what the gift was."""
        return -self.coins


class NoticeKind(StrEnum):
    """What there is to tell besides coins that moved."""

    STREAK_END = "streak_end"
    BUDGET_REMINDER = "budget_reminder"
    MEMBERSHIP_END = "membership_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the world must hear of and that moved no coins: an entry, so that it is told like any other.

    `facts` are what is told, by name; amounts among them are ints. With a creator it is received by that lane.
    """

    entry_id: str
    user_id: str
    kind: NoticeKind
    posted_at: datetime
    event_id: str
    facts: Mapping[str, str | int | None]
    creator_id: str = ""
    lane: int = 0

    @property
    def coins(self) -> int:
        """None moved."""
        return 0

    @property
    def creator_coins(self) -> int:
        """None moved."""
        return 0


Entry = Purchase | Gift | Adjustment | Notice
LaneEntry = Gift | Adjustment | Notice
"""What a creator's lane receives: a gift, its reversal, or what there is to tell of gifts."""


def lane_entry(entry: Entry | None) -> LaneEntry | None:
    """The entry, if it has a creator's side."""
    if isinstance(entry, Gift) or (isinstance(entry, Adjustment | Notice) and entry.creator_id):
        return entry
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """The streak that a fan has under way: gifts of one item to one creator, each debited by itself.

    `count` gifts so far for `coins` in all, the last one at `last_at`; all of them are received in `lane`.
    """

    streak_id: str
    creator_id: str
    item_id: str
    is_anonymous: bool
    lane: int
    count: int
    coins: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakEnd:
    """That a streak ends as it was seen, and what is told of that."""

    streak: Streak
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A fan's coins. Below zero only after a clawback: that is the debt. A fan may have a budget, or be shut out.

    At most one streak is under way.
    """

    user_id: str
    coins: int = 0
    is_frozen: bool = False
    streak: Streak | None = None
    budget: Budget | None = None
    excluded_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """The moment at which an entry is posted, and the id under which the world hears of it."""

    posted_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftRefused:
    """Why a gift was not posted: the entry that already has its id, or the wallet that would not allow it."""

    entry: Entry | None
    wallet: Wallet | None
