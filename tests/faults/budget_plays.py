"""Plays in which the fan has or requests a budget. Their own check compares the counters with the spending."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import due_reminders, reminder_notification
from tests.fakes import START
from tests.faults.play import Play, Step
from tests.faults.plays import bought, given, opened
from tests.faults.town import Town

LIMITS: Final = Limits(
    zone="UTC", currency="usd", coins=ByPeriod(40, UNLIMITED, 1_000), money=ByPeriod(150, UNLIMITED, 5_000)
)
LOWER: Final = Limits(
    zone="UTC", currency="usd", coins=ByPeriod(30, UNLIMITED, 2_000), money=ByPeriod(150, UNLIMITED, 5_000)
)


def _with_budget(then: Step) -> Step:
    def arrange(town: Town) -> None:
        town.set_budget(LIMITS)
        then(town)

    return arrange


def _calm(town: Town) -> None:
    bought(town)
    town.stream()
    town.advance(1)


def _buy(town: Town) -> None:
    bought(town)
    town.plot = town.key()
    town.stream()


def _expire(town: Town) -> None:
    town.news = town.provider.expire(opened(town))
    town.webhooks = [town.news]


def _after_all(town: Town) -> None:
    """Post a purchase whose bank debit failed, which released its budget, and succeeded later."""
    town.plot = opened(town)
    town.hear(town.provider.submit(town.plot))
    town.hear(town.provider.bounce(town.plot))
    town.news = town.provider.arrive(town.plot)
    town.webhooks = [town.news]


def _set_first(town: Town) -> None:
    town.advance(1)
    town.set_budget(LIMITS)


def _hear(town: Town) -> None:
    assert town.news is not None
    town.hear(town.news)


def _spend(town: Town) -> None:
    bought(town)
    given(town)


def _lose(town: Town) -> None:
    _spend(town)
    town.lose_the_stream()
    town.advance(20)


BUDGETS: Final = [
    Play("set a first budget", _calm, _set_first),
    Play("set a stricter budget", _with_budget(_spend), lambda town: town.set_budget(LOWER)),
    Play("send a cake within a budget", _with_budget(_buy), lambda town: town.send(town.plot)),
    Play("open a checkout within a budget", _with_budget(_buy), lambda town: town.open(town.plot)),
    Play("hear of a session that expired within a budget", _with_budget(_expire), _hear),
    Play("hear of money that came back within a budget", _with_budget(_after_all), _hear),
    Play("shut oneself out", lambda town: setattr(town, "plot", town.key()), lambda town: town.shut_out(town.plot)),
    Play("remind of a budget", _with_budget(_spend), Town.stream),
    Play("sweep a reminder", _with_budget(_lose), Town.sweep, is_mending=True),
]


def miscounted(town: Town) -> Iterator[str]:
    """Find counters that differ from the spending, and reached limits without a notification."""
    for user_id, budget in town.books.budgets.items():
        entries = town.books.entries.get(user_id, {})
        gifts = [entry for entry in entries.values() if isinstance(entry, Gift)]
        # A first budget set under faults may land late, and then does not count earlier gifts.
        began = budget.since.month
        slack = timedelta(minutes=30) if began > START else timedelta(0)
        least, most = (
            sum(gift.price_coins for gift in gifts if gift.posted_at >= since) for since in (began + slack, began)
        )
        money = sum(
            entry.amount_minor
            for entry in entries.values()
            if isinstance(entry, Purchase) and not entry.is_released and entry.created_at >= began
        )
        if not all(least <= spent <= most for spent in _spent(budget.limits.coins, budget.coins_left)):
            yield f"{user_id} gave {least} to {most} coins, and has left {budget.coins_left}"
        if set(_spent(budget.limits.money, budget.money_left)) != {money}:
            yield f"{user_id} paid {money}, and has left {budget.money_left}"
        for reminder in due_reminders(None, budget):
            # An unpaid checkout is not in the journal: when the stream loses its count, no reminder is sent.
            if (
                reminder.what == "coins"
                and reminder_notification(user_id, reminder, town.posting()).entry_id not in entries
            ):
                yield f"{user_id} was not reminded of {reminder.name}"


def _spent(limits: ByPeriod[int], left: ByPeriod[int]) -> list[int]:
    return [limit - rest for limit, rest in zip(limits, left, strict=True)]
