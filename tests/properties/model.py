"""Reference model of Coinpurse, written from the design without the code."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.properties.disputes import Disputes

# Word of the payment event -> status before -> status after.
MOVES = {
    "unpaid": {"pending": "processing", "expired": "processing"},
    "failed": {"pending": "failed", "processing": "failed"},
    "expired": {"pending": "expired"},
}
# Words of refunds and disputes whose money has left. Some words are unknown, whether their money has left or not.
GONE = {"pending", "requires_action", "succeeded", "needs_response", "under_review", "lost", "resolved", "invented"}
UNKNOWN = {"reversed", "invented"}

# Tiers: least coins, maximum message length, color, seconds of the pin.
CHATS = {
    "cheer": [(5, 200, "", 0)],
    "super_chat": [(10, 0, "blue", 0), (50, 80, "green", 60), (250, 350, "red", 300)],
}
MOST = {"cheer": 1_000, "super_chat": 5_000}

Name = tuple[str, str]
"""A fan and an idempotency key."""
Moved = tuple[int, str]
"""Amount and status of a refund or a dispute."""


@dataclass(frozen=True)
class Payment:
    """A payment, made or only reported, with the purchase, its coins, and whether it matches the quote."""

    payment: str
    name: Name
    coins: int
    is_as_quoted: bool
    amount: int = 74
    is_discounted: bool = False


@dataclass(frozen=True)
class Streak:
    """A streak: its item, creator and anonymity, with count and coins so far."""

    streak_id: str
    creator_id: str
    item_id: str
    is_secret: bool
    count: int
    coins: int
    last_at: datetime

    def is_like(self, other: "Streak") -> bool:
        """Return True if both are the same streak, regardless of progress."""
        return replace(self, count=other.count, coins=other.coins, last_at=other.last_at) == other


@dataclass
class Model:
    """Predict the outcome of each call as a word: `new`, `repeat`, an error code, or a Stripe event's outcome."""

    coins: dict[str, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    requests: dict[Name, tuple[object, ...]] = field(default_factory=dict)
    quotes: dict[Name, tuple[int, int]] = field(default_factory=dict)
    status: dict[Name, str] = field(default_factory=dict)
    paid_by: dict[Name, str] = field(default_factory=dict)
    kept: dict[Name, int] = field(default_factory=dict)
    costs: dict[Name, int] = field(default_factory=dict)
    reversed_by: dict[Name, str] = field(default_factory=dict)
    disputes: Disputes = field(default_factory=Disputes)
    freezes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    reviews: dict[str, tuple[str, int]] = field(default_factory=dict)
    settled: dict[str, tuple[str, str]] = field(default_factory=dict)
    in_review: dict[str, Payment] = field(default_factory=dict)
    own: dict[str, Name] = field(default_factory=dict)
    captured: dict[str, int] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)
    streaks: dict[str, Streak] = field(default_factory=dict)
    ended: list[tuple[str, str, int, int]] = field(default_factory=list)
    pinned: dict[Name, tuple[str | None, int]] = field(default_factory=dict)

    # --- fans ---------------------------------------------------------------------------------------------------------

    def open(self, name: Name, request: tuple[object, ...], coins: int, amount: int, *, is_stale: bool) -> str:
        if name in self.requests:
            return "repeat" if self.requests[name] == request else "idempotency_conflict"
        if is_stale or self.is_frozen(name[0]):
            return "key_too_old" if is_stale else "wallet_frozen"
        self.requests[name], self.quotes[name], self.status[name] = request, (coins, amount), "pending"
        return "new"

    def send(
        self,
        name: Name,
        request: tuple[object, ...],
        cost: int,
        *,
        is_stale: bool,
        refusal: str = "",
        streak_refusal: str = "",
    ) -> str:
        """Predict a gift. `refusal` is the economy's refusal, `streak_refusal` the refusal of the streak."""
        if name in self.requests:
            return "repeat" if self.requests[name] == request else "idempotency_conflict"
        if is_stale or refusal:
            return "key_too_old" if is_stale else refusal
        fan = name[0]
        if self.is_frozen(fan):
            return "wallet_frozen"
        if self.coins.get(fan, 0) < cost:
            return "insufficient_coins"
        if streak_refusal:
            return streak_refusal
        self._move_coins(fan, -cost)
        self.requests[name], self.costs[name] = request, cost
        return "new"

    def send_coins(
        self, name: Name, kind: str, coins: int, text: str, length: int, *, is_secret: bool, is_stale: bool
    ) -> str:
        """Predict a cheer or a super chat: more coins allow a longer message and a longer pin."""
        reached = [tier for tier in CHATS[kind] if coins >= tier[0]]
        refusal = ""
        if is_secret and kind == "super_chat":
            refusal = "not_offered"
        elif not reached or coins > MOST[kind]:
            refusal = "coins_out_of_range"
        elif length > reached[-1][1]:
            refusal = "message_too_long"
        answer = self.send(name, (kind, coins, text, is_secret), coins, is_stale=is_stale, refusal=refusal)
        if answer == "new" and kind == "super_chat":
            self.pinned[name] = reached[-1][2:]
        return answer

    def tap(self, name: Name, request: tuple[object, ...], tap: Streak, *, is_stale: bool) -> str:
        """Predict a gift of a streak: it continues the active streak, or ends it and starts its own."""
        before = self.streaks.get(name[0])
        is_first, is_next = name[1] == tap.streak_id, before is not None and before.is_like(tap)
        streak_refusal = "" if is_first or is_next else "streak_ended"
        answer = self.send(name, request, tap.coins, is_stale=is_stale, streak_refusal=streak_refusal)
        if answer != "new":
            return answer
        if before is not None and is_first:
            self._end(name[0], before)
        elif before is not None:
            tap = replace(tap, count=before.count + 1, coins=before.coins + tap.coins)
        self.streaks[name[0]] = tap
        return answer

    def end(self, fan: str, streak_id: str, quiet_since: datetime) -> str:
        """Predict a streak check: the streak ends if nothing was added since `quiet_since`."""
        streak = self.streaks.get(fan)
        if streak is None or streak.streak_id != streak_id:
            return "ended_before"
        if streak.last_at > quiet_since:
            return "goes_on"
        self._end(fan, streak)
        return "ended"

    # --- the provider -------------------------------------------------------------------------------------------------

    def apply_event(self, word: str, paid: Payment) -> str:
        name = paid.name
        if word != "paid":
            return self._move(name, word)
        if self.needs_review(paid):
            return self._review(paid.payment, paid)
        if self.status[name] == "posted":
            return "repeated"
        self.status[name], self.paid_by[name] = "posted", paid.payment
        self._move_coins(name[0], paid.coins)
        return "credited"

    def needs_review(self, paid: Payment) -> bool:
        if self.paid_by.get(paid.name) == paid.payment:
            return paid.is_discounted
        quoted = self.quotes.get(paid.name, (0, 0))[0]
        is_paid_otherwise = self.paid_by.get(paid.name, paid.payment) != paid.payment
        return not paid.is_as_quoted or quoted != paid.coins or is_paid_otherwise

    def sync_refunds(self, paid: Payment, refunds: list[Moved], disputes: list[Moved], state: str | None) -> str:
        """Predict the coins that follow the money of a payment. `state` names what moved, out and back."""
        name, moved = paid.name, [*refunds, *disputes]
        gone = sum(part for part, status in moved if status in GONE)
        has_unknown_status = any(status in UNKNOWN for _, status in moved)
        if paid.payment in self.own:
            name = self.own[paid.payment]
        elif self.paid_by.get(name) != paid.payment and (outcome := self.apply_event("paid", paid)) != "credited":
            if gone or (state and any(name.startswith(f"{paid.payment}.") for name in self.reviews)):
                outcome = self._review(f"{paid.payment}.{state}", paid)
            return "unknown_status" if has_unknown_status else outcome
        coins, amount = self.quotes[name]
        left = max(self.captured.get(paid.payment, amount) - gone, 0)
        granted = coins * min(left, amount) // amount
        difference = granted - self.kept.get(name, coins)
        self.kept[name] = granted
        self.disputes.sync(name, [status for _, status in disputes], difference, self.coins.get(name[0], 0))
        self._move_coins(name[0], difference)
        moved_coins = "clawed_back" if difference < 0 else "restored" if difference else "unchanged"
        return "unknown_status" if has_unknown_status else moved_coins

    def is_frozen(self, fan: str) -> bool:
        return fan in self.frozen or self.disputes.freeze(fan, self.coins.get(fan, 0))

    # --- operators ----------------------------------------------------------------------------------------------------

    def grant(self, name: Name, coins: int) -> str:
        if name in self.requests:
            return "repeat" if self.requests[name] == ("grant", coins) else "idempotency_conflict"
        if not self._is_new_act(name[1]):
            return "idempotency_conflict"
        self.requests[name] = ("grant", coins)
        if coins < 0:
            self.disputes.note_paid(name[0], self.coins.get(name[0], 0))
        self._move_coins(name[0], coins)
        return "new"

    def reverse(self, gift: Name, key: str) -> str:
        if gift not in self.costs:
            return "not_found"
        if gift in self.reversed_by or (gift[0], key) in self.requests:
            return "repeat" if self.reversed_by.get(gift) == key else "idempotency_conflict"
        if not self._is_new_act(key):
            return "idempotency_conflict"
        self.reversed_by[gift], self.requests[gift[0], key] = key, ("reversal", gift)
        self._move_coins(gift[0], self.costs[gift])
        active = self.streaks.get(gift[0])
        if active is not None and active.streak_id in self.requests[gift]:
            self.streaks[gift[0]] = replace(active, count=active.count - 1, coins=active.coins - self.costs[gift])
        return "new"

    def freeze(self, fan: str, key: str, *, is_frozen: bool) -> str:
        if key in self.freezes:
            return "done" if self.freezes[key] == (fan, is_frozen) else "idempotency_conflict"
        if not self._is_new_act(key):
            return "idempotency_conflict"
        self.freezes[key] = fan, is_frozen
        self.frozen = self.frozen | {fan} if is_frozen else self.frozen - {fan}
        return "done"

    def settle(self, payment: str, decision: str, key: str, own: Name) -> str:
        """Predict a settlement. `own` names the entry of a payment whose purchase another payment has posted."""
        if "." in payment and decision == "credit":
            return "invalid_field"
        if payment in self.settled:
            return "done" if self.settled[payment] == (key, decision) else "idempotency_conflict"
        if not self._is_new_act(key):
            return "idempotency_conflict"
        self.settled[payment] = key, decision
        if decision == "credit" and self.paid_by.get(self.in_review[payment].name) != payment:
            self._credit(self.in_review[payment], own)
        return "done"

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _credit(self, paid: Payment, own: Name) -> None:
        """Credit a payment in review at what was paid."""
        name = paid.name
        if name in self.requests and self.status.get(name, "posted") == "posted":
            self.own[paid.payment] = name = own
        else:
            self.requests.setdefault(name, ("credited",))
            self.status[name], self.paid_by[name] = "posted", paid.payment
        self.quotes[name] = paid.coins, paid.amount
        self._move_coins(name[0], paid.coins)

    def _is_new_act(self, key: str) -> bool:
        """Record an operator's act under its key. One key is one act, whatever its kind and its fan."""
        is_new = key not in self.acts
        self.acts.add(key)
        return is_new

    def _move(self, name: Name, word: str) -> str:
        status = self.status.get(name, "unknown")
        if status == "posted" and word == "failed":
            return "late_failure"
        if (moved := MOVES[word].get(status)) is None:
            return "unchanged"
        self.status[name] = moved
        return moved

    def _review(self, review: str, paid: Payment) -> str:
        self._is_new_review = review not in self.reviews
        self.reviews.setdefault(review, (paid.name[0], paid.coins))
        self.in_review.setdefault(review, paid)
        return "in_review" if self._is_new_review else "reviewed"

    def _end(self, fan: str, streak: Streak) -> None:
        del self.streaks[fan]
        self.ended.append((fan, streak.streak_id, streak.count, streak.coins))

    def _move_coins(self, fan: str, coins: int) -> None:
        if coins:
            self.coins[fan] = self.coins.get(fan, 0) + coins
