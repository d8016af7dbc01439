"""Budgets under random gifts, purchases, changes and times: spending never exceeds the limits in force."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import add
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Budget, Limits, renewed
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import PERIODS, ByPeriod, period_ends
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import BudgetCurrency, BudgetReached
from chalicelib.usecases.budgets import set_budget
from tests.domain.builders import FAN
from tests.fakes import uuid7_at
from tests.properties.profile import STEADY
from tests.usecases.checkout_harness import CheckoutHarness, session_event

ZONES = ["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"]
SPRING = datetime.fromisoformat("2026-03-27T10:00:00+00:00")
"""Before the DST change in Berlin, and a week before the one in Santiago."""

amounts = st.one_of(st.just(UNLIMITED), st.integers(0, 40))
limits = st.builds(ByPeriod, amounts, amounts, amounts)
paces = st.timedeltas(timedelta(0), timedelta(hours=40)) | st.sampled_from([timedelta(0), timedelta(hours=12)])


@st.composite
def changes(draw: st.DrawFn) -> Limits:
    money = ByPeriod(*(100 * limit if limit != UNLIMITED else limit for limit in draw(limits)))
    currency = draw(st.sampled_from(["usd", "eur"])) if money != NO_LIMIT else None
    return Limits(zone=draw(st.sampled_from(ZONES)), coins=draw(limits), currency=currency, money=money)


acts = st.one_of(
    st.tuples(st.just("give"), st.integers(1, 20)),
    st.tuples(st.just("buy"), st.none()),
    st.tuples(st.just("end"), st.sampled_from(["expired", "failed", "unpaid"])),
    st.tuples(st.just("change"), changes()),
)


@dataclass
class BudgetHarness:
    """A fan's spending and budget changes, logged without counters."""

    harness: CheckoutHarness = field(default_factory=CheckoutHarness)
    number: int = 10
    opened: list[Purchase] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.harness.clock.at = SPRING
        self.harness.fund(1_000_000)

    def new_key(self) -> str:
        self.number += 1
        return uuid7_at(self.harness.clock.at, self.number)

    def give(self, coins: int) -> None:
        with suppress(BudgetReached):
            self.harness.send(gift_id=self.new_key(), quantity=coins)

    def buy(self, _: None) -> None:
        with suppress(BudgetReached, BudgetCurrency):
            self.opened.append(self.harness.open(purchase_id=self.new_key()).purchase)

    def end(self, word: str) -> None:
        for purchase in self.opened[-1:]:
            self.harness.deliver(session_event(word, purchase))

    def change(self, change: Limits) -> None:
        set_budget(FAN, change, ledger=self.harness.ledger, clock=self.harness.clock)

    @property
    def budget(self) -> Budget | None:
        return self.harness.books.budgets.get(FAN)

    def entries(self) -> list[Any]:
        return list(self.harness.books.entries.get(FAN, {}).values())

    def pending(self) -> dict[str, Purchase]:
        """Return the purchases that can still be paid, by id."""
        known = [entry for entry in self.entries() if isinstance(entry, Purchase)]
        return {entry.purchase_id: entry for entry in known if entry.status is Status.PENDING}


def released(before: Budget, ended: Iterable[Purchase]) -> ByPeriod[int]:
    """Add up the prices of checkouts that ended unpaid, by the periods in which they were opened."""
    prices = [(purchase.created_at, purchase.amount_minor) for purchase in ended]
    return ByPeriod(*(sum(price for at, price in prices if since <= at) for since in before.since))


def allows(budget: Budget, entry: Gift | Purchase, ended: Iterable[Purchase]) -> bool:
    """Test whether a budget covers an entry, given the checkouts whose prices the same act released."""
    if isinstance(entry, Gift):
        return entry.price_coins <= min(budget.coins_left)
    left = map(add, budget.money_left, released(budget, ended))
    return entry.amount_minor <= min(left) and budget.limits.currency in {None, entry.currency}


ONE_CHECKOUT_A_MONTH = Limits(zone="UTC", currency="usd", money=ByPeriod(UNLIMITED, UNLIMITED, 100))


@settings(STEADY)
@given(changes(), st.lists(st.tuples(paces, acts), max_size=25))
# The second checkout ends the first one, whose session has expired, and spends the released money.
@example(ONE_CHECKOUT_A_MONTH, [(timedelta(0), ("buy", None)), (timedelta(hours=26), ("buy", None))])
# A change of currency is due an hour before the day ends.
@example(
    Limits(zone="Pacific/Apia", currency="usd", money=ByPeriod(200, UNLIMITED, UNLIMITED)),
    [
        (timedelta(0), ("change", Limits(zone="UTC", currency="eur", money=ByPeriod(UNLIMITED, UNLIMITED, 0)))),
        *[(timedelta(hours=12), ("buy", None))] * 2,
    ],
)
def test_budget_spending_never_exceeds_the_limits_in_force(
    first: Limits, acts_in_time: list[tuple[timedelta, Any]]
) -> None:
    budgets = BudgetHarness()
    budgets.change(first)
    for pace, (act, argument) in acts_in_time:
        budgets.harness.clock.advance(pace)
        stored = budgets.budget
        assert stored
        before = renewed(stored, budgets.harness.clock.at)
        # The write's condition sees the end of the day. Pending limits that are due earlier are applied by then.
        in_force = [before, *([stored] if stored.ends.day > budgets.harness.clock.at else [])]
        spent_before, pending = len(budgets.entries()), budgets.pending()
        getattr(budgets, act)(argument)
        after = budgets.budget
        assert after
        ended = [pending[key] for key in pending.keys() - budgets.pending().keys()]
        for entry in budgets.entries()[spent_before:]:
            assert any(allows(budget, entry, ended) for budget in in_force)
        assert all(left <= limit for left, limit in zip(after.coins_left, after.limits.coins, strict=True))
        assert all(left <= limit for left, limit in zip(after.money_left, after.limits.money, strict=True))
        assert after.ends.day <= min(after.ends.week, after.ends.month)
        assert after.version >= before.version - 1


@settings(STEADY)
@given(limits, st.sampled_from(ZONES), st.lists(st.tuples(paces, st.integers(1, 20)), max_size=40))
def test_budget_gifts_of_a_period_never_exceed_its_limit(
    coins: ByPeriod[int], zone: str, acts_in_time: list[tuple[timedelta, int]]
) -> None:
    """Check against the calendar alone: the gifts of one local day, one week from Monday, one month."""
    budgets = BudgetHarness()
    budgets.change(Limits(zone=zone, coins=coins))
    for pace, price in acts_in_time:
        budgets.harness.clock.advance(pace)
        budgets.give(price)

    for place, period in enumerate(PERIODS):
        sums: dict[datetime, int] = {}
        for entry in budgets.entries():
            end = period_ends(entry.posted_at, zone)[place]
            sums[end] = sums.get(end, 0) + entry.price_coins
        assert all(total <= coins[place] for total in sums.values()), period


@settings(STEADY)
@given(limits, limits, paces, st.lists(st.tuples(paces, st.integers(1, 20)), max_size=20))
def test_budget_lower_limits_apply_at_once_and_higher_a_day_later(
    old: ByPeriod[int], new: ByPeriod[int], pace: timedelta, acts_in_time: list[tuple[timedelta, int]]
) -> None:
    budgets = BudgetHarness()
    budgets.change(Limits(zone="UTC", coins=old))
    budgets.harness.clock.advance(pace)
    budgets.change(Limits(zone="UTC", coins=new))
    changed_at = budgets.harness.clock.at
    for wait, price in acts_in_time:
        budgets.harness.clock.advance(wait)
        budgets.give(price)
        budget = budgets.budget
        assert budget
        in_force = renewed(budget, budgets.harness.clock.at).limits.coins
        is_granted = budgets.harness.clock.at >= changed_at + timedelta(hours=24)
        assert in_force == (new if is_granted else ByPeriod(*map(min, old, new)))
