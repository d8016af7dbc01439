"""Fakes of the ports. The contract suite in tests/adapters runs the fake ledger beside the real stores."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from msgspec.structs import replace

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS, is_active, opening_refusal
from chalicelib.domain.payments import CheckoutSession, MoneyState, PurchaseRef, StripeEvent
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import DisputeHold, Purchase, Status
from chalicelib.domain.reviews import Review
from chalicelib.domain.shards import ShardPosition, streak_of
from chalicelib.domain.streaks import StreakEnd, is_of
from chalicelib.domain.wallets import Streak, Wallet
from chalicelib.errors import NotAuthentic, NotFound, TryAgain
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Repeated, Stale, Unchanged
from tests.fake_asking import FakeOpenCheckouts, FakePresentSessions, give_back
from tests.fake_budgets import Spending
from tests.fake_events import FakeEventList
from tests.fake_money import FakeMoney
from tests.fake_shards import FakePublished, ShardState, grown, is_as_seen, position

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAUSE = timedelta(seconds=5)
"""A gift after this pause starts a new streak."""


class FakeClock:
    """A clock that only `advance` moves. Its ids carry its time and a counter."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.minted = 0

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        self.minted += 1
        return uuid7_at(self.at, self.minted)

    def wait_until(self, at: datetime) -> None:
        self.at = max(self.at, at)

    def advance(self, by: timedelta) -> None:
        self.at += by


@lru_cache(maxsize=10_000)
def uuid7_at(at: datetime, number: int) -> str:
    """Build a UUIDv7 of that time. Numbers below 2^62 give distinct ids that sort by number."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number))


class FakeLedger(FakeOpenCheckouts, FakeMoney, FakePublished):
    """The Ledger port in dictionaries. Each call is atomic."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen: set[str] = set()
        self.streaks: dict[str, Streak] = {}
        self.opened: set[str] = set()
        self.shards: dict[tuple[str, int], ShardState] = {}
        self.published_runs: dict[str, datetime] = {}
        self.published_entries: dict[str, datetime] = {}
        self.reviews: dict[str, Review] = {}

    def open_purchase(
        self,
        purchase: Purchase,
        change: BudgetChange | None = None,
        return_url: str | None = None,
        limit: int = MAX_OPEN_CHECKOUTS,
    ) -> Posted | AlreadyExists | Rejected:
        known = self.find_entry(purchase.user_id, purchase.purchase_id)
        money = Spending(at=purchase.created_at, money=purchase.amount_minor, currency=purchase.currency)
        wallet, now = self.read_wallet(purchase.user_id), purchase.created_at
        allows = self.allows(purchase.user_id, money, change) and not wallet.freeze_reasons
        if known:
            # The first write requires that no window is active.
            is_first = not is_active(wallet.open_checkouts, now)
            return AlreadyExists(entry=known, wallet=None if allows and is_first else wallet)
        if not allows or opening_refusal(wallet.open_checkouts, limit, now):
            return Rejected(wallet=wallet)
        self.count_opened(purchase.user_id, now)
        self.count(purchase.user_id, money, change)
        self.opened.add(purchase.user_id)
        self.entries.setdefault(purchase.user_id, {})[purchase.purchase_id] = purchase
        self.keep_open(purchase, return_url)
        return Posted()

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Posted | Unchanged:
        ref = session.require_ref()
        purchase = self._purchase_of(ref)
        quoted = (purchase.coins, purchase.amount_minor, purchase.currency)
        is_as_quoted = quoted == (ref.coins, session.subtotal_minor, session.currency)
        is_granted = self.granted_for.get(ref.purchase_id) == session.payment_intent
        if purchase.status is Status.POSTED or not is_as_quoted or is_granted:
            return Unchanged(purchase=purchase)
        self.entries[ref.user_id][ref.purchase_id] = replace(
            purchase,
            status=Status.POSTED,
            posted_at=posting.posted_at,
            event_id=posting.event_id,
            payment_intent=session.payment_intent,
            version=purchase.version + 1,
            is_released=False,
        )
        if purchase.is_released:
            paid = Spending(at=posting.posted_at, money=purchase.amount_minor, currency=purchase.currency)
            self.count_paid(ref.user_id, paid)
        self.coins[ref.user_id] = self.coins.get(ref.user_id, 0) + ref.coins
        give_back(self.windows, ref.user_id)
        return Posted()

    def move_purchase(
        self,
        ref: PurchaseRef,
        to: Status,
        allowed: Sequence[Status],
        change: BudgetChange | None = None,
        reason: str | None = None,
    ) -> Posted | Unchanged:
        purchase = self._purchase_of(ref)
        if purchase.status not in allowed:
            return Unchanged(purchase=purchase)
        if change and (purchase.is_released or self.change_budget(purchase.user_id, change) == Stale()):
            raise TryAgain
        is_released = purchase.is_released or change is not None
        moved = replace(purchase, status=to, is_released=is_released, failure_reason=reason or purchase.failure_reason)
        self.entries[purchase.user_id][purchase.purchase_id] = moved
        if reason:
            give_back(self.windows, purchase.user_id)
        return Posted()

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> Posted | AlreadyExists | Rejected:
        known = self.entries.get(gift.user_id, {}).get(gift.gift_id)
        has_wallet = self.has_wallet(gift.user_id)
        wallet = self.read_wallet(gift.user_id)
        coins = Spending(at=gift.posted_at, coins=gift.price_coins)
        allows = has_wallet and wallet.coins >= gift.price_coins and not wallet.freeze_reasons
        allows = allows and self.allows(gift.user_id, coins, change)
        if gift.streak_id:
            is_current = is_as_seen(wallet.streak, ended) if gift.begins_streak else is_of(gift, wallet.streak)
            allows = allows and is_current
        refusing_wallet = wallet if has_wallet and not allows else None
        if known:
            return AlreadyExists(entry=known, wallet=refusing_wallet)
        if not allows:
            return Rejected(wallet=refusing_wallet)
        self.count(gift.user_id, coins, change)
        self.coins[gift.user_id] = wallet.coins - gift.price_coins
        self.entries.setdefault(gift.user_id, {})[gift.gift_id] = gift
        if ended:
            self.entries[gift.user_id][ended.notification.entry_id] = ended.notification
        if gift.streak_id:
            self.streaks[gift.user_id] = grown(None if gift.begins_streak else wallet.streak, gift)
        return Posted()

    def end_streak(self, user_id: str, ended: StreakEnd) -> Posted | Stale:
        if not is_as_seen(self.streaks.get(user_id), ended):
            return Stale()
        del self.streaks[user_id]
        self.entries.setdefault(user_id, {})[ended.notification.entry_id] = ended.notification
        return Posted()

    def has_wallet(self, user_id: str) -> bool:
        return any(user_id in held for held in (self.coins, self.frozen, self.opened, self.budgets, self.excluded))

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        return self.entries.get(user_id, {}).get(entry_id)

    def read_wallet(self, user_id: str) -> Wallet:
        return Wallet(
            user_id=user_id,
            coins=self.coins.get(user_id, 0),
            is_frozen_by_operator=user_id in self.frozen,
            open_disputes=self.disputes[user_id, DisputeHold.OPEN],
            lost_disputes=self.disputes[user_id, DisputeHold.LOST],
            paid_disputes=self.paid_disputes.get(user_id, 0),
            streak=self.streaks.get(user_id),
            budget=self.budgets.get(user_id),
            excluded_until=self.excluded.get(user_id),
            open_checkouts=self.windows.get(user_id),
            open_memberships=self.member_windows.get(user_id),
        )

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        known = self.entries.get(user_id, {})
        ids = sorted((entry_id for entry_id in known if before is None or entry_id < before), reverse=True)
        return [known[entry_id] for entry_id in ids[:limit]]

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        received = self.shards.setdefault((creator_id, shard), ShardState())
        for gift in gifts:
            if gift.event_id not in received.sequences:
                received.sequences[gift.event_id] = len(received.sequences) + 1
                received.runs[gift.event_id] = run_id
                received.coins = received.totals[gift.event_id] = received.coins + gift.creator_coins
                if streak := streak_of(gift):
                    count, coins = received.streaks.get(streak, (0, 0))
                    received.streaks[streak] = count + 1, coins + gift.creator_coins
                    received.counted[gift.event_id] = received.streaks[streak]
        return {gift.event_id: position(received, gift) for gift in gifts}

    def creator_coins(self, creator_id: str) -> int:
        return sum(shard.coins for (creator, _), shard in self.shards.items() if creator == creator_id)

    def file_review(self, review: Review) -> Posted | Repeated:
        is_known = review.name in self.reviews
        self.reviews.setdefault(review.name, review)
        return Repeated() if is_known else Posted()

    def has_moved_reviews(self, payment_id: str) -> bool:
        return any(review.payment_id == payment_id and review.moved for review in self.reviews.values())

    def _purchase_of(self, ref: PurchaseRef) -> Purchase:
        entry = self.find_entry(ref.user_id, ref.purchase_id)
        if not isinstance(entry, Purchase):
            raise NotFound
        return entry


class FakeGateway(FakePresentSessions, FakeEventList):
    """The PaymentGateway port: checkout sessions by purchase id, and events accepted with the signature `signed`."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = []
        self.sessions: dict[str, CheckoutSession] = {}
        self.opened = 0
        self.return_urls: list[str | None] = []
        self.events: dict[bytes, StripeEvent] = {}
        self.money: dict[str, MoneyState] = {}
        self.is_of_another_account = False
        self.pay_url = "https://pay.example"

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        session = self.find_session(payment_intent)
        return session.ref if session else None

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        found = [session for session in self.sessions.values() if session.payment_intent == payment_intent]
        return found[0] if found else None

    def read_money(self, payment_intent: str) -> MoneyState:
        if payment_intent not in self.money:
            raise NotFound
        return self.money[payment_intent]

    def has_event(self, event_id: str) -> bool:
        del event_id
        return not self.is_of_another_account

    def open_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession:
        self.opened += 1
        self.return_urls.append(return_url)
        return self.sessions.setdefault(
            purchase.purchase_id, session_of(purchase, url=f"{self.pay_url}/{purchase.purchase_id}")
        )

    def read_event(self, payload: bytes, signature: str, now: datetime) -> StripeEvent:
        del now
        if signature != "signed" or payload not in self.events:
            raise NotAuthentic
        return self.events[payload]

    def sign(self, event: StripeEvent) -> bytes:
        payload = f"event {len(self.events)}".encode()
        self.events[payload] = event
        return payload


def session_of(purchase: Purchase, **changes: object) -> CheckoutSession:
    """Build the paid checkout session of a purchase, with `changes` to its fields."""
    session = CheckoutSession(
        session_id=f"cs_test_{purchase.purchase_id}",
        mode="payment",
        payment_status="paid",
        payment_intent=f"pi_{purchase.purchase_id}",
        subtotal_minor=purchase.amount_minor,
        total_minor=purchase.amount_minor,
        currency=purchase.currency,
        created_at=purchase.created_at,
        ref=purchase.ref,
        url=f"https://pay.example/{purchase.purchase_id}",
        status="complete",
    )
    return replace(session, **changes)
