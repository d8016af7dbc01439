"""Builders of valid domain values for tests; keyword arguments change single fields."""

from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.catalogue import Bundle, Catalogue, GiftItem
from chalicelib.domain.economy import CoinRules, CreatorShare, Economy, GiftRules, Text, Tier
from chalicelib.domain.gifts import Gift, GiftOrder
from chalicelib.domain.journal import JournalLine
from chalicelib.domain.memberships import Membership, MembershipOrder
from chalicelib.domain.operators import Act
from chalicelib.domain.payments import Booking, Dispute, Refund
from chalicelib.domain.plans import Plan
from chalicelib.domain.purchases import CheckoutOrder, Purchase, Status
from tests.fakes import START, uuid7_at

FAN = "fan-1"
CREATOR = "creator-1"
KEY = uuid7_at(START, 1)
EVENT_ID = uuid7_at(START, 2)


_WITHDRAWN = {"needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost"}
SHORT = Text(max_characters=200, max_bytes=224)


def an_economy(**changes: Any) -> Economy:
    """Build an economy with every kind of giving."""
    tiers = [
        Tier(min_coins=10, text=Text(max_characters=0, max_bytes=0), color="blue"),
        Tier(min_coins=50, text=Text(max_characters=80, max_bytes=320), color="green", pin_seconds=60),
        Tier(min_coins=250, text=Text(max_characters=350, max_bytes=1400, max_emoji=3), color="red", pin_seconds=300),
    ]
    economy = Economy(
        name="example",
        as_of="2026-11",
        source="made up",
        gift=GiftRules(max_quantity=9_999, text=SHORT, allows_anonymous=True, streak_seconds=5),
        cheer=CoinRules(tiers=[Tier(min_coins=5, text=SHORT)], max_coins=1_000, allows_anonymous=True),
        super_chat=CoinRules(tiers=tiers, max_coins=5_000, allows_anonymous=False),
        share=CreatorShare(
            unit="point", units=1, per_coins=2, worth_units=200, worth_minor=100, currency="usd", least_units=0
        ),
    )
    return replace(economy, **changes)


def a_bundle(bundle_id: str = "coins_70", coins: int = 70, **changes: Any) -> Bundle:
    prices = {"web": {"usd": 74}, "in_app": {"usd": 99}}
    return replace(Bundle(bundle_id=bundle_id, coins=coins, bonus_coins=0, prices=prices), **changes)


def a_gift_item(item_id: str = "rose", coins: int = 1, name: str = "Rose") -> GiftItem:
    return GiftItem(item_id=item_id, name=name, coins=coins)


def a_plan(plan_id: str = "coin_club", coins: int = 500, **changes: Any) -> Plan:
    return replace(Plan(plan_id=plan_id, name="Coin Club", coins=coins, prices={"usd": 499}), **changes)


def a_catalogue(
    *things: Bundle | GiftItem | Plan, custom_max_coins: int | None = None, freeze_on_dispute: bool = True
) -> Catalogue:
    """Build a catalogue of these things, with defaults for missing bundles, gifts and plans."""
    plans = [thing for thing in things if isinstance(thing, Plan)] or [a_plan()]
    bundles = [thing for thing in things if isinstance(thing, Bundle)] or [a_bundle()]
    gifts = [thing for thing in things if isinstance(thing, GiftItem)] or [a_gift_item(), a_gift_item("cake", 35)]
    return Catalogue(
        economy=an_economy(),
        bundles={bundle.bundle_id: bundle for bundle in bundles},
        gifts={gift.item_id: gift for gift in gifts},
        memberships={plan.plan_id: plan for plan in plans},
        custom_max_coins=custom_max_coins,
        freeze_on_dispute=freeze_on_dispute,
    )


def a_membership_order(**changes: Any) -> MembershipOrder:
    return replace(MembershipOrder(membership_id=KEY, user_id=FAN, plan_id="coin_club", currency="usd"), **changes)


def a_membership(**changes: Any) -> Membership:
    """Build a pending purchase."""
    membership = Membership(
        membership_id=KEY,
        user_id=FAN,
        plan_id="coin_club",
        coins=500,
        amount_minor=499,
        currency="usd",
        created_at=START,
    )
    return replace(membership, **changes)


def a_checkout_order(**changes: Any) -> CheckoutOrder:
    order = CheckoutOrder(purchase_id=KEY, user_id=FAN, bundle_id="coins_70", currency="usd", channel="web")
    return replace(order, **changes)


def a_purchase(**changes: Any) -> Purchase:
    purchase = Purchase(
        purchase_id=KEY,
        user_id=FAN,
        bundle_id="coins_70",
        channel="web",
        coins=70,
        amount_minor=74,
        currency="usd",
        created_at=START,
    )
    return replace(purchase, **changes)


def a_posted_purchase(**changes: Any) -> Purchase:
    """Build the purchase posted by the payment of `session_of`."""
    purchase_id = changes.get("purchase_id", KEY)
    posted = {
        "status": Status.POSTED,
        "posted_at": START,
        "event_id": EVENT_ID,
        "payment_intent": f"pi_{purchase_id}",
    }
    return a_purchase(**posted | changes)


def a_gift_order(**changes: Any) -> GiftOrder:
    return replace(GiftOrder(gift_id=KEY, user_id=FAN, creator_id=CREATOR, item_id="rose"), **changes)


def a_gift(**changes: Any) -> Gift:
    gift = Gift(
        gift_id=KEY,
        user_id=FAN,
        event_id=EVENT_ID,
        creator_id=CREATOR,
        shard=0,
        item_id="rose",
        quantity=1,
        price_coins=1,
        posted_at=START,
    )
    return replace(gift, **changes)


def an_act(**changes: Any) -> Act:
    return replace(Act(key=KEY, actor="olga", reason="a stream broke down"), **changes)


def an_adjustment(**changes: Any) -> Adjustment:
    """Build a grant of 70 coins."""
    adjustment = Adjustment(
        entry_id=KEY,
        user_id=FAN,
        kind=Kind.GRANT,
        coins=70,
        posted_at=START,
        event_id=EVENT_ID,
        reason="a stream broke down",
        actor="olga",
    )
    return replace(adjustment, **changes)


def a_reversal(gift: Gift, **changes: Any) -> Adjustment:
    """Build the reversal of a gift."""
    reversal = an_adjustment(
        entry_id=f"{gift.gift_id}-back",
        event_id=f"{gift.event_id}-back",
        user_id=gift.user_id,
        kind=Kind.GIFT_REVERSAL,
        coins=gift.price_coins,
        about=gift.gift_id,
        creator_id=gift.creator_id,
        shard=gift.shard,
    )
    return replace(reversal, **changes)


def a_line(number: int, **changes: Any) -> JournalLine:
    line = JournalLine(
        user_id=FAN, entry_id=f"entry-{number}", event_id=f"event-{number}", kind="grant", coins=1, posted_at=START
    )
    return replace(line, **changes)


def a_refund(amount_minor: int = 74, status: str = "succeeded", currency: str = "usd") -> Refund:
    return Refund(refund_id=f"re_{amount_minor}", amount_minor=amount_minor, currency=currency, status=status)


def booked(*amounts_minor: int, currency: str = "usd", rate: str | None = None) -> list[Booking]:
    """Build the balance transactions of a dispute, oldest first."""
    return [
        Booking(
            booking_id=f"txn_{place}",
            amount_minor=amount_minor,
            currency=currency,
            rate=Fraction(rate) if rate else None,
        )
        for place, amount_minor in enumerate(amounts_minor)
    ]


def a_dispute(amount_minor: int = 74, status: str = "needs_response", currency: str = "usd", **changes: Any) -> Dispute:
    """Build a dispute with the balance transactions that Stripe books by its status."""
    amounts = [-amount_minor] if status in _WITHDRAWN else [-amount_minor, amount_minor] if status == "won" else []
    dispute = Dispute(
        amount_minor=amount_minor, currency=currency, status=status, bookings=booked(*amounts, currency=currency)
    )
    return replace(dispute, **changes)
