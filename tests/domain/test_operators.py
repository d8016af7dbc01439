import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.operators import MAX_GRANT_COINS, MAX_REASON_BYTES, Act, GrantOrder, is_same_act
from chalicelib.errors import InvalidField
from tests.domain.builders import an_act, an_adjustment


@pytest.mark.parametrize("reason", ["x", "a stream broke down", " spaced ", "r" * MAX_REASON_BYTES, "ありがとう"])
def test_act_accepts_a_reason(reason: str) -> None:
    assert an_act(reason=reason).reason == reason


@pytest.mark.parametrize(
    "reason", ["", " ", "\n\t ", "r" * (MAX_REASON_BYTES + 1), "\u3000", "two\nlines", "half \ud800", "ど" * 67]
)
def test_act_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Act(key="k", actor="olga", reason=reason)
    assert refused.value.extensions["field"] == "reason"


@pytest.mark.parametrize("coins", [1, 2, MAX_GRANT_COINS, -1, -MAX_GRANT_COINS])
def test_grant_order_accepts_positive_and_negative_coins(coins: int) -> None:
    assert GrantOrder(act=an_act(), user_id="ann", coins=coins).coins == coins


def test_max_grant_coins_is_a_million() -> None:
    assert MAX_GRANT_COINS == 1_000_000


@pytest.mark.parametrize("coins", [0, MAX_GRANT_COINS + 1, -MAX_GRANT_COINS - 1, 2**53])
def test_grant_order_of_zero_or_too_many_coins_is_refused(coins: int) -> None:
    with pytest.raises(InvalidField) as refused:
        GrantOrder(act=an_act(), user_id="ann", coins=coins)
    assert refused.value.extensions["field"] == "coins"


@pytest.mark.parametrize("user_id", ["", "a#b", "a b", "é", "u" * 129])
def test_grant_order_to_an_invalid_user_is_refused(user_id: str) -> None:
    with pytest.raises(InvalidField) as refused:
        GrantOrder(act=an_act(), user_id=user_id, coins=1)
    assert refused.value.extensions["field"] == "user_id"


@pytest.mark.parametrize("change", [{"reason": "other words"}, {"actor": "otto"}, {"event_id": "other"}])
def test_is_same_act_ignores_actor_and_reason(change: dict[str, str]) -> None:
    earlier = an_adjustment()
    assert is_same_act(earlier, replace(earlier, **change))


@pytest.mark.parametrize("change", [{"coins": 71}, {"about": "pi_1"}, {"kind": Kind.GIFT_REVERSAL}])
def test_is_same_act_of_a_different_act_is_false(change: dict[str, object]) -> None:
    earlier = an_adjustment()
    assert not is_same_act(earlier, replace(earlier, **change))
