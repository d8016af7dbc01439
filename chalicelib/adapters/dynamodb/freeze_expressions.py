"""Update and condition expressions for the freeze of a wallet.

An operator's freeze is `frozen_at`. Disputes have a mark of their own: `d` counts the purchases with an open dispute in
millions, and those with a lost one in ones. It is one number because the row must stay below 1,024 bytes. The freeze of
a lost dispute lasts while the wallet owes coins, so whatever pays the debt ends it. A clawback that finds it paid notes
the number of lost disputes as `p`: the debt that it makes is not theirs.
"""

from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.attributes import IntegerAttribute
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.purchases import DisputeHold
from chalicelib.domain.wallets import Wallet

_OPEN: Final = 1_000_000
_WEIGHTS: Final = {DisputeHold.OPEN: _OPEN, DisputeHold.LOST: 1}


def open_and_lost(row: WalletRow) -> tuple[int, int]:
    """Return the number of purchases with an open and with a lost dispute."""
    return divmod(row.disputes or 0, _OPEN)


def may_spend(coins: int) -> Condition:
    """Require that the wallet holds `coins`, at least 1, and is not frozen. It owes nothing then."""
    allows: Condition = (WalletRow.coins >= coins) & _is_free()
    return allows


def may_buy() -> Condition:
    """Require that the wallet is not frozen."""
    # Without an open dispute, `d` is the number of lost ones. A comparison with a missing `p` is false.
    is_old = (WalletRow.disputes < 1) | (WalletRow.disputes <= WalletRow.paid_disputes)
    is_paid = WalletRow.disputes.does_not_exist() | is_old | (WalletRow.coins >= 0)
    allows: Condition = _is_free() & is_paid
    return allows


def _is_free() -> Condition:
    is_undisputed = WalletRow.disputes.does_not_exist() | (WalletRow.disputes < _OPEN)
    is_free: Condition = WalletRow.frozen_at.does_not_exist() & is_undisputed
    return is_free


def change_hold(before: DisputeHold | None, after: DisputeHold | None, *, takes_coins: bool) -> list[Action]:
    """Build the actions on the wallet for a purchase whose hold changes, or whose coins are taken.

    Which of the lost disputes are paid is not known, so `p` is forgotten when there is one less, and when one takes
    more coins.
    """
    step = (_WEIGHTS[after] if after else 0) - (_WEIGHTS[before] if before else 0)
    moved: list[Action] = [WalletRow.disputes.add(step)] if step else []
    if before is DisputeHold.LOST and (step or takes_coins):
        moved.append(WalletRow.paid_disputes.remove())
    return moved


def note_paid(wallet: Wallet) -> tuple[list[Action], Condition]:
    """Build the actions that note lost disputes as paid if they are, and the condition that this still holds.

    Without the condition, a debt that is paid between the read and the write would not be noted.
    """
    disputes = wallet.open_disputes * _OPEN + wallet.lost_disputes
    is_as_read = _has(WalletRow.disputes, disputes) & _has(WalletRow.paid_disputes, wallet.paid_disputes)
    if wallet.lost_disputes <= wallet.paid_disputes:
        return [], is_as_read
    if not wallet.has_paid_disputes:
        return [], is_as_read & (WalletRow.coins < 0)
    return [WalletRow.paid_disputes.set(wallet.lost_disputes)], is_as_read & (WalletRow.coins >= 0)


def _has(attribute: IntegerAttribute, number: int) -> Condition:
    """Require the number. Zero may be missing."""
    has: Condition = attribute == number
    return has if number else has | attribute.does_not_exist()


def has_spent(adjustment: Adjustment) -> Condition | None:
    """Require that the fan had spent `coins_spent` of the coins that a clawback takes. None for other adjustments."""
    if adjustment.coins_spent is None:
        return None
    taken = -adjustment.coins
    if adjustment.coins_spent == 0:
        holds_all: Condition = WalletRow.coins >= taken
        return holds_all
    if adjustment.coins_spent == taken:
        holds_none: Condition = WalletRow.coins <= 0
        return holds_none
    holds_rest: Condition = WalletRow.coins == taken - adjustment.coins_spent
    return holds_rest
