"""The steps of the demo: from a payment to a creator's earnings, through the public interfaces of a stack.

Each step is a generator function. Its docstring is the headline that the demo prints, it yields lines with figures, and
it raises UnexpectedError if the stack misbehaves.
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
    """The state that the steps share."""

    facts: StackFacts
    overlay: Subscriber
    """Subscribed before the first step, so it receives every event."""
    fan: Fan
    creator_id: str
    bundle: Bundle = field(init=False)
    checkout: Checkout = field(init=False)
    item: GiftItem = field(init=False)
    gift: Gift = field(init=False)
    coins_sent: int = 0
    """Coins of all gifts so far."""

    @property
    def stripe(self) -> StripeSide:
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
    repeated = story.fan.open_checkout(story.bundle.bundle_id, key=story.checkout.id).read(200, Checkout)
    _expect("the same request gives the same session", repeated.url, story.checkout.url)
    yield f"{story.checkout.coins} coins for {story.checkout.price}; requested twice, one session"


def pay(story: Story) -> Iterator[str]:
    """The fan pays by card on Stripe's page."""
    _expect("nothing is credited before payment", story.fan.wallet().coins, 0)
    story.stripe.set_knobs(duplicates=_COPIES - 1)
    _expect("the payment page redirects to the shop", story.stripe.pay(story.checkout).status, 303)
    yield f"{story.checkout.price} paid; the redirect to the shop credits nothing by itself"


def credit_once(story: Story) -> Iterator[str]:
    """The webhook arrives three times and credits the coins once."""
    story.stripe.wait_for_webhooks()
    statuses = [delivery.attempts[-1].status for delivery in story.stripe.deliveries(story.checkout)]
    story.stripe.set_knobs(duplicates=0)
    _expect("every copy is acknowledged", statuses, [200] * _COPIES)
    _expect("the checkout is posted", story.fan.checkout(story.checkout.id).status, "posted")
    _expect("the wallet has the coins once", story.fan.wallet().coins, story.checkout.coins)
    yield f"delivered {len(statuses)} times, answered {statuses}; the wallet holds {story.checkout.coins} coins"


def send_gift(story: Story) -> Iterator[str]:
    """The fan sends a gift, and the client repeats the request."""
    story.item = story.fan.gifts()[0]
    key = str(uuid7())
    first, second = (story.fan.send_gift(story.creator_id, story.item.item_id, _QUANTITY, key) for _ in range(2))
    story.gift = first.read(201, Gift)
    _expect("the repeat is the same gift", second.read(200, Gift), story.gift)
    _expect("the repeat is marked as one", second.headers.get("Idempotent-Replayed"), "true")
    story.coins_sent = story.item.coins * _QUANTITY
    left = story.checkout.coins - story.coins_sent
    _expect("one debit", story.fan.wallet().coins, left)
    yield f"{_QUANTITY} x {story.item.name} at {story.item.coins}: one debit of {story.gift.coins}, {left} coins left"


def receive_events(story: Story) -> Iterator[str]:
    """The overlay receives the events from the topic."""
    subjects = {f"wallet/{story.fan.user_id}", f"creator/{story.creator_id}"}
    wait_until(
        "credit and gift were published",
        lambda: subjects <= {message["subject"] for message in story.overlay.receive().values()},
    )
    received = story.overlay.messages[story.gift.event_id]
    _expect("it is a gift", received["type"], "coinpurse.gift.sent.v1")
    _expect("it is for the creator", received["subject"], f"creator/{story.creator_id}")
    yield from sorted(
        f"{m['type']} for {m['subject']}" for m in story.overlay.messages.values() if m["subject"] in subjects
    )


def send_streak(story: Story) -> Iterator[str]:
    """The fan sends a streak of gifts, and the overlay counts them until the streak ends."""
    streak_id, item = str(uuid7()), story.item
    for key in (streak_id, *(str(uuid7()) for _ in range(_TAPS - 1))):
        fields = {"creator_id": story.creator_id, "item_id": item.item_id, "streak_id": streak_id}
        story.coins_sent += story.fan.post("/gifts", fields, key).read(201, Gift).coins
    coins = item.coins * _TAPS
    _expect("every tap is debited", story.fan.wallet().coins, story.checkout.coins - story.coins_sent)
    yield f"{_TAPS} taps of {item.name}; waiting on purpose now: a streak ends when its taps pause"
    wait_until("the streak's end was published", lambda: bool(story.overlay.receive() and _ends(story, streak_id)))
    counts = sorted(tap["count"] for tap in _taps(story, streak_id))
    _expect("the overlay received each count", counts, list(range(1, _TAPS + 1)))
    _expect("and one end", [(end["count"], end["coins"]) for end in _ends(story, streak_id)], [(_TAPS, coins)])
    yield f"{_TAPS} taps of {item.name}, {_TAPS} debits; the overlay shows {', '.join(f'x{count}' for count in counts)}"
    yield f"coinpurse.gift.streak_ended.v1 for creator/{story.creator_id}: {_TAPS} gifts, {coins} coins"


def _taps(story: Story, streak_id: str) -> list[dict[str, Any]]:
    """Collect the streak's state from each of its gifts that the overlay received."""
    streaks = [payload.get("streak") or {} for payload in _payloads(story, "coinpurse.gift.sent.v1")]
    return [streak for streak in streaks if streak.get("streak_id") == streak_id]


def _ends(story: Story, streak_id: str) -> list[dict[str, Any]]:
    ends = _payloads(story, "coinpurse.gift.streak_ended.v1")
    return [payload for payload in ends if payload["streak_id"] == streak_id]


def _payloads(story: Story, event_type: str) -> list[dict[str, Any]]:
    messages: Mapping[str, Any] = story.overlay.messages
    return [message["data"] for message in messages.values() if message["type"] == event_type]


def refund(story: Story) -> Iterator[str]:
    """Half of the price is refunded, and the coins follow the money."""
    price, coins = story.checkout.price, story.checkout.coins
    refunded = replace(price, amount_minor=price.amount_minor // 2)
    kept_minor = price.amount_minor - refunded.amount_minor
    paid_for = coins * kept_minor // price.amount_minor
    left = paid_for - story.coins_sent
    story.stripe.refund(story.checkout, refunded.amount_minor)
    story.stripe.wait_for_webhooks()
    clawed_back = [-entry.coins for entry in story.fan.entries() if entry.kind == "clawback"]
    _expect("the coins of the refunded share are clawed back once", clawed_back, [coins - paid_for])
    _expect("the wallet holds what is left", story.fan.wallet(), Wallet(coins=max(left, 0), owed=max(-left, 0)))
    share = f"{coins} x {kept_minor} / {price.amount_minor} = {paid_for} coins"
    yield f"{refunded} of {price} refunded: {share} stay paid for"
    yield f"{coins - paid_for} coins clawed back, {left} left; the gifts are not reversed"
    clawback = ("coinpurse.coins.clawed_back.v1", f"wallet/{story.fan.user_id}")
    wait_until(
        "the clawback was published",
        lambda: clawback in {(message["type"], message["subject"]) for message in story.overlay.receive().values()},
    )
    yield f"{clawback[0]} for {clawback[1]}"


def audit_ledger(story: Story) -> Iterator[str]:
    """The ledger is audited from outside."""
    wait_until("all events were published", lambda: story.overlay.has_received(audit(story.facts).event_ids))
    found = audit(story.facts, received=story.overlay.messages.keys())
    _expect("every invariant holds", found.violations, ())
    _expect("the creator earned the gifts", found.earned[story.creator_id], story.coins_sent)
    earned = sum(found.earned.values())
    yield f"{found.entries} posted entries, {found.coins_held} coins held, {earned} earned by creators"
    yield "wallets add up; one credit per payment; creators received every gift once; every event was published"
    yield "coins granted match the share of each price that is kept"


STEPS: tuple[Step, ...] = (
    list_bundles,
    open_checkout,
    pay,
    credit_once,
    send_gift,
    receive_events,
    send_streak,
    refund,
    audit_ledger,
)


def _expect(claim: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise UnexpectedError(f"{claim}: expected {expected!r}, got {actual!r}")
