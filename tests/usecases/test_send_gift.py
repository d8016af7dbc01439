from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.gifts import Gift, shard_of
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
from chalicelib.ports.results import Rejected
from chalicelib.usecases.gifts import SentGift, send_gift
from tests.domain.builders import FAN, KEY, a_catalogue, a_gift, a_gift_item, a_gift_order
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness

EVENT_ID = uuid7_at(START, 1)


def funded(coins: int) -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.fund(coins)
    return harness


def test_send_gift_is_one_round_trip() -> None:
    harness = funded(70)
    gift = a_gift(event_id=EVENT_ID, shard=shard_of(EVENT_ID, 8), item_id="cake", quantity=2, price_coins=70)
    assert harness.send(item_id="cake", quantity=2) == SentGift(gift=gift, is_repeat=False)
    assert harness.recorder.calls == ["post_gift"]
    assert harness.balance() == 0
    assert harness.gifts() == [gift]


def test_send_gift_repeat_returns_the_first_gift() -> None:
    harness = funded(70)
    first = harness.send(item_id="cake")
    for _ in range(3):
        assert harness.send(item_id="cake") == SentGift(gift=first.gift, is_repeat=True)
    assert harness.balance() == 35
    assert len(harness.gifts()) == 1


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
def test_send_gift_of_another_request_with_the_key_is_a_conflict(coins: int, changes: dict[str, Any]) -> None:
    harness = funded(coins)
    harness.send()
    with pytest.raises(IdempotencyConflict):
        harness.send(**changes)
    assert harness.balance() == coins - 1
    assert len(harness.gifts()) == 1


def test_send_gift_with_the_key_of_a_purchase_is_a_conflict() -> None:
    harness = funded(10)
    harness.stock()
    with pytest.raises(IdempotencyConflict):
        harness.send()
    assert harness.balance() == 10


def test_send_gift_with_the_key_of_another_fan_is_new() -> None:
    harness = funded(10)
    harness.books.coins["fan-2"] = 10
    harness.send(user_id="fan-2")
    assert not harness.send().is_repeat
    assert harness.books.coins == {FAN: 9, "fan-2": 9}


@pytest.mark.parametrize(("coins", "shown"), [(69, 69), (1, 1), (0, 0), (-5, 0)])
def test_send_gift_with_too_few_coins_returns_balance_and_need(coins: int, shown: int) -> None:
    harness = funded(coins)
    with pytest.raises(InsufficientCoins) as refused:
        harness.send(item_id="cake", quantity=2)
    assert refused.value.extensions == {"coins": shown, "needed": 70}
    assert (harness.balance(), harness.gifts()) == (coins, [])


def test_send_gift_without_a_wallet_is_refused() -> None:
    harness = CheckoutHarness()
    with pytest.raises(InsufficientCoins) as refused:
        harness.send()
    assert refused.value.extensions == {"coins": 0, "needed": 1}
    assert harness.books.coins == {}


@pytest.mark.parametrize("coins", [0, 1, 1_000])
def test_send_gift_from_a_frozen_wallet_is_refused(coins: int) -> None:
    harness = funded(coins)
    harness.books.frozen.add(FAN)
    with pytest.raises(WalletFrozen):
        harness.send()
    assert (harness.balance(), harness.gifts()) == (coins, [])


def test_send_gift_of_an_unknown_item_writes_nothing() -> None:
    harness = funded(10)
    with pytest.raises(UnknownItem):
        harness.send(item_id="dragon")
    assert harness.recorder.calls == ["find_entry"]


def test_send_gift_to_oneself_is_refused() -> None:
    harness = funded(10)
    with pytest.raises(SelfGift):
        harness.send(creator_id=FAN)
    assert harness.recorder.calls == []


@pytest.mark.parametrize("distance", [timedelta(hours=24, milliseconds=1), timedelta(days=-400)])
def test_send_gift_with_an_unknown_stale_key_returns_server_time(distance: timedelta) -> None:
    harness = funded(10)
    with pytest.raises(KeyTooOld) as refused:
        harness.send(gift_id=uuid7_at(START + distance, 1))
    assert refused.value.extensions == {"server_time": "2026-11-22T12:00:00.000Z"}
    assert harness.balance() == 10


def raise_the_price(harness: CheckoutHarness) -> None:
    harness.catalogue = a_catalogue(a_gift_item("clap", 1), a_gift_item("rose", 9_999))


def take_it_off_sale(harness: CheckoutHarness) -> None:
    harness.catalogue = a_catalogue(a_gift_item("clap", 1))


def spend_the_rest(harness: CheckoutHarness) -> None:
    harness.fund(0)


def fall_into_debt(harness: CheckoutHarness) -> None:
    harness.fund(-70)


def lose_the_wallet(harness: CheckoutHarness) -> None:
    del harness.books.coins[FAN]


def freeze(harness: CheckoutHarness) -> None:
    harness.books.frozen.add(FAN)


def grow_old(harness: CheckoutHarness) -> None:
    harness.clock.advance(timedelta(days=400))


MISHAPS = [raise_the_price, take_it_off_sale, spend_the_rest, fall_into_debt, lose_the_wallet, freeze, grow_old]


@pytest.mark.parametrize("change", MISHAPS)
def test_send_gift_repeat_of_a_sent_gift_is_never_refused(change: Callable[[CheckoutHarness], None]) -> None:
    harness = funded(1)
    sent = harness.send().gift
    change(harness)
    before = harness.state()
    assert harness.send() == SentGift(gift=sent, is_repeat=True)
    assert harness.state() == before


@pytest.mark.parametrize("change", MISHAPS)
def test_send_gift_repeat_after_a_lost_response_is_never_refused(change: Callable[[CheckoutHarness], None]) -> None:
    harness = funded(1)
    harness.recorder.fail_after["post_gift"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.send()
    change(harness)
    assert harness.send().is_repeat
    assert len(harness.gifts()) == 1


def test_send_gift_repeat_after_all_changes_at_once_is_never_refused() -> None:
    harness = funded(1)
    sent = harness.send().gift
    for change in (take_it_off_sale, spend_the_rest, freeze, grow_old):
        change(harness)
    assert harness.send().gift == sent


@pytest.mark.parametrize("change", [take_it_off_sale, spend_the_rest, freeze, grow_old])
def test_send_gift_retry_of_an_unsent_gift_can_be_refused(change: Callable[[CheckoutHarness], None]) -> None:
    harness = funded(1)
    harness.recorder.fail_before["post_gift"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.send()
    change(harness)
    with pytest.raises(Refusal):
        harness.send()
    assert harness.gifts() == []


class RefusingLedger(FakeLedger):
    """A ledger that refuses every gift with a given wallet, while another request may have written it."""

    def __init__(self, wallet: Wallet | None, written: Gift | None = None) -> None:
        super().__init__()
        self.wallet = wallet
        if written:
            self.entries[FAN] = {KEY: written}

    def post_gift(self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None) -> Rejected:
        del gift, change, ended
        return Rejected(wallet=self.wallet)


def send_to(ledger: FakeLedger) -> SentGift:
    return send_gift(a_gift_order(), catalogue=a_catalogue(), ledger=ledger, clock=FakeClock(), creator_shards=8)


@pytest.mark.parametrize("coins", [1, 2, 1_000])
def test_send_gift_refused_by_an_allowing_wallet_raises_try_again(coins: int) -> None:
    with pytest.raises(TryAgain):
        send_to(RefusingLedger(Wallet(user_id=FAN, coins=coins)))


@pytest.mark.parametrize(
    "wallet", [None, Wallet(user_id=FAN), Wallet(user_id=FAN, coins=9, is_frozen_by_operator=True)], ids=str
)
def test_send_gift_refused_by_its_own_twin_is_a_repeat(wallet: Wallet | None) -> None:
    assert send_to(RefusingLedger(wallet, written=a_gift())) == SentGift(gift=a_gift(), is_repeat=True)


@pytest.mark.parametrize("step", ["post_gift", "find_entry"])
def test_send_gift_without_a_ledger_response_raises_try_again(step: str) -> None:
    harness = funded(0)
    harness.recorder.fail_before[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.send()
    with pytest.raises(InsufficientCoins):
        harness.send()
