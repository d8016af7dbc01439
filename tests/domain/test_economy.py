from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.economy import (
    MAX_QUANTITY,
    MAX_STREAK_SECONDS,
    CatalogueError,
    CoinRules,
    CreatorShare,
    Earnings,
    Economy,
    GiftKind,
    GiftRules,
    Text,
    Tier,
)
from chalicelib.domain.messages import MAX_BYTES, MAX_CHARACTERS
from chalicelib.domain.money import MAX_AMOUNT
from tests.domain.builders import an_economy
from tests.properties.profile import STEADY


def gift_rules(**changes: Any) -> dict[str, Any]:
    rules = an_economy().gift
    assert rules is not None
    return {"gift": replace(rules, **changes)}


def tiers(*changes: dict[str, Any], **rules: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"min_coins": 1, "text": Text(max_characters=10, max_bytes=40), "color": "blue"}
    made = [Tier(**plain | change) for change in changes]
    chosen: dict[str, Any] = {"tiers": made, "max_coins": 100, "allows_anonymous": False} | rules
    return {"super_chat": CoinRules(**chosen)}


def share(**changes: Any) -> dict[str, Any]:
    return {"share": replace(an_economy().share, **changes)}


LONG = Text(max_characters=MAX_CHARACTERS, max_bytes=MAX_BYTES, max_emoji=MAX_CHARACTERS)


@pytest.mark.parametrize(
    "changes",
    [
        gift_rules(max_quantity=1, text=LONG, streak_seconds=0),
        gift_rules(max_quantity=MAX_QUANTITY, text=Text(max_characters=0, max_bytes=0), streak_seconds=600),
        tiers({}, max_coins=1),
        tiers({}, {"min_coins": 2, "text": LONG}, {"min_coins": 100, "text": LONG, "pin_seconds": 1}),
        tiers({"color": None}),
        {"gift": None, "super_chat": None},
        {"gift": None, "cheer": None},
        share(units=0, least_units=MAX_AMOUNT),
    ],
)
def test_economy_accepts_valid_rules(changes: dict[str, Any]) -> None:
    an_economy(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gift": None, "cheer": None, "super_chat": None}, "kinds: at least one kind of giving"),
        (gift_rules(max_quantity=0), "kinds.gift.max_quantity: a whole number from 1 to 9999"),
        (gift_rules(max_quantity=MAX_QUANTITY + 1), "kinds.gift.max_quantity"),
        (gift_rules(streak_seconds=-1), "kinds.gift.streak_seconds: a whole number from 0 to 600"),
        (gift_rules(streak_seconds=MAX_STREAK_SECONDS + 1), "kinds.gift.streak_seconds"),
        (gift_rules(text=replace(LONG, max_characters=MAX_CHARACTERS + 1)), "kinds.gift.max_characters"),
        (gift_rules(text=replace(LONG, max_bytes=MAX_BYTES + 1)), "kinds.gift.max_bytes"),
        (gift_rules(text=replace(LONG, max_bytes=-1)), "kinds.gift.max_bytes"),
        (gift_rules(text=replace(LONG, max_emoji=-1)), "kinds.gift.max_emoji"),
        (tiers(), "kinds.super_chat.tiers: at least one tier"),
        (tiers({"min_coins": 0}), "kinds.super_chat.tiers.0.min_coins: a whole number from 1"),
        (tiers({}, {}), "kinds.super_chat.tiers.1.min_coins: a whole number from 2"),
        (tiers({"color": ""}), "kinds.super_chat.tiers.0.color"),
        (tiers({"color": "a b"}), "kinds.super_chat.tiers.0.color"),
        (tiers({"pin_seconds": -1}), "kinds.super_chat.tiers.0.pin_seconds"),
        (tiers({"text": LONG}, {"min_coins": 2}), "kinds.super_chat.tiers.1.max_characters: a whole number from 400"),
        (tiers({"min_coins": 2}, max_coins=1), "kinds.super_chat.max_coins: a whole number from 2"),
        ({"cheer": CoinRules(tiers=[], max_coins=1, allows_anonymous=True)}, "kinds.cheer.tiers"),
        (share(unit="a b"), "creator.unit"),
        (share(units=-1), "creator.units: a whole number from 0"),
        (share(per_coins=0), "creator.per_coins: a whole number from 1"),
        (share(worth_units=0), "creator.worth_units"),
        (share(worth_minor=0), "creator.worth_minor"),
        (share(least_units=-1), "creator.least_units"),
        (share(currency="USD"), "creator.currency: a lowercase ISO 4217 code"),
    ],
    ids=str,
)
def test_economy_names_the_place_of_a_broken_rule(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        an_economy(**changes)
    assert str(refused.value).startswith(words)
    assert ".".join(str(step) for step in refused.value.where) == str(refused.value).partition(": ")[0]


def test_economy_rules_returns_those_of_a_kind() -> None:
    economy: Economy = an_economy(cheer=None)
    assert isinstance(economy.rules(GiftKind.GIFT), GiftRules)
    assert economy.rules(GiftKind.CHEER) is None
    assert economy.rules(GiftKind.SUPER_CHAT) is economy.super_chat


@pytest.mark.parametrize(("coins", "color"), [(9, None), (10, "blue"), (49, "blue"), (50, "green"), (9999, "red")])
def test_super_chat_tier_is_the_highest_that_the_coins_pay_for(coins: int, color: str | None) -> None:
    rules = an_economy().super_chat
    assert rules is not None
    tier = rules.tier(coins)
    assert (tier.color if tier else None) == color


TIKTOK = CreatorShare(
    unit="diamond", units=1, per_coins=2, worth_units=200, worth_minor=100, currency="usd", least_units=0
)
TELEGRAM = CreatorShare(
    unit="star", units=850, per_coins=1000, worth_units=100, worth_minor=130, currency="usd", least_units=1000
)


@pytest.mark.parametrize(
    ("share", "coins", "units", "amount_minor", "can_withdraw"),
    [
        (TIKTOK, -7, 0, 0, False),
        (TIKTOK, 0, 0, 0, False),
        (TIKTOK, 1, 0, 0, False),
        (TIKTOK, 2, 1, 0, True),
        (TIKTOK, 400, 200, 100, True),
        (TIKTOK, 403, 201, 100, True),
        (TELEGRAM, 1000, 850, 1105, False),
        (TELEGRAM, 1176, 999, 1298, False),
        (TELEGRAM, 1177, 1000, 1300, True),
    ],
)
def test_economy_earnings_are_the_share_rounded_down(
    share: CreatorShare, coins: int, units: int, amount_minor: int, can_withdraw: bool
) -> None:
    assert an_economy(share=share).earnings(coins) == Earnings(
        coins=coins, units=units, amount_minor=amount_minor, currency="usd", can_withdraw=can_withdraw
    )


@STEADY
@given(st.integers(0, 10**12), st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 1000))
def test_economy_earnings_are_below_the_share_by_less_than_a_unit(
    coins: int, units: int, per_coins: int, worth_units: int, worth_minor: int
) -> None:
    share = replace(TIKTOK, units=units, per_coins=per_coins, worth_units=worth_units, worth_minor=worth_minor)
    earned = an_economy(share=share).earnings(coins)
    assert 0 <= coins * units - earned.units * per_coins < per_coins
    assert 0 <= earned.units * worth_minor - earned.amount_minor * worth_units < worth_units
