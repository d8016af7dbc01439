import pytest

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.operators import GrantOrder
from chalicelib.usecases.operators import grant_coins
from tests.domain.builders import FAN, an_act
from tests.fake_operators import FakeOperators
from tests.fakes import FakeClock, FakeLedger


@pytest.mark.parametrize(("coins", "kind"), [(1, Kind.GRANT), (-1, Kind.CLAWBACK)])
def test_grant_coins_of_one_coin_has_the_kind_of_its_sign(coins: int, kind: Kind) -> None:
    order = GrantOrder(act=an_act(), user_id=FAN, coins=coins)
    adjusted = grant_coins(order, operators=FakeOperators(FakeLedger()), clock=FakeClock())
    assert adjusted.adjustment.kind is kind
