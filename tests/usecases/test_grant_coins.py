from collections.abc import Callable, Sequence

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.operators import GrantOrder
from chalicelib.domain.purchases import DisputeHold
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, Conflict, Posted, Stale
from chalicelib.usecases.operators import MAX_ATTEMPTS, grant_coins
from tests.domain.builders import FAN, an_act
from tests.fake_operators import FakeOperators
from tests.fakes import FakeClock, FakeLedger


class ChangingOperators(FakeOperators):
    """Operators in whose writes another one comes first, as often as there are changes."""

    changes: Sequence[Callable[[], object]] = ()

    def grant(self, adjustment: Adjustment, wallet: Wallet | None = None) -> Posted | AlreadyExists | Stale | Conflict:
        if self.changes:
            first, *self.changes = self.changes
            first()
        return super().grant(adjustment, wallet)


@pytest.mark.parametrize(("coins", "kind"), [(1, Kind.GRANT), (-1, Kind.CLAWBACK)])
def test_grant_coins_of_one_coin_has_the_kind_of_its_sign(coins: int, kind: Kind) -> None:
    order = GrantOrder(act=an_act(), user_id=FAN, coins=coins)
    ledger = FakeLedger()
    adjusted = grant_coins(order, ledger=ledger, operators=FakeOperators(ledger), clock=FakeClock())
    assert adjusted.adjustment.kind is kind


@pytest.mark.parametrize("change", ["nothing", "another dispute is lost", "the debt is paid"])
def test_grant_coins_below_zero_is_no_debt_of_a_lost_dispute_that_was_paid(change: str) -> None:
    ledger = FakeLedger()
    ledger.disputes[FAN, DisputeHold.LOST] = 1
    operators = ChangingOperators(ledger)
    if change == "another dispute is lost":
        operators.changes = [lambda: ledger.disputes.update({(FAN, DisputeHold.LOST): 1})]
    if change == "the debt is paid":
        ledger.coins[FAN] = -5
        operators.changes = [lambda: ledger.coins.update({FAN: 0})]
    order = GrantOrder(act=an_act(), user_id=FAN, coins=-40)
    for is_repeat in (False, True):
        assert grant_coins(order, ledger=ledger, operators=operators, clock=FakeClock()).is_repeat is is_repeat
    wallet = ledger.read_wallet(FAN)
    assert (wallet.coins, wallet.freeze_reasons, wallet.paid_disputes) == (
        -40,
        [],
        1 + (change == "another dispute is lost"),
    )


def test_grant_coins_of_a_wallet_that_keeps_changing_raises_try_again() -> None:
    ledger = FakeLedger()
    ledger.disputes[FAN, DisputeHold.LOST] = 1
    operators = ChangingOperators(ledger)
    operators.changes = [lambda: ledger.disputes.update({(FAN, DisputeHold.LOST): 1})] * MAX_ATTEMPTS
    with pytest.raises(TryAgain):
        grant_coins(
            GrantOrder(act=an_act(), user_id=FAN, coins=-1), ledger=ledger, operators=operators, clock=FakeClock()
        )
    assert ledger.coins == {}
