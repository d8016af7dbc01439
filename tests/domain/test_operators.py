import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.operators import MAX_GRANT_COINS, MAX_REASON_BYTES, Act, GrantOrder, is_same_act
from chalicelib.errors import InvalidField
from tests.domain.builders import an_act, an_adjustment


@pytest.mark.parametrize("reason", ["x", "a stream broke down", " spaced ", "r" * MAX_REASON_BYTES, "ありがとう"])
def test_a_reason_says_why(reason: str) -> None:
    assert an_act(reason=reason).reason == reason


@pytest.mark.parametrize(
    "reason", ["", " ", "\n\t ", "r" * (MAX_REASON_BYTES + 1), "\u3000", "two\nlines", "half \ud800", "ど" * 67]
)
def test_an_act_without_a_reason_is_none(reason: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Act(key="k", actor="olga", reason=reason)
    assert refused.value.extensions["field"] == "reason"


@pytest.mark.parametrize("coins", [1, 2, MAX_GRANT_COINS, -1, -MAX_GRANT_COINS])
def test_coins_can_be_granted_and_taken(coins: int) -> None:
    assert GrantOrder(act=an_act(), user_id="ann", coins=coins).coins == coins


def test_a_million_is_the_most_that_one_act_moves() -> None:
    assert MAX_GRANT_COINS == 1_000_000


@pytest.mark.parametrize("coins", [0, MAX_GRANT_COINS + 1, -MAX_GRANT_COINS - 1, 2**53])
def test_a_grant_that_can_only_be_a_slip_is_refused(coins: int) -> None:
    with pytest.raises(InvalidField) as refused:
        GrantOrder(act=an_act(), user_id="ann", coins=coins)
    assert refused.value.extensions["field"] == "coins"


@pytest.mark.parametrize("user_id", ["", "a#b", "a b", "é", "u" * 129])
def test_only_a_fan_can_be_granted_coins(user_id: str) -> None:
    with pytest.raises(InvalidField) as refused:
        GrantOrder(act=an_act(), user_id=user_id, coins=1)
    assert refused.value.extensions["field"] == "user_id"


@pytest.mark.parametrize("change", [{"reason": "other words"}, {"actor": "otto"}, {"event_id": "other"}])
def test_an_act_told_in_other_words_is_the_same(change: dict[str, str]) -> None:
    earlier = an_adjustment()
    assert is_same_act(earlier, replace(earlier, **change))


@pytest.mark.parametrize("change", [{"coins": 71}, {"about": "pi_1"}, {"kind": Kind.GIFT_REVERSAL}])
def test_an_act_that_does_something_else_is_another(change: dict[str, object]) -> None:
    earlier = an_adjustment()
    assert not is_same_act(earlier, replace(earlier, **change))
