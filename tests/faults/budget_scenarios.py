"""Scenarios in which the fan has or requests a budget. Their own check compares the counters with the spending."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import due_reminders, reminder_notification
from chalicelib.usecases.exclusions import close_open_checkouts
from tests.fakes import START
from tests.faults.membership_scenarios import joined, without_customer
from tests.faults.scenario import Scenario, Step
from tests.faults.scenarios import bought, given, opened
from tests.faults.simulated_system import SimulatedSystem

LIMITS: Final = Limits(
    zone="UTC", currency="usd", coins=ByPeriod(40, UNLIMITED, 1_000), money=ByPeriod(150, UNLIMITED, 5_000)
)
LOWER: Final = Limits(
    zone="UTC", currency="usd", coins=ByPeriod(30, UNLIMITED, 2_000), money=ByPeriod(150, UNLIMITED, 5_000)
)


FOR_ONE: Final = Limits(zone="UTC", currency="usd", money=ByPeriod(600, UNLIMITED, 5_000))
"""A budget for one membership."""


def _with_budget(then: Step, limits: Limits = LIMITS) -> Step:
    def arrange(system: SimulatedSystem) -> None:
        system.set_budget(limits)
        then(system)

    return arrange


def _relay_all(system: SimulatedSystem) -> None:
    bought(system)
    system.stream()
    system.advance(1)


def _buy(system: SimulatedSystem) -> None:
    bought(system)
    system.current_key = system.key()
    system.stream()


def _expire(system: SimulatedSystem) -> None:
    system.stripe_event = system.provider.expire(opened(system))
    system.webhooks = [system.stripe_event]


def _after_all(system: SimulatedSystem) -> None:
    """Post a purchase whose bank debit failed, which released its budget, and succeeded later."""
    system.current_key = opened(system)
    system.deliver(system.provider.submit(system.current_key))
    system.deliver(system.provider.bounce(system.current_key))
    system.stripe_event = system.provider.arrive(system.current_key)
    system.webhooks = [system.stripe_event]


def _join(system: SimulatedSystem) -> None:
    system.current_key = system.key()


def _abandon(system: SimulatedSystem) -> None:
    opened(system)
    opened(system)
    system.clock.advance(timedelta(hours=4))
    system.current_key = system.key()


def _open_pages(system: SimulatedSystem) -> None:
    opened(system)
    joined(system)
    system.current_key = system.key()


def _shut_out(system: SimulatedSystem) -> None:
    system.exclude(system.current_key)
    close_open_checkouts("fan-1", system)


def _first_month(system: SimulatedSystem) -> None:
    system.stripe_event = system.billing.start(joined(system))
    system.webhooks = [system.stripe_event]


def _expire_membership(system: SimulatedSystem) -> None:
    system.stripe_event = system.billing.expire(joined(system))
    system.webhooks = [system.stripe_event]


def _miss_an_expired_membership(system: SimulatedSystem) -> None:
    system.billing.expire(joined(system))
    system.advance(4 * 60)
    _join(system)


def _set_first(system: SimulatedSystem) -> None:
    system.advance(1)
    system.set_budget(LIMITS)


def _deliver_event(system: SimulatedSystem) -> None:
    assert system.stripe_event is not None
    system.deliver(system.stripe_event)


def _spend(system: SimulatedSystem) -> None:
    bought(system)
    given(system)


def _lose(system: SimulatedSystem) -> None:
    _spend(system)
    system.lose_the_stream()
    system.advance(20)


BUDGETS: Final = [
    Scenario("set a first budget", _relay_all, _set_first),
    Scenario("set a stricter budget", _with_budget(_spend), lambda system: system.set_budget(LOWER)),
    Scenario("send a cake within a budget", _with_budget(_buy), lambda system: system.send(system.current_key)),
    Scenario("open a checkout within a budget", _with_budget(_buy), lambda system: system.open(system.current_key)),
    Scenario("hear of a session that expired within a budget", _with_budget(_expire), _deliver_event),
    Scenario("hear of money that came back within a budget", _with_budget(_after_all), _deliver_event),
    Scenario("join within a budget", _with_budget(_join, FOR_ONE), lambda system: system.join(system.current_key)),
    Scenario(
        "join within a budget for a customer who is gone",
        _with_budget(without_customer, FOR_ONE),
        lambda system: system.join(system.current_key),
    ),
    Scenario(
        "join within a budget that a membership without a payment has used up",
        _with_budget(_miss_an_expired_membership, FOR_ONE),
        lambda system: system.join(system.current_key),
    ),
    Scenario("hear of a first month within a budget", _with_budget(_first_month, FOR_ONE), _deliver_event),
    Scenario(
        "hear of a membership's session that expired within a budget",
        _with_budget(_expire_membership, FOR_ONE),
        _deliver_event,
    ),
    Scenario(
        "open a checkout after some that were never paid, within a budget",
        _with_budget(_abandon),
        lambda system: system.open(system.current_key),
    ),
    Scenario("shut oneself out", _open_pages, _shut_out),
    Scenario("remind of a budget", _with_budget(_spend), SimulatedSystem.stream),
    Scenario("sweep a reminder", _with_budget(_lose), SimulatedSystem.sweep, is_repair=True),
]


def miscounted(system: SimulatedSystem) -> Iterator[str]:
    """Find counters that differ from the spending, and reached limits without a notification."""
    for user_id, budget in system.fake_ledger.budgets.items():
        entries = system.fake_ledger.entries.get(user_id, {})
        gifts = [entry for entry in entries.values() if isinstance(entry, Gift)]
        # A first budget set under faults may be written late, and then does not count earlier gifts.
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
        memberships = system.fake_memberships.list_memberships(user_id)
        money += sum(each.amount_minor for each in memberships if each.is_counted and each.created_at >= began)
        if not all(least <= spent <= most for spent in _spent(budget.limits.coins, budget.coins_left)):
            yield f"{user_id} gave {least} to {most} coins, and has left {budget.coins_left}"
        if set(_spent(budget.limits.money, budget.money_left)) != {money}:
            yield f"{user_id} paid {money}, and has left {budget.money_left}"
        for reminder in due_reminders(None, budget):
            # An unpaid checkout is not in the journal: when the stream loses its count, no reminder is sent.
            if (
                reminder.what == "coins"
                and reminder_notification(user_id, reminder, system.posting()).entry_id not in entries
            ):
                yield f"{user_id} was not reminded of {reminder.name}"


def _spent(limits: ByPeriod[int], left: ByPeriod[int]) -> list[int]:
    return [limit - rest for limit, rest in zip(limits, left, strict=True)]
