"""What Coinpurse does, in a few words and numbers: written from the design, knows nothing of the code."""

from dataclasses import dataclass, field

# What the provider says -> from which status -> to which.
MOVES = {
    "unpaid": {"pending": "processing", "expired": "processing"},
    "failed": {"pending": "failed", "processing": "failed"},
    "expired": {"pending": "expired"},
}

Name = tuple[str, str]
"""A fan and a key."""


@dataclass
class Model:
    """Answers with the word that the real one must answer with."""

    coins: dict[str, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    wishes: dict[Name, tuple[object, ...]] = field(default_factory=dict)
    quotes: dict[Name, int] = field(default_factory=dict)
    status: dict[Name, str] = field(default_factory=dict)
    paid_by: dict[Name, str] = field(default_factory=dict)
    reviews: set[str] = field(default_factory=set)

    def open(self, name: Name, wish: tuple[object, ...], coins: int, *, is_stale: bool) -> str:
        if name in self.wishes:
            return "repeat" if self.wishes[name] == wish else "idempotency_conflict"
        if is_stale:
            return "key_too_old"
        self.wishes[name], self.quotes[name], self.status[name] = wish, coins, "pending"
        return "new"

    def send(self, name: Name, wish: tuple[object, ...], cost: int, *, is_stale: bool) -> str:
        if name in self.wishes:
            return "repeat" if self.wishes[name] == wish else "idempotency_conflict"
        if is_stale:
            return "key_too_old"
        fan = name[0]
        if fan in self.frozen:
            return "wallet_frozen"
        if self.coins.get(fan, 0) < cost:
            return "insufficient_coins"
        self.coins[fan] -= cost
        self.wishes[name] = wish
        return "new"

    def hear(self, name: Name, word: str, payment: str, *, is_as_quoted: bool) -> str:
        status = self.status.get(name)
        if word != "paid":
            return self._move(name, word)
        if status is None or not is_as_quoted or (status == "posted" and self.paid_by[name] != payment):
            is_new = payment not in self.reviews
            self.reviews.add(payment)
            return "in_review" if is_new else "reviewed"
        if status == "posted":
            return "repeated"
        self.status[name], self.paid_by[name] = "posted", payment
        self.coins[name[0]] = self.coins.get(name[0], 0) + self.quotes[name]
        return "credited"

    def _move(self, name: Name, word: str) -> str:
        status = self.status.get(name, "unknown")
        if status == "posted" and word == "failed":
            return "late_failure"
        moved = MOVES[word].get(status)
        if moved is None:
            return "unchanged"
        self.status[name] = moved
        return moved
