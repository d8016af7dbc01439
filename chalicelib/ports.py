"""What the use cases need of the world. Adapters give it, tests fake it, one contract suite holds them equal.

Every method may raise TryAgain: then nothing is known of the outcome, and the same call may be made again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.budgets import BudgetChange, SelfExclusion
from chalicelib.domain.events import Announcement, Publication
from chalicelib.domain.journal import JournalLine, Mismatch
from chalicelib.domain.lanes import Receipt
from chalicelib.domain.ledger import (
    Adjustment,
    Entry,
    Gift,
    GiftRefused,
    LaneEntry,
    Notice,
    Posting,
    Purchase,
    Status,
    StreakEnd,
    Wallet,
)
from chalicelib.domain.offers import SignedOffer
from chalicelib.domain.payments import CheckoutSession, Claim, MoneyState, StripeEvent
from chalicelib.domain.reviews import Freeze, Review, Settlement
from chalicelib.domain.spending import PurchaseRefused


class Clock(Protocol):
    """Time and new ids: the two things that a use case may not make up."""

    def now(self) -> datetime:
        """The time, UTC."""

    def new_id(self) -> str:
        """A new UUIDv7, lowercase."""


class Ledger(Protocol):
    """Wallets and entries. Each write is one round trip whose conditions stand in the write itself."""

    def open_purchase(self, purchase: Purchase, change: BudgetChange | None = None) -> PurchaseRefused | None:
        """Write a pending purchase and count its price down, if the fan's budget allows it, in one transaction.

        Args:
            purchase: the purchase; its `created_at` is the time by which the budget's periods have ended or not.
            change: the budget that takes the place of the one there is, in the same transaction.

        Returns:
            None when it was written, else why not.
        """

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Purchase | None:
        """Post the purchase that the paid session claims and credit its coins, in one transaction.

        Only if the stored quote says the same coins, amount and currency, and nothing was posted yet. A price that was
        given back to the fan's budget counts again, whatever is left.

        Returns:
            None when it was posted by this call; else the purchase as it is, untouched.

        Raises:
            NotFound: there is no such purchase.
        """

    def move_purchase(
        self, session: CheckoutSession, to: Status, allowed: Sequence[Status], change: BudgetChange | None = None
    ) -> Purchase | None:
        """Set the status of an unposted purchase if it is one of `allowed`. Returns and raises as post_purchase.

        With a change of the budget, that one gives the price back: in the same transaction, and once a purchase.
        """

    def follow_purchase(self, purchase: Purchase, kept_minor: int, adjustment: Adjustment | None) -> bool:
        """Note how much of a posted purchase's price is kept and, in the same transaction, move the coins.

        Returns:
            Whether it was written: only if the purchase still has the version that was read.
        """

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> GiftRefused | None:
        """Debit the fan, within the fan's budget, and write the gift, in one transaction; a streak is counted in it.

        Args:
            gift: its `posted_at` is the time by which the budget's periods have ended or not. The first of a streak
                needs that none is under way; any other that its own is.
            change: the budget that takes the place of the one there is, in the same transaction.
            ended: the streak that is under way and in the way of the gift's: it ends in the same transaction.

        Returns:
            None when all was done, else why nothing was.
        """

    def end_streak(self, user_id: str, ended: StreakEnd) -> bool:
        """Forget the streak and write what is told of its end, in one transaction.

        Returns:
            Whether it was done: only if the streak is as it was seen.
        """

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        """The entry, consistently read."""

    def read_wallet(self, user_id: str) -> Wallet:
        """The wallet, consistently read; a fan without one has an empty one."""

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        """At most `limit` entries, newest first, those older than the entry id `before`."""

    def receive_gifts(self, creator_id: str, lane: int, gifts: Sequence[LaneEntry]) -> Mapping[str, Receipt]:
        """Post entries of one lane to the creator's side, each exactly once however often it is told.

        Args:
            creator_id: the creator.
            lane: the lane.
            gifts: distinct, in the order that they take their sequence; with their streaks, 99 at most.

        Returns:
            The receipt of each by its event_id, whether it was given now or before.
        """

    def creator_coins(self, creator_id: str) -> int:
        """All the coins that a creator has received, over all lanes there can be, consistently read."""

    def mark_announced(self, user_id: str, entry_id: str, at: datetime) -> None:
        """Note that an entry without a creator was published. Noting it twice keeps the first time."""

    def file_review(self, review: Review) -> bool:
        """Put a payment aside for a person to look at. Whether it was new: the same payment twice is one review."""

    def change_budget(self, user_id: str, change: BudgetChange) -> bool:
        """Put a budget in the place of the one that was seen. Whether it was written: only if that is still the one."""

    def exclude(self, exclusion: SelfExclusion) -> bool:
        """Shut a fan out from spending, unless he is for longer, and keep that he did. Whether the act was new.

        Raises:
            IdempotencyConflict: the key names an exclusion for another time.
        """

    def post_notice(self, notice: Notice) -> bool:
        """Write a notice. Whether it was new: the same id twice is one notice."""


class OperatorDesk(Protocol):
    """What operators do to the ledger. Each act is one transaction, and its id is an idempotency key, too."""

    def grant(self, adjustment: Adjustment) -> Entry | None:
        """Credit coins. None when it was done, else the entry that already has its id."""

    def reverse_gift(self, adjustment: Adjustment) -> str | None:
        """Give a gift's coins back: `about` is the gift, which must be there.

        Returns:
            None when it was done; else the id of the entry that reversed the gift before.
        """

    def freeze(self, freeze: Freeze) -> None:
        """Set whether a wallet is frozen, and keep who said so. The same act twice is one."""

    def list_reviews(self, month: str) -> Sequence[Review]:
        """The reviews of a month, yyyy-mm."""

    def find_review(self, month: str, payment_id: str) -> Review | None:
        """The review, consistently read."""

    def settle_review(self, review: Review, settlement: Settlement, adjustment: Adjustment | None) -> Review | None:
        """Settle a review and, in the same transaction, credit the coins if there are any to credit.

        Returns:
            None when it was done; else the review as it was settled before.
        """


class Journal(Protocol):
    """All posted entries by the hour of their posting, and what the sweep and the audit read beside them."""

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        """The entries posted in the hour that begins at `hour`, in no order."""

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Those whose creator has not received them, or that nobody has announced."""

    def wallet_mismatch(self, user_id: str) -> Mismatch | None:
        """The wallet held against its posted entries. None when they agree, or change too fast to tell."""

    def lane_mismatch(self, creator_id: str, lane: int) -> Mismatch | None:
        """The lane held against its entries, its sequence included. None as above."""

    def read_watermark(self, name: str) -> datetime | None:
        """How far the worker of that name has come."""

    def move_watermark(self, name: str, to: datetime) -> None:
        """Note how far it has come."""


class PaymentGateway(Protocol):
    """The payment provider."""

    def open_session(self, purchase: Purchase) -> CheckoutSession:
        """The checkout session of a purchase: opened by the first call, the same one for every later call.

        Raises:
            IdempotencyConflict: the provider knows the purchase with other parameters: a new key is needed.
        """

    def find_claim(self, payment_intent: str) -> Claim | None:
        """What a payment says of the purchase it was made for; None for a stranger's payment."""

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        """The checkout session that a payment was made in, as it is now."""

    def read_money(self, payment_intent: str) -> MoneyState:
        """What was captured, refunded and disputed of a payment, as it is now."""

    def list_events(self, since: datetime, types: Collection[str]) -> Sequence[StripeEvent]:
        """The events of those types since then, oldest first; the provider keeps thirty days of them."""

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        """The event in a webhook's raw body.

        Raises:
            NotAuthentic: it was not signed for us within the last five minutes, or is no usable event.
        """


class EventPublisher(Protocol):
    """The topic that downstream consumers subscribe to."""

    def publish(self, announcements: Sequence[Announcement]) -> Publication:
        """Publish, at least once. Never raises: what was not accepted is told by its id."""


class RedriveQueue(Protocol):
    """Where a stream record goes that cannot be relayed, so that the others can."""

    def set_aside(self, keys: Mapping[str, str]) -> None:
        """Keep the keys of the entry for a person to look at."""


class StreakTimer(Protocol):
    """Tells when a streak may have ended."""

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        """Have the streak looked at after so long, at most 15 minutes; at least once."""


class OfferSigner(Protocol):
    """Signs bundles, so that anybody can check that they are ours."""

    def sign(self, offer: SignedOffer) -> str:
        """The offer as a compact JWS."""

    def read(self, jws: str) -> SignedOffer | None:
        """The offer that we signed, whether or not it has expired; None when we did not sign it."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """The keys that our signatures can be checked with, as the members of JWKs."""
