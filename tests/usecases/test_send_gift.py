from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.gifts import Gift, lane_of
from chalicelib.domain.spending import GiftRefused
from chalicelib.domain.streaks import StreakEnd
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import (
    IdempotencyConflict,
    InsufficientCoins,
    KeyTooOld,
    Refusal,
    SelfGift,
    TryAgain,
    UnknownItem,
    WalletFrozen,
)
from chalicelib.usecases.gifts import SentGift, send_gift
from tests.domain.builders import FAN, KEY, a_catalogue, a_gift, a_gift_item, a_gift_order
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.desk import Desk

EVENT_ID = uuid7_at(START, 1)


def funded(coins: int) -> Desk:
    desk = Desk()
    desk.fund(coins)
    return desk


def test_a_gift_is_one_round_trip() -> None:
    desk = funded(70)
    gift = a_gift(event_id=EVENT_ID, lane=lane_of(EVENT_ID, 8), item_id="cake", quantity=2, price_coins=70)
    assert desk.send(item_id="cake", quantity=2) == SentGift(gift=gift, is_repeat=False)
    assert desk.watch.calls == ["post_gift"]
    assert desk.balance() == 0
    assert desk.gifts() == [gift]


def test_a_repeat_is_answered_with_the_gift_that_was_sent() -> None:
    desk = funded(70)
    first = desk.send(item_id="cake")
    for _ in range(3):
        assert desk.send(item_id="cake") == SentGift(gift=first.gift, is_repeat=True)
    assert desk.balance() == 35
    assert len(desk.gifts()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"creator_id": "creator-2"},
        {"item_id": "cake"},
        {"quantity": 2},
        {"message": "hi"},
        {"anonymous": True},
        {"stream_id": "live"},
    ],
    ids=str,
)
@pytest.mark.parametrize("coins", [1, 1_000])
def test_a_key_that_comes_with_another_wish_is_a_conflict_rich_or_poor(coins: int, changes: dict[str, Any]) -> None:
    desk = funded(coins)
    desk.send()
    with pytest.raises(IdempotencyConflict):
        desk.send(**changes)
    assert desk.balance() == coins - 1
    assert len(desk.gifts()) == 1


def test_a_key_that_names_a_purchase_is_a_conflict() -> None:
    desk = funded(10)
    desk.stock()
    with pytest.raises(IdempotencyConflict):
        desk.send()
    assert desk.balance() == 10


def test_a_key_of_another_fan_is_nobodys_business() -> None:
    desk = funded(10)
    desk.books.coins["fan-2"] = 10
    desk.send(user_id="fan-2")
    assert not desk.send().is_repeat
    assert desk.books.coins == {FAN: 9, "fan-2": 9}


@pytest.mark.parametrize(("coins", "shown"), [(69, 69), (1, 1), (0, 0), (-5, 0)])
def test_a_wallet_with_too_little_says_what_it_has_and_what_it_takes(coins: int, shown: int) -> None:
    desk = funded(coins)
    with pytest.raises(InsufficientCoins) as refused:
        desk.send(item_id="cake", quantity=2)
    assert refused.value.facts == {"coins": shown, "needed": 70}
    assert (desk.balance(), desk.gifts()) == (coins, [])


def test_a_fan_who_never_had_a_wallet_has_nothing_to_give() -> None:
    desk = Desk()
    with pytest.raises(InsufficientCoins) as refused:
        desk.send()
    assert refused.value.facts == {"coins": 0, "needed": 1}
    assert desk.books.coins == {}


@pytest.mark.parametrize("coins", [0, 1, 1_000])
def test_a_frozen_wallet_says_so_whatever_is_in_it(coins: int) -> None:
    desk = funded(coins)
    desk.books.frozen.add(FAN)
    with pytest.raises(WalletFrozen):
        desk.send()
    assert (desk.balance(), desk.gifts()) == (coins, [])


def test_an_unknown_item_is_refused_without_a_write() -> None:
    desk = funded(10)
    with pytest.raises(UnknownItem):
        desk.send(item_id="dragon")
    assert desk.watch.calls == ["find_entry"]


def test_nobody_sends_a_gift_to_themselves() -> None:
    desk = funded(10)
    with pytest.raises(SelfGift):
        desk.send(creator_id=FAN)
    assert desk.watch.calls == []


@pytest.mark.parametrize("distance", [timedelta(hours=24, milliseconds=1), timedelta(days=-400)])
def test_a_stale_key_that_nobody_knows_is_refused_with_the_time(distance: timedelta) -> None:
    desk = funded(10)
    with pytest.raises(KeyTooOld) as refused:
        desk.send(gift_id=uuid7_at(START + distance, 1))
    assert refused.value.facts == {"server_time": "2026-11-22T12:00:00.000Z"}
    assert desk.balance() == 10


def raise_the_price(desk: Desk) -> None:
    desk.catalogue = a_catalogue(a_gift_item("clap", 1), a_gift_item("rose", 9_999))


def take_it_off_sale(desk: Desk) -> None:
    desk.catalogue = a_catalogue(a_gift_item("clap", 1))


def spend_the_rest(desk: Desk) -> None:
    desk.fund(0)


def fall_into_debt(desk: Desk) -> None:
    desk.fund(-70)


def lose_the_wallet(desk: Desk) -> None:
    del desk.books.coins[FAN]


def freeze(desk: Desk) -> None:
    desk.books.frozen.add(FAN)


def grow_old(desk: Desk) -> None:
    desk.clock.advance(timedelta(days=400))


MISHAPS = [raise_the_price, take_it_off_sale, spend_the_rest, fall_into_debt, lose_the_wallet, freeze, grow_old]


@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_retry_of_a_gift_that_went_through_never_hears_no(mishap: Callable[[Desk], None]) -> None:
    desk = funded(1)
    sent = desk.send().gift
    mishap(desk)
    before = desk.state()
    assert desk.send() == SentGift(gift=sent, is_repeat=True)
    assert desk.state() == before


@pytest.mark.parametrize("mishap", MISHAPS)
def test_nor_does_one_whose_answer_was_lost(mishap: Callable[[Desk], None]) -> None:
    desk = funded(1)
    desk.watch.fail_after["post_gift"] = TryAgain()
    with pytest.raises(TryAgain):
        desk.send()
    mishap(desk)
    assert desk.send().is_repeat
    assert len(desk.gifts()) == 1


def test_nor_does_one_to_which_everything_happened_at_once() -> None:
    desk = funded(1)
    sent = desk.send().gift
    for mishap in (take_it_off_sale, spend_the_rest, freeze, grow_old):
        mishap(desk)
    assert desk.send().gift == sent


@pytest.mark.parametrize("mishap", [take_it_off_sale, spend_the_rest, freeze, grow_old])
def test_but_a_gift_that_never_went_through_does(mishap: Callable[[Desk], None]) -> None:
    desk = funded(1)
    desk.watch.fail_before["post_gift"] = TryAgain()
    with pytest.raises(TryAgain):
        desk.send()
    mishap(desk)
    with pytest.raises(Refusal):
        desk.send()
    assert desk.gifts() == []


class RefusingLedger(FakeLedger):
    """Refuses every gift, for the wallet that it is given, while another request may have written it."""

    def __init__(self, wallet: Wallet | None, written: Gift | None = None) -> None:
        super().__init__()
        self.wallet = wallet
        if written:
            self.entries[FAN] = {KEY: written}

    def post_gift(self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None) -> GiftRefused:
        del gift, change, ended
        return GiftRefused(entry=None, wallet=self.wallet)


def send_to(ledger: FakeLedger) -> SentGift:
    return send_gift(a_gift_order(), catalogue=a_catalogue(), ledger=ledger, clock=FakeClock(), creator_lanes=8)


@pytest.mark.parametrize("coins", [1, 2, 1_000])
def test_a_refusal_by_a_wallet_that_would_allow_the_gift_is_no_answer(coins: int) -> None:
    with pytest.raises(TryAgain):
        send_to(RefusingLedger(Wallet(user_id=FAN, coins=coins)))


@pytest.mark.parametrize("wallet", [None, Wallet(user_id=FAN), Wallet(user_id=FAN, coins=9, is_frozen=True)], ids=str)
def test_a_twin_that_was_faster_answers_for_both(wallet: Wallet | None) -> None:
    assert send_to(RefusingLedger(wallet, written=a_gift())) == SentGift(gift=a_gift(), is_repeat=True)


@pytest.mark.parametrize("step", ["post_gift", "find_entry"])
def test_a_silent_ledger_decides_nothing(step: str) -> None:
    desk = funded(0)
    desk.watch.fail_before[step] = TryAgain()
    with pytest.raises(TryAgain):
        desk.send()
    with pytest.raises(InsufficientCoins):
        desk.send()
