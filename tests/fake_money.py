"""Refunds, disputes and adjustments of the fake ledger."""

from collections import Counter
from collections.abc import Set

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.purchases import DisputeHold, Purchase
from chalicelib.domain.reversals import coins_already_spent
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import Posted, Stale
from tests.fake_budgets import FakeBudgets, Spending


class FakeMoney(FakeBudgets):
    """The methods of the Ledger port that follow a payment's money, in dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.coins: dict[str, int] = {}
        self.disputes: Counter[tuple[str, DisputeHold]] = Counter()
        self.paid_disputes: dict[str, int] = {}
        self.granted_for: dict[str, str] = {}
        """Payment by purchase id, for coins that the first release granted."""

    def update_kept_amount(
        self,
        purchase: Purchase,
        kept_minor: int,
        adjustment: Adjustment | None,
        hold: DisputeHold | None = None,
        wallet: Wallet | None = None,
        returned: Set[str] = frozenset(),
    ) -> Posted | Stale:
        stored = self.entries.get(purchase.user_id, {}).get(purchase.purchase_id)
        existing = adjustment and self.entries.get(adjustment.user_id, {}).get(adjustment.entry_id)
        held = self.coins.get(purchase.user_id, 0)
        is_off = adjustment and adjustment.coins_spent not in {None, coins_already_spent(held, -adjustment.coins)}
        takes_coins = adjustment is not None and adjustment.coins < 0
        is_open_again = purchase.hold is DisputeHold.LOST and (hold is not DisputeHold.LOST or takes_coins)
        if not isinstance(stored, Purchase) or stored.version != purchase.version or existing or is_off:
            return Stale()
        if wallet and not self.is_as_read(wallet):
            return Stale()
        synced = replace(stored, kept_minor=kept_minor, hold=hold, returned_payments=frozenset(returned))
        changed = replace(synced, version=stored.version + 1)
        self.entries[purchase.user_id][purchase.purchase_id] = changed
        if is_open_again:
            self.paid_disputes.pop(purchase.user_id, None)
        else:
            self.note_paid(wallet)
        for each, step in ((purchase.hold, -1), (hold, 1)):
            if each:
                self.disputes[purchase.user_id, each] += step
        if adjustment:
            self.adjust(adjustment)
        return Posted()

    def is_as_read(self, wallet: Wallet) -> bool:
        """Return True if the wallet has the disputes that were read, and owes coins for lost ones if it did."""
        fan, lost = wallet.user_id, self.disputes[wallet.user_id, DisputeHold.LOST]
        disputes = self.disputes[fan, DisputeHold.OPEN], lost, self.paid_disputes.get(fan, 0)
        is_paid = lost > disputes[-1] and self.coins.get(fan, 0) >= 0
        read = wallet.open_disputes, wallet.lost_disputes, wallet.paid_disputes
        return disputes == read and is_paid == wallet.has_paid_disputes

    def note_paid(self, wallet: Wallet | None) -> None:
        """Note the lost disputes of the wallet as paid, if they are."""
        if wallet and wallet.has_paid_disputes:
            self.paid_disputes[wallet.user_id] = wallet.lost_disputes

    def is_granted(self, purchase: Purchase) -> bool:
        """Return True if the first release granted coins for the payment of the purchase."""
        return self.granted_for.get(purchase.purchase_id) == (purchase.payment_intent or "")

    def credit(self, purchase: Purchase, before: Purchase | None) -> None:
        """Store the posted purchase of a payment in review, and add its coins to the wallet."""
        self.entries.setdefault(purchase.user_id, {})[purchase.purchase_id] = purchase
        self.coins[purchase.user_id] = self.coins.get(purchase.user_id, 0) + purchase.coins
        if before is None or before.is_released:
            at = purchase.posting.posted_at
            self.count_paid(purchase.user_id, Spending(at=at, money=purchase.amount_minor, currency=purchase.currency))

    def adjust(self, adjustment: Adjustment) -> None:
        """Store an adjustment and add its coins to the wallet."""
        self.entries.setdefault(adjustment.user_id, {})[adjustment.entry_id] = adjustment
        self.coins[adjustment.user_id] = self.coins.get(adjustment.user_id, 0) + adjustment.coins
