"""The way of a coin, from money to a creator's earnings, step by step through the public faces of a stack.

Each step is a function: its docstring is the headline, what it yields are the figures, and what should not be so it
raises as UnexpectedError.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace
from uuid_utils import uuid7

from infra.local.audit import audit
from infra.local.client import Bundle, Checkout, Fan, Gift, GiftItem, UnexpectedError, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber

_COPIES = 3
_QUANTITY = 2
_TAPS = 3


@dataclass
class Story:
    """Who is in it, and what happened so far."""

    facts: StackFacts
    overlay: Subscriber
    """Subscribed before anything happens, so it must hear of everything."""
    fan: Fan
    creator_id: str
    bundle: Bundle = field(init=False)
    checkout: Checkout = field(init=False)
    item: GiftItem = field(init=False)
    gift: Gift = field(init=False)
    given: int = 0
    """Coins, in all."""

    @property
    def stripe(self) -> StripeSide:
        """The payment provider."""
        return StripeSide(self.facts)


Step = Callable[[Story], Iterator[str]]


def list_bundles(story: Story) -> Iterator[str]:
    """The shop shows its coin bundles."""
    bundles = story.fan.bundles()
    story.bundle = bundles[0]
    yield f"{len(bundles)} bundles, of {min(b.coins for b in bundles)} to {max(b.coins for b in bundles)} coins"


def open_checkout(story: Story) -> Iterator[str]:
    """A fan picks one and opens a checkout."""
    story.checkout = story.fan.open_checkout(story.bundle.bundle_id).read(201, Checkout)
    again = story.fan.open_checkout(story.bundle.bundle_id, key=story.checkout.id).read(200, Checkout)
    _expect("the same request gives the same session", again.url, story.checkout.url)
    yield f"{story.checkout.coins} coins for {story.checkout.price}; asked twice, one session"


def pay(story: Story) -> Iterator[str]:
    """The fan pays by card on the provider's page."""
    _expect("nothing is credited before payment", story.fan.wallet().coins, 0)
    story.stripe.set_knobs(duplicates=_COPIES - 1)
    _expect("the pay page leads back to the shop", story.stripe.pay(story.checkout).status, 303)
    yield f"{story.checkout.price} paid; coming back to the shop credits nothing by itself"


def credit_once(story: Story) -> Iterator[str]:
    """The webhook arrives three times, the coins once."""
    story.stripe.wait_for_webhooks()
    statuses = [delivery.attempts[-1].status for delivery in story.stripe.deliveries(story.checkout)]
    story.stripe.set_knobs(duplicates=0)
    _expect("every copy is acknowledged", statuses, [200] * _COPIES)
    _expect("the checkout is posted", story.fan.checkout(story.checkout.id).status, "posted")
    _expect("the wallet has the coins once", story.fan.wallet().coins, story.checkout.coins)
    yield f"delivered {len(statuses)} times, answered {statuses}; the wallet holds {story.checkout.coins} coins"


def send_gift(story: Story) -> Iterator[str]:
    """The fan sends a gift, and a nervous client sends it again."""
    story.item = story.fan.gifts()[0]
    key = str(uuid7())
    first, second = (story.fan.send_gift(story.creator_id, story.item.item_id, _QUANTITY, key) for _ in range(2))
    story.gift = first.read(201, Gift)
    _expect("the repeat is the same gift", second.read(200, Gift), story.gift)
    _expect("the repeat says so", second.headers.get("Idempotent-Replayed"), "true")
    story.given = story.item.coins * _QUANTITY
    left = story.checkout.coins - story.given
    _expect("one debit", story.fan.wallet().coins, left)
    yield f"{_QUANTITY} x {story.item.name} at {story.item.coins}: one debit of {story.gift.coins}, {left} coins left"


def hear_of_it(story: Story) -> Iterator[str]:
    """The overlay, subscribed to the topic, hears of it."""
    ours = {f"wallet/{story.fan.user_id}", f"creator/{story.creator_id}"}
    wait_until(
        "credit and gift were announced",
        lambda: ours <= {message["subject"] for message in story.overlay.receive().values()},
    )
    heard = story.overlay.messages[story.gift.event_id]
    _expect("it is a gift", heard["type"], "coinpurse.gift.sent.v1")
    _expect("it is for the creator", heard["subject"], f"creator/{story.creator_id}")
    yield from sorted(
        f"{m['type']} for {m['subject']}" for m in story.overlay.messages.values() if m["subject"] in ours
    )


def tap_a_streak(story: Story) -> Iterator[str]:
    """The fan taps away, and the overlay counts along until the streak ends."""
    streak_id, item = str(uuid7()), story.item
    for key in (streak_id, *(str(uuid7()) for _ in range(_TAPS - 1))):
        wish = {"creator_id": story.creator_id, "item_id": item.item_id, "streak_id": streak_id}
        story.given += story.fan.post("/gifts", wish, key).read(201, Gift).coins
    coins = item.coins * _TAPS
    _expect("every tap is debited", story.fan.wallet().coins, story.checkout.coins - story.given)
    yield f"{_TAPS} taps of {item.name}; waiting on purpose now, for a streak ends when its taps pause"
    wait_until("the streak's end was told", lambda: bool(story.overlay.receive() and _ends(story, streak_id)))
    counts = sorted(tap["count"] for tap in _taps(story, streak_id))
    _expect("the overlay counted along", counts, list(range(1, _TAPS + 1)))
    _expect("and heard of one end", [(end["count"], end["coins"]) for end in _ends(story, streak_id)], [(_TAPS, coins)])
    yield f"{_TAPS} taps of {item.name}, {_TAPS} debits; the overlay shows {', '.join(f'x{count}' for count in counts)}"
    yield f"coinpurse.gift.streak_ended.v1 for creator/{story.creator_id}: {_TAPS} gifts, {coins} coins"


def _taps(story: Story, streak_id: str) -> list[dict[str, Any]]:
    """What the streak had come to, gift by gift, as far as the overlay heard."""
    streaks = [told.get("streak") or {} for told in _told(story, "coinpurse.gift.sent.v1")]
    return [streak for streak in streaks if streak.get("streak_id") == streak_id]


def _ends(story: Story, streak_id: str) -> list[dict[str, Any]]:
    ends = _told(story, "coinpurse.gift.streak_ended.v1")
    return [told for told in ends if told["streak_id"] == streak_id]


def _told(story: Story, event_type: str) -> list[dict[str, Any]]:
    messages: Mapping[str, Any] = story.overlay.messages
    return [message["data"] for message in messages.values() if message["type"] == event_type]


def refund(story: Story) -> Iterator[str]:
    """Half of the price is refunded, and the coins follow the money."""
    price, coins = story.checkout.price, story.checkout.coins
    back = replace(price, amount_minor=price.amount_minor // 2)
    kept_minor = price.amount_minor - back.amount_minor
    paid_for = coins * kept_minor // price.amount_minor
    left = paid_for - story.given
    story.stripe.refund(story.checkout, back.amount_minor)
    story.stripe.wait_for_webhooks()
    clawed_back = [-entry.coins for entry in story.fan.entries() if entry.kind == "clawback"]
    _expect("what is not paid for any more is taken back, once", clawed_back, [coins - paid_for])
    _expect("the wallet holds what is left", story.fan.wallet(), Wallet(coins=max(left, 0), owed=max(-left, 0)))
    yield f"{back} of {price} refunded: {coins} x {kept_minor} / {price.amount_minor} = {paid_for} coins stay paid for"
    yield f"{coins - paid_for} coins clawed back, {left} left; the gifts stay given"
    told = ("coinpurse.coins.clawed_back.v1", f"wallet/{story.fan.user_id}")
    wait_until(
        "the clawback was announced",
        lambda: told in {(message["type"], message["subject"]) for message in story.overlay.receive().values()},
    )
    yield f"{told[0]} for {told[1]}"


def audit_ledger(story: Story) -> Iterator[str]:
    """The ledger is audited from outside."""
    wait_until("all was announced", lambda: story.overlay.has_heard_of(audit(story.facts).event_ids))
    found = audit(story.facts, heard=story.overlay.messages.keys())
    _expect("every invariant holds", found.broken, ())
    _expect("the creator earned the gifts", found.earned[story.creator_id], story.given)
    earned = sum(found.earned.values())
    yield f"{found.entries} posted entries, {found.coins_held} coins held, {earned} earned by creators"
    yield "wallets sum up; one credit per payment; creators received every gift once; everything was announced"
    yield "coins granted are the share of each price that is kept"


STEPS: tuple[Step, ...] = (
    list_bundles,
    open_checkout,
    pay,
    credit_once,
    send_gift,
    hear_of_it,
    tap_a_streak,
    refund,
    audit_ledger,
)


def _expect(claim: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise UnexpectedError(f"{claim}: expected {expected!r}, got {actual!r}")
