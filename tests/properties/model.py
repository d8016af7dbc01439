"""What Coinpurse does, in a few words and numbers: written from the design, knows nothing of the code."""

from dataclasses import dataclass, field, replace
from datetime import datetime

# What the provider says -> from which status -> to which.
MOVES = {
    "unpaid": {"pending": "processing", "expired": "processing"},
    "failed": {"pending": "failed", "processing": "failed"},
    "expired": {"pending": "expired"},
}
# Money that is gone, and money that is not, by what the provider calls it. Of other words nobody knows the meaning.
GONE = {"pending", "requires_action", "succeeded", "needs_response", "under_review", "appeal_under_review", "lost"}
STAYS = {"failed", "canceled", "won", "prevented", "warning_needs_response", "warning_closed"}

# From how many coins on, how many characters a message may have, in which color and for how long it is pinned.
CHATS = {
    "cheer": [(5, 200, "", 0)],
    "super_chat": [(10, 0, "blue", 0), (50, 80, "green", 60), (250, 350, "red", 300)],
}
MOST = {"cheer": 1_000, "super_chat": 5_000}

Name = tuple[str, str]
"""A fan and a key."""
Moved = tuple[int, str]
"""A refund or a dispute: how much, and what the provider calls it."""


@dataclass(frozen=True)
class Payment:
    """Money that was paid, or was said to be: for what, for how many coins, and whether as it was quoted."""

    payment: str
    name: Name
    coins: int
    is_as_quoted: bool


@dataclass(frozen=True)
class Streak:
    """Gifts in a row: of which item, to whom, and whether in secret; how many and how many coins so far."""

    streak_id: str
    creator_id: str
    item_id: str
    is_secret: bool
    count: int
    coins: int
    last_at: datetime

    def is_like(self, other: "Streak") -> bool:
        """Whether both are the same row, however far they have come."""
        return replace(self, count=other.count, coins=other.coins, last_at=other.last_at) == other


@dataclass
class Model:
    """Answers with the word that the real one must answer with."""

    coins: dict[str, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    wishes: dict[Name, tuple[object, ...]] = field(default_factory=dict)
    quotes: dict[Name, tuple[int, int]] = field(default_factory=dict)
    status: dict[Name, str] = field(default_factory=dict)
    paid_by: dict[Name, str] = field(default_factory=dict)
    kept: dict[Name, int] = field(default_factory=dict)
    costs: dict[Name, int] = field(default_factory=dict)
    reversed_by: dict[Name, str] = field(default_factory=dict)
    freezes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    reviews: dict[str, tuple[str, int]] = field(default_factory=dict)
    settled: dict[str, tuple[str, str]] = field(default_factory=dict)
    streaks: dict[str, Streak] = field(default_factory=dict)
    ended: list[tuple[str, str, int, int]] = field(default_factory=list)
    pinned: dict[Name, tuple[str, int]] = field(default_factory=dict)

    # --- fans ---------------------------------------------------------------------------------------------------------

    def open(self, name: Name, wish: tuple[object, ...], coins: int, amount: int, *, is_stale: bool) -> str:
        if name in self.wishes:
            return "repeat" if self.wishes[name] == wish else "idempotency_conflict"
        if is_stale:
            return "key_too_old"
        self.wishes[name], self.quotes[name], self.status[name] = wish, (coins, amount), "pending"
        return "new"

    def send(
        self, name: Name, wish: tuple[object, ...], cost: int, *, is_stale: bool, against: str = "", in_row: str = ""
    ) -> str:
        """`against`: what the economy has against it; `in_row`: what the row of gifts has, that it is to be one of."""
        if name in self.wishes:
            return "repeat" if self.wishes[name] == wish else "idempotency_conflict"
        if is_stale or against:
            return "key_too_old" if is_stale else against
        fan = name[0]
        if fan in self.frozen:
            return "wallet_frozen"
        if self.coins.get(fan, 0) < cost:
            return "insufficient_coins"
        if in_row:
            return in_row
        self._move_coins(fan, -cost)
        self.wishes[name], self.costs[name] = wish, cost
        return "new"

    def chat(
        self, name: Name, kind: str, coins: int, text: str, length: int, *, is_secret: bool, is_stale: bool
    ) -> str:
        """A cheer, or a super chat: the more coins, the longer the message may be, and the longer it is pinned."""
        reached = [tier for tier in CHATS[kind] if coins >= tier[0]]
        against = ""
        if is_secret and kind == "super_chat":
            against = "not_offered"
        elif not reached or coins > MOST[kind]:
            against = "coins_out_of_range"
        elif length > reached[-1][1]:
            against = "message_too_long"
        answer = self.send(name, (kind, coins, text, is_secret), coins, is_stale=is_stale, against=against)
        if answer == "new" and kind == "super_chat":
            self.pinned[name] = reached[-1][2:]
        return answer

    def tap(self, name: Name, wish: tuple[object, ...], tap: Streak, *, is_stale: bool) -> str:
        """A gift in a row: it begins its own, and whatever row there was is over; or it goes on with the same."""
        if name[1] < tap.streak_id:
            return "invalid_field"
        before = self.streaks.get(name[0])
        is_first, is_next = name[1] == tap.streak_id, before is not None and before.is_like(tap)
        in_row = "" if is_first or is_next else "streak_ended"
        answer = self.send(name, wish, tap.coins, is_stale=is_stale, in_row=in_row)
        if answer != "new":
            return answer
        if before is not None and is_first:
            self._end(name[0], before)
        elif before is not None:
            tap = replace(tap, count=before.count + 1, coins=before.coins + tap.coins)
        self.streaks[name[0]] = tap
        return answer

    def end(self, fan: str, streak_id: str, quiet_since: datetime) -> str:
        """It is over when nothing was added to it for a while."""
        streak = self.streaks.get(fan)
        if streak is None or streak.streak_id != streak_id:
            return "ended_before"
        if streak.last_at > quiet_since:
            return "goes_on"
        self._end(fan, streak)
        return "ended"

    # --- the provider -------------------------------------------------------------------------------------------------

    def hear(self, word: str, paid: Payment) -> str:
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
        quoted = self.quotes.get(paid.name, (0, 0))[0]
        is_paid_otherwise = self.paid_by.get(paid.name, paid.payment) != paid.payment
        return not paid.is_as_quoted or quoted != paid.coins or is_paid_otherwise

    def look(self, paid: Payment, refunds: list[Moved], disputes: list[Moved]) -> str:
        """The money of a payment may have moved: coins follow it."""
        name, moved = paid.name, [*refunds, *disputes]
        gone = sum(part for part, status in moved if status in GONE)
        is_strange = any(status not in GONE | STAYS for _, status in moved)
        if self.paid_by.get(name) != paid.payment and (said := self.hear("paid", paid)) != "credited":
            if is_strange or not gone:
                return "unknown_status" if is_strange else said
            return self._review(f"{paid.payment}-left-{gone}", paid)
        if is_strange:
            return "unknown_status"
        coins, amount = self.quotes[name]
        granted = coins * max(amount - gone, 0) // amount
        difference = granted - self.kept.get(name, coins)
        self.kept[name] = granted
        self._move_coins(name[0], difference)
        return "clawed_back" if difference < 0 else "restored" if difference else "unchanged"

    # --- operators ----------------------------------------------------------------------------------------------------

    def grant(self, name: Name, coins: int) -> str:
        if name in self.wishes:
            return "repeat" if self.wishes[name] == ("grant", coins) else "idempotency_conflict"
        self.wishes[name] = ("grant", coins)
        self._move_coins(name[0], coins)
        return "new"

    def reverse(self, gift: Name, key: str) -> str:
        if gift not in self.costs:
            return "not_found"
        if gift in self.reversed_by or (gift[0], key) in self.wishes:
            return "repeat" if self.reversed_by.get(gift) == key else "idempotency_conflict"
        self.reversed_by[gift], self.wishes[gift[0], key] = key, ("reversal", gift)
        self._move_coins(gift[0], self.costs[gift])
        return "new"

    def freeze(self, fan: str, key: str, *, is_frozen: bool) -> str:
        if key in self.freezes:
            return "done" if self.freezes[key] == (fan, is_frozen) else "idempotency_conflict"
        self.freezes[key] = fan, is_frozen
        self.frozen = self.frozen | {fan} if is_frozen else self.frozen - {fan}
        return "done"

    def settle(self, payment: str, decision: str, key: str) -> str:
        if "-left-" in payment and decision == "credit":
            return "invalid_field"
        fan, coins = self.reviews[payment]
        if payment in self.settled:
            return "done" if self.settled[payment] == (key, decision) else "idempotency_conflict"
        if decision == "credit":
            if (fan, key) in self.wishes:
                return "idempotency_conflict"
            self.wishes[fan, key] = ("settlement", payment)
            self._move_coins(fan, coins)
        self.settled[payment] = key, decision
        return "done"

    # --- in short -----------------------------------------------------------------------------------------------------

    def _move(self, name: Name, word: str) -> str:
        status = self.status.get(name, "unknown")
        if status == "posted" and word == "failed":
            return "late_failure"
        moved = MOVES[word].get(status)
        if moved is None:
            return "unchanged"
        self.status[name] = moved
        return moved

    def _review(self, review: str, paid: Payment) -> str:
        self._is_new_review = review not in self.reviews
        self.reviews.setdefault(review, (paid.name[0], paid.coins))
        return "in_review" if self._is_new_review else "reviewed"

    def _end(self, fan: str, streak: Streak) -> None:
        del self.streaks[fan]
        self.ended.append((fan, streak.streak_id, streak.count, streak.coins))

    def _move_coins(self, fan: str, coins: int) -> None:
        if coins:
            self.coins[fan] = self.coins.get(fan, 0) + coins
