"""The last values that pass, and the first that do not."""

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


def test_an_economy_may_allow_no_emoji_at_all() -> None:
    text = Text(max_characters=1, max_bytes=1, max_emoji=0)
    assert an_economy(cheer=rules(text)).cheer == rules(text)


@pytest.mark.parametrize(
    "text", [Text(max_characters=1, max_bytes=MAX_BYTES + 1), Text(max_characters=1, max_bytes=-1)]
)
def test_the_text_of_a_tier_is_held_to_the_limits_of_all(text: Text) -> None:
    with pytest.raises(CatalogueError, match="max_bytes"):
        an_economy(cheer=rules(text))


def test_as_many_coins_as_there_can_be() -> None:
    assert a_gift_order(kind="cheer", item_id=None, coins=MAX_AMOUNT).coins == MAX_AMOUNT


def test_one_more_of_its_streak_has_nothing_against_it() -> None:
    streak = Streak(
        streak_id="1", creator_id=CREATOR, item_id="rose", is_anonymous=False, shard=0, count=1, coins=1, last_at=START
    )
    tap, wallet = a_gift(gift_id="2", streak_id="1"), Wallet(user_id=FAN, streak=streak)
    assert streak_refusal(tap, wallet) is None
    assert isinstance(streak_refusal(tap, None), StreakEnded)
    assert isinstance(streak_refusal(tap, replace(wallet, streak=None)), StreakEnded)
