"""Whatever fans do with their budgets, and whenever: nobody ever spends more than the limits that were in force."""

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
from tests.usecases.checkout_harness import CheckoutHarness, told

ZONES = ["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"]
SPRING = datetime.fromisoformat("2026-03-27T10:00:00+00:00")
"""Before the clocks change in Berlin, and a week before they do in Santiago."""

amounts = st.one_of(st.just(UNLIMITED), st.integers(0, 40))
limits = st.builds(ByPeriod, amounts, amounts, amounts)
paces = st.timedeltas(timedelta(0), timedelta(hours=40)) | st.sampled_from([timedelta(0), timedelta(hours=12)])


@st.composite
def wishes(draw: st.DrawFn) -> Limits:
    money = ByPeriod(*(100 * limit if limit != UNLIMITED else limit for limit in draw(limits)))
    currency = draw(st.sampled_from(["usd", "eur"])) if money != NO_LIMIT else None
    return Limits(zone=draw(st.sampled_from(ZONES)), coins=draw(limits), currency=currency, money=money)


acts = st.one_of(
    st.tuples(st.just("give"), st.integers(1, 20)),
    st.tuples(st.just("buy"), st.none()),
    st.tuples(st.just("end"), st.sampled_from(["expired", "failed", "unpaid"])),
    st.tuples(st.just("wish"), wishes()),
)


@dataclass
class BudgetLife:
    """What a fan does, beside a log of it that knows nothing of counters."""

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
            self.harness.hear(told(word, purchase))

    def wish(self, wish: Limits) -> None:
        set_budget(FAN, wish, ledger=self.harness.ledger, clock=self.harness.clock)

    @property
    def budget(self) -> Budget | None:
        return self.harness.books.budgets.get(FAN)

    def entries(self) -> list[Any]:
        return list(self.harness.books.entries.get(FAN, {}).values())

    def pending(self) -> dict[str, Purchase]:
        """Find the purchases that still may be paid, by id."""
        known = [entry for entry in self.entries() if isinstance(entry, Purchase)]
        return {entry.purchase_id: entry for entry in known if entry.status is Status.PENDING}


def released(before: Budget, ended: Iterable[Purchase]) -> ByPeriod[int]:
    """Add up the money of checkouts that ended unpaid, in the periods that they were opened in."""
    prices = [(purchase.created_at, purchase.amount_minor) for purchase in ended]
    return ByPeriod(*(sum(price for at, price in prices if since <= at) for since in before.since))


ONE_CHECKOUT_A_MONTH = Limits(zone="UTC", currency="usd", money=ByPeriod(UNLIMITED, UNLIMITED, 100))


@settings(STEADY)
@given(wishes(), st.lists(st.tuples(paces, acts), max_size=25))
# The second checkout ends the first one, whose session is over, and spends the money that this gives back.
@example(ONE_CHECKOUT_A_MONTH, [(timedelta(0), ("buy", None)), (timedelta(hours=26), ("buy", None))])
def test_nobody_ever_spends_more_than_the_limits_in_force(first: Limits, story: list[tuple[timedelta, Any]]) -> None:
    life = BudgetLife()
    life.wish(first)
    for pace, (act, what) in story:
        life.harness.clock.advance(pace)
        before = renewed(life.budget, life.harness.clock.at) if life.budget else None
        spent_before, pending = len(life.entries()), life.pending()
        getattr(life, act)(what)
        after = life.budget
        assert before
        assert after
        ended = [pending[key] for key in pending.keys() - life.pending().keys()]
        money_left = ByPeriod(*map(add, before.money_left, released(before, ended)))
        for entry in life.entries()[spent_before:]:
            left, cost = (
                (before.coins_left, entry.price_coins) if isinstance(entry, Gift) else (money_left, entry.amount_minor)
            )
            assert cost <= min(left)
            assert isinstance(entry, Gift) or before.limits.currency in {None, entry.currency}
        assert all(left <= limit for left, limit in zip(after.coins_left, after.limits.coins, strict=True))
        assert all(left <= limit for left, limit in zip(after.money_left, after.limits.money, strict=True))
        assert after.ends.day <= min(after.ends.week, after.ends.month)
        assert after.version >= before.version - 1


@settings(STEADY)
@given(limits, st.sampled_from(ZONES), st.lists(st.tuples(paces, st.integers(1, 20)), max_size=40))
def test_the_gifts_of_every_period_add_up_to_its_limit_at_most(
    coins: ByPeriod[int], zone: str, story: list[tuple[timedelta, int]]
) -> None:
    """Held against the calendar alone: the gifts of one local day, of one week from Monday, of one month."""
    life = BudgetLife()
    life.wish(Limits(zone=zone, coins=coins))
    for pace, price in story:
        life.harness.clock.advance(pace)
        life.give(price)

    for place, period in enumerate(PERIODS):
        sums: dict[datetime, int] = {}
        for entry in life.entries():
            end = period_ends(entry.posted_at, zone)[place]
            sums[end] = sums.get(end, 0) + entry.price_coins
        assert all(total <= coins[place] for total in sums.values()), period


@settings(STEADY)
@given(limits, limits, paces, st.lists(st.tuples(paces, st.integers(1, 20)), max_size=20))
def test_what_is_lowered_is_held_to_at_once_and_what_is_raised_a_day_later(
    old: ByPeriod[int], new: ByPeriod[int], pace: timedelta, story: list[tuple[timedelta, int]]
) -> None:
    life = BudgetLife()
    life.wish(Limits(zone="UTC", coins=old))
    life.harness.clock.advance(pace)
    life.wish(Limits(zone="UTC", coins=new))
    asked_at = life.harness.clock.at
    for wait, price in story:
        life.harness.clock.advance(wait)
        life.give(price)
        budget = life.budget
        assert budget
        in_force = renewed(budget, life.harness.clock.at).limits.coins
        is_granted = life.harness.clock.at >= asked_at + timedelta(hours=24)
        assert in_force == (new if is_granted else ByPeriod(*map(min, old, new)))
