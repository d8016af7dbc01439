"""Random lives of fans and creators: each seed is one, and `shortened` finds the steps that a failure needs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from chalicelib.domain.budgets import Limits
from chalicelib.domain.gifts import Gift
from chalicelib.domain.operators import Decision
from chalicelib.domain.periods import ByPeriod
from tests.faults.lives.checks import LifeChecks
from tests.faults.lives.money import MoneyLife
from tests.faults.lives.system import FANS

STEPS: Final = 60
SECOND: Final = timedelta(seconds=1)
"""Time between two steps."""
_GIFTS: Final[Sequence[dict[str, Any]]] = (
    *({"item_id": "rose"}, {"item_id": "rose"}, {"item_id": "cake"}, {"item_id": "cake"}),
    *({"item_id": "cake", "quantity": 3}, {"item_id": "moon"}),
    {"item_id": None, "kind": "cheer", "coins": 30},
    {"item_id": None, "kind": "super_chat", "coins": 250, "message": "hello"},
)
_DECISIONS: Final[Sequence[Decision]] = ("credit", "credit", "refuse")
_LIMITS: Final = (
    Limits(zone="UTC", coins=ByPeriod(100, 300, 1_000)),
    Limits(zone="UTC", coins=ByPeriod(900, 1_900, 4_000)),
    Limits(zone="UTC", currency="usd", money=ByPeriod(1_000, 3_000, 5_000)),
    Limits(zone="UTC", currency="usd", coins=ByPeriod(900, 1_900, 4_000), money=ByPeriod(3_000, 6_000, 9_000)),
)


class Life(MoneyLife):
    """Fans who give, operators, and the workers."""

    def begin(self, dice: Random) -> None:
        """Grant some fans coins, and let one buy some."""
        for fan in FANS:
            if coins := dice.choice([0, 100, 2_000]):
                self.system.grant(self.key(fan, dice), coins, fan)
        self.buy_and_pay(dice)
        self.deliver_all(dice)

    def give(self, dice: Random) -> None:
        fan, creator_id = dice.choice(FANS), dice.choice(["cleo", "dora"])
        self.request(
            lambda: self.system.send(self.key(fan, dice), fan=fan, creator_id=creator_id, **dice.choice(_GIFTS))
        )

    def tap(self, dice: Random) -> None:
        """Begin a streak, or send one more of its roses."""
        fan, key = dice.choice(FANS), self.system.key()
        streak = self.system.ledger.read_wallet(fan).streak
        streak_id = key if streak is None or dice.random() < 1 / 3 else streak.streak_id
        self.request(lambda: self.system.send(key, "rose", fan, creator_id="cleo", streak_id=streak_id))

    def set_budget(self, dice: Random) -> None:
        self.system.set_budget(dice.choice(_LIMITS), dice.choice(FANS))

    def exclude(self, dice: Random) -> None:
        fan = dice.choice(FANS)
        self.request(lambda: self.system.exclude(self.key(fan, dice), fan))

    # --- operators --------------------------------------------------------------------------------------------------

    def grant(self, dice: Random) -> None:
        fan, coins = dice.choice(FANS), dice.choice([1, 500, 900, -40, -900])
        self.request(lambda: self.system.grant(self.key(fan, dice), coins, fan))

    def reverse(self, dice: Random) -> None:
        if gifts := [entry for entry in self.system.facts.values() if isinstance(entry, Gift)]:
            gift = dice.choice(gifts)
            self.request(lambda: self.system.reverse(self.key(gift.user_id, dice), gift.gift_id, gift.user_id))

    def freeze(self, dice: Random) -> None:
        fan, is_frozen = dice.choice(FANS), dice.random() < 1 / 4
        self.request(lambda: self.system.freeze(self.key(fan, dice), is_frozen=is_frozen, fan=fan))

    def settle(self, dice: Random) -> None:
        if reviews := self.system.reviews():
            review, decision = dice.choice(reviews), dice.choice(_DECISIONS)
            key = self.key(review.user_id, dice)
            # Until it is answered, the operator repeats it: the payment's money may not be followed yet.
            for _ in range(2):
                self.request(lambda: self.system.answer_about(review, decision, key))

    # --- workers ----------------------------------------------------------------------------------------------------

    def stream(self, _dice: Random) -> None:
        self.request(self.system.stream)

    def lose_the_stream(self, _dice: Random) -> None:
        self.system.lose_the_stream()

    def sweep(self, _dice: Random) -> None:
        self.system.sweep()

    def end_streaks(self, _dice: Random) -> None:
        self.request(self.system.end_streaks)

    def audit(self, _dice: Random) -> None:
        self.request(self.system.audit)

    def rest_for_a_month(self, _dice: Random) -> None:
        self.system.month_later()


Happening = Callable[[Life, Random], None]
_GROUPS: Final[Mapping[int, Sequence[Happening]]] = {
    1: [
        *(Life.pay_twice, Life.warn_of_fraud, Life.break_stripe, Life.lose_webhooks, Life.freeze),
        *(Life.lose_the_stream, Life.sweep, Life.audit),
    ],
    2: [
        Life.buy,
        Life.read_the_page,
        Life.deliver_an_old_one,
        Life.reconcile,
        Life.set_budget,
        Life.end_streaks,
        Life.dispute,
    ],
    3: [Life.join, Life.end_a_session, Life.bill, Life.end_an_invoice, Life.move_a_refund, Life.reverse],
    4: [Life.pay, Life.refund, Life.move_a_dispute, Life.wait, Life.grant, Life.settle, Life.stream, Life.tap],
    8: [Life.buy_and_pay, Life.deliver, Life.deliver_all, Life.give],
}
HAPPENINGS: Final = [each for weight, group in _GROUPS.items() for each in [*group] * weight]
"""Happenings, each as often as its weight."""
RARE: Final[Sequence[Happening]] = (Life.exclude, Life.rest_for_a_month, Life.set_budget)
"""Happenings of which a life has one at most: they rule out many others."""

Step = tuple[Happening, int]
"""A happening, and the seed of its dice."""


def steps_of(seed: int) -> Sequence[Step]:
    """Draw a life."""
    dice = Random(seed)
    drawn = dice.choices(HAPPENINGS, k=STEPS)
    drawn[dice.randrange(STEPS // 2, STEPS)] = dice.choice(RARE)
    return [(happening, dice.randrange(1 << 30)) for happening in [Life.begin, *drawn]]


def live(steps: Sequence[Step]) -> list[str]:
    """Run a life. Returns the violations after the first step that has any, or at the end."""
    life = Life()
    checks = LifeChecks(life.system)
    for happening, seed in steps:
        try:
            life.system.clock.advance(SECOND)
            happening(life, Random(seed))
            found = checks.after_step()
        except Exception as error:  # noqa: BLE001  # a step that fails is a violation, too
            found = [f"unhandled: {error!r}"]
        if found:
            return found
    try:
        life.system.come_to_rest()
        return checks.after_step() or checks.at_the_end()
    except Exception as error:  # noqa: BLE001
        return [f"unhandled in the end: {error!r}"]


def shortened(steps: Sequence[Step]) -> Sequence[Step]:
    """Leave out steps, fewer and fewer at a time, as long as the life is still in violation."""
    size = len(steps)
    while size > 1:
        size //= 2
        for start in range(len(steps) - size, -1, -size):
            fewer = [*steps[:start], *steps[start + size :]]
            if live(fewer):
                steps = fewer
    return steps


def breaches_of(seed: int) -> list[str]:
    """Return the violations of a life, with the happenings that lead to them."""
    steps = steps_of(seed)
    if not live(steps):
        return []
    steps = shortened(steps)
    return [*live(steps), " > ".join(happening.__name__ for happening, _ in steps)]
