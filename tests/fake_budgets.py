"""Budgets and self-exclusions of the fake ledger."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from chalicelib.domain.budgets import Budget, BudgetChange, SelfExclusion, renewed
from chalicelib.domain.entries import Entry
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import Posted, Repeated, Stale


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Coins spent, or money paid, at a point in time."""

    at: datetime
    coins: int = 0
    money: int = 0
    currency: str = ""


class FakeBudgets:
    """The budget methods of the Ledger port, in dictionaries."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Entry]] = {}
        self.budgets: dict[str, Budget] = {}
        self.excluded: dict[str, datetime] = {}
        self.exclusions: dict[tuple[str, str], SelfExclusion] = {}

    def allows(self, user_id: str, spending: Spending, change: BudgetChange | None) -> bool:
        """Evaluate the budget conditions of a write."""
        stored = self.budgets.get(user_id)
        if user_id in self.excluded and self.excluded[user_id] > spending.at:
            return False
        if change:
            return self._is_current(stored, change) and _covers(self._changed(stored, change), spending)
        if stored is None:
            return True
        is_in_currency = spending.coins or stored.limits.currency in {None, spending.currency}
        return stored.ends.day > spending.at and bool(is_in_currency) and _covers(stored, spending)

    def count(self, user_id: str, spending: Spending, change: BudgetChange | None = None) -> None:
        """Deduct the spending from every period, as an accepted write does."""
        stored = self.budgets.get(user_id)
        budget = self._changed(stored, change) if change else stored
        if budget:
            self.budgets[user_id] = replace(
                budget,
                coins_left=ByPeriod(*(left - spending.coins for left in budget.coins_left)),
                money_left=ByPeriod(*(left - spending.money for left in budget.money_left)),
            )

    def count_paid(self, user_id: str, paid: Spending) -> None:
        """Deduct a payment from the periods that contain its time, if the budget is in its currency."""
        stored = self.budgets.get(user_id)
        if stored and (budget := renewed(stored, paid.at)).limits.currency in {None, paid.currency}:
            self.budgets[user_id] = replace(
                budget, money_left=ByPeriod(*(left - paid.money for left in budget.money_left))
            )

    def change_budget(self, user_id: str, change: BudgetChange) -> Posted | Stale:
        stored = self.budgets.get(user_id)
        if not self._is_current(stored, change):
            return Stale()
        self.budgets[user_id] = self._changed(stored, change)
        return Posted()

    def exclude(self, exclusion: SelfExclusion) -> Posted | Repeated:
        known = self.exclusions.get((exclusion.user_id, exclusion.key))
        if known and known.days != exclusion.days:
            raise IdempotencyConflict
        if known:
            return Repeated()
        self.exclusions[exclusion.user_id, exclusion.key] = exclusion
        self.excluded[exclusion.user_id] = max(exclusion.until, self.excluded.get(exclusion.user_id, exclusion.until))
        return Posted()

    def post_notification(self, notification: NotificationEntry) -> Posted | Repeated:
        known = self.entries.setdefault(notification.user_id, {})
        if notification.entry_id in known:
            return Repeated()
        known[notification.entry_id] = notification
        return Posted()

    @staticmethod
    def _is_current(stored: Budget | None, change: BudgetChange) -> bool:
        return (stored and stored.version) == (change.seen and change.seen.version)

    @staticmethod
    def _changed(stored: Budget | None, change: BudgetChange) -> Budget:
        if stored is None:
            return change.budget
        return replace(
            change.budget,
            coins_left=_sum(stored.coins_left, change.coins_gain),
            money_left=_sum(stored.money_left, change.money_gain),
        )


def _covers(budget: Budget, spending: Spending) -> bool:
    return (not spending.coins or all(left >= spending.coins for left in budget.coins_left)) and (
        not spending.money or all(left >= spending.money for left in budget.money_left)
    )


def _sum(left: ByPeriod[int], gain: ByPeriod[int]) -> ByPeriod[int]:
    return ByPeriod(*(one + other for one, other in zip(left, gain, strict=True)))
