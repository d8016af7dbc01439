"""Sample values of the domain, each for a new user unless a test names one."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.budgets import Budget, Limits, SelfExclusion, first_budget
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.membership_months import month_of
from chalicelib.domain.memberships import Membership
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.payments import Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Freeze, Review, ReviewReason, Settlement
from chalicelib.domain.settlements import Credit, credit_of, month_credit_of
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from tests.fake_memberships import invoice_of
from tests.fakes import START, session_of, uuid7_at

MAX_SMALL_BYTES = 224
"""A message and sender name of this size keep an entry below 1 KB with ids of any valid length."""

_numbers = count(1)


def new_id(at: datetime = START) -> str:
    """Return a UUIDv7 that sorts after all earlier ones with the same time."""
    return uuid7_at(at, next(_numbers))


def new_name(kind: str) -> str:
    return f"{kind}-{next(_numbers)}"


def a_purchase(user_id: str = "", **changes: Any) -> Purchase:
    """Build a pending purchase of 500 coins for 5.29 USD."""
    purchase = Purchase(
        purchase_id=new_id(),
        user_id=user_id or new_name("fan"),
        bundle_id="coins_500",
        channel="web",
        coins=500,
        amount_minor=529,
        currency="usd",
        created_at=START,
    )
    return replace(purchase, **changes)


def a_gift(user_id: str = "", **changes: Any) -> Gift:
    """Build a gift of 60 coins."""
    gift = Gift(
        gift_id=new_id(),
        user_id=user_id or new_name("fan"),
        event_id=new_id(),
        creator_id=new_name("creator"),
        shard=3,
        item_id="rose",
        quantity=6,
        price_coins=60,
        posted_at=START + timedelta(milliseconds=123),
    )
    return replace(gift, **changes)


def new_hour() -> datetime:
    """Return an hour in which no other test posts entries."""
    return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=next(_numbers))


def new_month() -> datetime:
    """Return a time in a month that no other test uses for reviews."""
    number = next(_numbers)
    return datetime(2100 + number // 12, 1 + number % 12, 28, 23, 59, 59, tzinfo=UTC)


def a_posting(posted_at: datetime = START + timedelta(seconds=30, milliseconds=7)) -> Posting:
    return Posting(posted_at=posted_at, event_id=new_id())


def an_adjustment(user_id: str = "", **changes: Any) -> Adjustment:
    """Build a grant of 70 coins."""
    adjustment = Adjustment(
        entry_id=new_id(),
        user_id=user_id or new_name("fan"),
        kind=Kind.GRANT,
        coins=70,
        posted_at=START + timedelta(minutes=1, milliseconds=5),
        event_id=new_id(),
        reason="a stream broke down",
        actor="olga",
    )
    return replace(adjustment, **changes)


def a_reversal(gift: Gift, **changes: Any) -> Adjustment:
    """Build the reversal of the gift."""
    return an_adjustment(
        **{
            "user_id": gift.user_id,
            "kind": Kind.GIFT_REVERSAL,
            "coins": gift.price_coins,
            "about": gift.gift_id,
            "creator_id": gift.creator_id,
            "shard": gift.shard,
            **changes,
        }
    )


def a_clawback(purchase: Purchase, coins: int, **changes: Any) -> Adjustment:
    """Build a clawback of coins of the purchase."""
    return an_adjustment(
        purchase.user_id,
        **{
            "kind": Kind.CLAWBACK,
            "coins": -coins,
            "about": purchase.purchase_id,
            "reason": None,
            "actor": None,
            **changes,
        },
    )


def a_freeze(user_id: str = "", **changes: Any) -> Freeze:
    freeze = Freeze(
        key=new_id(),
        user_id=user_id or new_name("fan"),
        is_frozen=True,
        reason="a stolen card",
        actor="olga",
        at=START,
    )
    return replace(freeze, **changes)


def a_settlement(**changes: Any) -> Settlement:
    settlement = Settlement(
        key=new_id(), decision="credit", reason="the fan sent a receipt", actor="olga", settled_at=START
    )
    return replace(settlement, **changes)


def a_review(**changes: Any) -> Review:
    review = Review(
        payment_id=new_name("pi"),
        reason=ReviewReason.PAID_TWICE,
        session_id="cs_test_1",
        purchase_id=new_id(),
        user_id="ann",
        coins=500,
        amount_minor=529,
        currency="usd",
        paid_at=START,
        opened_at=changes.get("paid_at", START),
    )
    return replace(review, **changes)


def a_credit(review: Review, entry: Entry | None = None, invoice: Invoice | None = None, **of: Any) -> Credit:
    """Build the credit of the review. `of`: the member of a month."""
    credit = credit_of(review, entry, a_posting(), "olga")
    return month_credit_of(credit, invoice, **of) if invoice else credit


def a_budget(**limits: Any) -> Budget:
    """Build a budget in UTC, set at START (noon)."""
    return first_budget(Limits(**{"zone": "UTC", **limits}), START)


def an_exclusion(user_id: str = "", **changes: Any) -> SelfExclusion:
    """Build a self-exclusion of 30 days from START."""
    exclusion = SelfExclusion(
        key=new_id(), user_id=user_id or new_name("fan"), days=30, until=START + timedelta(days=30), at=START
    )
    return replace(exclusion, **changes)


def a_notification(user_id: str = "", **changes: Any) -> NotificationEntry:
    """Build a budget reminder."""
    notification = NotificationEntry(
        entry_id=new_id(),
        user_id=user_id or new_name("fan"),
        kind=NotificationKind.BUDGET_REMINDER,
        posted_at=START + timedelta(milliseconds=9),
        event_id=new_id(),
        payload={"what": "coins", "period": "day", "percent": 80, "limit": 100, "ends_at": "2026-11-23T00:00:00.000Z"},
    )
    return replace(notification, **changes)


def gifts_to(creator_id: str, number: int, **changes: Any) -> list[Gift]:
    """Build gifts of 1, 2, 3 ... coins from one user to shard 0 of one creator."""
    return [
        a_gift("ann", creator_id=creator_id, shard=0, price_coins=coins, **changes) for coins in range(1, number + 1)
    ]


def buy(ledger: Ledger, user_id: str, coins: int) -> Purchase:
    """Open and post a purchase. Returns it as stored."""
    purchase = a_purchase(user_id, coins=coins)
    assert ledger.open_purchase(purchase) == Posted()
    assert ledger.post_purchase(session_of(purchase), a_posting()) == Posted()
    posted = ledger.find_entry(user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    return posted


def a_membership(user_id: str = "", **changes: Any) -> Membership:
    """Build a membership of 500 coins a month without a paid invoice."""
    membership = Membership(
        membership_id=new_id(),
        user_id=user_id or new_name("fan"),
        plan_id="coin_club",
        coins=500,
        amount_minor=499,
        currency="usd",
        created_at=START,
    )
    return replace(membership, **changes)


def a_month(membership: Membership, number: int = 1, **changes: Any) -> Purchase:
    """Build the posted purchase of a month of the membership."""
    invoice: Invoice = replace(invoice_of(membership, number), **changes)
    return month_of(invoice, a_posting())


def an_end(user_id: str, **changes: Any) -> NotificationEntry:
    """Build the notification that ends a membership."""
    notification = NotificationEntry(
        entry_id=new_id(),
        user_id=user_id,
        kind=NotificationKind.MEMBERSHIP_END,
        posted_at=START + timedelta(minutes=2),
        event_id=new_id(),
        payload={"membership_id": new_id(), "plan_id": "coin_club", "reason": "cancelled"},
    )
    return replace(notification, **changes)
