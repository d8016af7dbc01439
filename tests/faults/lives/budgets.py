"""The counters of budgets, compared with what each life has spent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.budgets import Budget, renewed
from chalicelib.domain.gifts import Gift
from chalicelib.domain.memberships import Membership
from chalicelib.domain.purchases import Purchase, Status
from tests.invariants import Books

Name = tuple[str, str]


@dataclass
class Price:
    """A price that counts. Where a step may have released it and counted it again, both times and amounts are noted."""

    currency: str
    times: set[datetime]
    amounts: set[int]

    def bounds(self, since: datetime) -> tuple[int, int]:
        """Return the least and the largest part of it that counts since then."""
        least = min(self.amounts) if min(self.times) >= since else 0
        return least, max(self.amounts) if max(self.times) >= since else 0


@dataclass
class SpentMoney:
    """The prices that count: of pending and posted purchases, of pending memberships and posted months."""

    prices: dict[Name, Price] = field(default_factory=dict)
    _purchases: Mapping[Name, Purchase] = field(default_factory=dict)

    def follow(self, books: Books, memberships: Sequence[Membership]) -> None:
        """Note what the last step has changed."""
        purchases = {(each.user_id, each.purchase_id): each for each in books.entries if isinstance(each, Purchase)}
        for name, purchase in purchases.items():
            if self._purchases.get(name) is not purchase:
                self._follow(name, purchase)
        for member in memberships:
            name = member.user_id, _of_membership(member.membership_id)
            if not member.is_counted:
                self.prices.pop(name, None)
            elif name not in self.prices:
                self.prices[name] = Price(member.currency, {member.created_at}, {member.amount_minor})
        self._purchases = purchases

    def _follow(self, name: Name, purchase: Purchase) -> None:
        before = self._purchases.get(name)
        if purchase.is_released:
            self.prices.pop(name, None)
        elif purchase.status is Status.POSTED and (before is None or before.status is not Status.POSTED):
            known = self.prices.pop(name, None)
            if purchase.membership_id and not purchase.is_renewal:
                known = self.prices.pop((purchase.user_id, _of_membership(purchase.membership_id)), None)
            price = Price(purchase.currency, {purchase.posting.posted_at}, {purchase.amount_minor})
            if known:
                price = Price(known.currency, price.times | known.times, price.amounts | known.amounts)
            self.prices[name] = price
        elif before is None:
            self.prices[name] = Price(purchase.currency, {purchase.created_at}, {purchase.amount_minor})

    def miscounted(self, books: Books, now: datetime) -> Iterator[str]:
        """Find counters that differ from the spending. Money counts once a limit of money has set its currency."""
        for wallet in books.wallets:
            if wallet.budget is None:
                continue
            # The counters of periods that are over mean nothing.
            budget = renewed(wallet.budget, now)
            for since, coins, money in zip(budget.since, *_counted(budget), strict=True):
                least, most = _given(books, wallet.user_id, since)
                if not least <= coins <= most:
                    yield f"budget: {wallet.user_id} gave {least} to {most} since {since}, counted are {coins}"
                money_since = max(since, budget.money_from or since)
                least, most = self._paid(wallet.user_id, budget.limits.currency, money_since)
                if budget.limits.currency and not least <= money <= most:
                    yield f"budget: {wallet.user_id} paid {least} to {most} since {money_since}, counted are {money}"

    def _paid(self, user_id: str, currency: str | None, since: datetime) -> tuple[int, int]:
        own = [price for name, price in self.prices.items() if name[0] == user_id and price.currency == currency]
        bounds = [price.bounds(since) for price in own]
        return sum(least for least, _ in bounds), sum(most for _, most in bounds)


def _of_membership(membership_id: str) -> str:
    """Return the name of a membership's price: a key may name a purchase, too."""
    return f"membership/{membership_id}"


def _counted(budget: Budget) -> tuple[list[int], list[int]]:
    """Return the spent coins and money by period."""
    coins = zip(budget.limits.coins, budget.coins_left, strict=True)
    money = zip(budget.limits.money, budget.money_left, strict=True)
    return [limit - left for limit, left in coins], [limit - left for limit, left in money]


def _given(books: Books, user_id: str, since: datetime) -> tuple[int, int]:
    """Return the coins given, without and with those of reversed gifts."""
    own = [entry for entry in books.entries if entry.user_id == user_id]
    reversed_ids = {each.about for each in own if isinstance(each, Adjustment) and each.kind is Kind.GIFT_REVERSAL}
    gifts = [entry for entry in own if isinstance(entry, Gift) and entry.posted_at >= since]
    kept = sum(gift.price_coins for gift in gifts if gift.gift_id not in reversed_ids)
    return kept, sum(gift.price_coins for gift in gifts)
