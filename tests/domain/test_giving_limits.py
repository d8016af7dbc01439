"""The last valid and the first invalid values of giving."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.economy import CatalogueError, CoinRules, Text, Tier
from chalicelib.domain.messages import MAX_BYTES
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.streaks import streak_refusal
from chalicelib.domain.wallets import Streak, Wallet
from chalicelib.errors import StreakEnded
from tests.domain.builders import CREATOR, FAN, a_gift, a_gift_order, an_economy
from tests.fakes import START


def rules(text: Text) -> CoinRules:
    return CoinRules(tiers=[Tier(min_coins=1, text=text)], max_coins=1, allows_anonymous=True)


def test_economy_accepts_a_text_limit_of_no_emoji() -> None:
    text = Text(max_characters=1, max_bytes=1, max_emoji=0)
    assert an_economy(cheer=rules(text)).cheer == rules(text)


@pytest.mark.parametrize(
    "text", [Text(max_characters=1, max_bytes=MAX_BYTES + 1), Text(max_characters=1, max_bytes=-1)]
)
def test_economy_refuses_a_tier_text_beyond_the_general_limits(text: Text) -> None:
    with pytest.raises(CatalogueError, match="max_bytes"):
        an_economy(cheer=rules(text))


def test_gift_order_accepts_the_maximum_of_coins() -> None:
    assert a_gift_order(kind="cheer", item_id=None, coins=MAX_AMOUNT).coins == MAX_AMOUNT


def test_streak_refusal_of_the_next_gift_is_none() -> None:
    streak = Streak(
        streak_id="1", creator_id=CREATOR, item_id="rose", is_anonymous=False, shard=0, count=1, coins=1, last_at=START
    )
    tap, wallet = a_gift(gift_id="2", streak_id="1"), Wallet(user_id=FAN, streak=streak)
    assert streak_refusal(tap, wallet) is None
    assert isinstance(streak_refusal(tap, None), StreakEnded)
    assert isinstance(streak_refusal(tap, replace(wallet, streak=None)), StreakEnded)
