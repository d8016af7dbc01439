from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.purchases import Status
from chalicelib.errors import IdempotencyConflict, KeyTooOld, TooManyOpen, TryAgain, UnknownBundle
from chalicelib.usecases.checkout import OpenedCheckout
from tests.domain.builders import CREATOR, FAN, KEY, a_bundle, a_catalogue, a_purchase
from tests.fakes import START, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, moved

PAY_URL = f"https://pay.example/{KEY}"
HOUR = timedelta(minutes=60)
NOTHING_SOLD = a_catalogue(a_bundle("coins_700", 700))
OPENED = ["open_purchase", "open_session"]
NO_LONGER_PENDING = [status for status in Status if status is not Status.PENDING]


def test_open_checkout_is_one_write_and_one_call_to_the_provider() -> None:
    harness = CheckoutHarness()
    assert harness.open() == OpenedCheckout(purchase=a_purchase(), url=PAY_URL, is_repeat=False)
    assert harness.recorder.calls == OPENED
    assert harness.purchase() == a_purchase()
    assert harness.balance() == 0


def test_open_checkout_repeat_returns_the_same_session() -> None:
    harness = CheckoutHarness()
    first = harness.open()
    again = harness.open()
    assert (again.purchase, again.url, again.is_repeat) == (first.purchase, first.url, True)
    assert harness.recorder.calls == OPENED * 2


def test_open_checkout_sends_return_address_with_every_repeat() -> None:
    harness = CheckoutHarness()
    there = "https://live.example/stream"
    first, again = harness.open(return_url=there), harness.open(return_url=there)
    assert (again.url, again.is_repeat) == (first.url, True)
    assert harness.provider.return_urls == [there, there]
    assert harness.recorder.calls == OPENED * 2
    with pytest.raises(IdempotencyConflict):
        harness.open()


def test_open_checkout_of_coins_repeats_after_the_price_has_changed() -> None:
    harness = CheckoutHarness(a_catalogue(a_bundle(), custom_max_coins=1_000))
    first = harness.open(bundle_id=None, coins=100)
    assert (first.purchase.coins, first.purchase.amount_minor) == (100, 106)
    harness.catalogue = a_catalogue(a_bundle(prices={"web": {"usd": 9_999}}))
    assert harness.open(bundle_id=None, coins=100).purchase == first.purchase
    with pytest.raises(IdempotencyConflict):
        harness.open(bundle_id=None, coins=101)


def test_open_checkout_repeats_an_in_app_purchase_of_the_first_release() -> None:
    harness = CheckoutHarness()
    stored = harness.stock(channel="in_app", amount_minor=99)
    assert harness.open(channel="in_app") == OpenedCheckout(purchase=stored, url=PAY_URL, is_repeat=True)


def test_open_checkout_repeat_keeps_the_quoted_price() -> None:
    harness = CheckoutHarness()
    harness.open()
    harness.catalogue = a_catalogue(a_bundle(prices={"web": {"usd": 9_999}}))
    assert harness.open().purchase.amount_minor == 74


@pytest.mark.parametrize("changes", [{"bundle_id": "coins_700"}, {"channel": "in_app"}], ids=str)
def test_open_checkout_of_another_request_with_the_key_is_a_conflict(changes: dict[str, Any]) -> None:
    harness = CheckoutHarness(a_catalogue(a_bundle(), a_bundle("coins_700", 700)))
    harness.open()
    before = harness.state()
    with pytest.raises(IdempotencyConflict):
        harness.open(**changes)
    assert harness.state() == before
    assert harness.provider.opened == 1


def test_open_checkout_of_another_currency_with_the_key_is_a_conflict() -> None:
    harness = CheckoutHarness()
    harness.open()
    with pytest.raises(IdempotencyConflict):
        harness.open(currency="jpy")


def test_open_checkout_with_the_key_of_a_gift_is_a_conflict() -> None:
    harness = CheckoutHarness()
    harness.fund(10)
    harness.send(creator_id=CREATOR)
    with pytest.raises(IdempotencyConflict):
        harness.open()


def test_open_checkout_with_the_key_of_another_fan_is_new() -> None:
    harness = CheckoutHarness()
    harness.open(user_id="fan-2")
    assert not harness.open().is_repeat


def test_open_checkout_of_an_unknown_bundle_writes_nothing() -> None:
    harness = CheckoutHarness(NOTHING_SOLD)
    with pytest.raises(UnknownBundle):
        harness.open()
    assert harness.recorder.calls == ["find_entry"]
    assert harness.books.entries == {}


def test_open_checkout_repeat_after_the_bundle_is_off_sale_has_its_url() -> None:
    harness = CheckoutHarness()
    first = harness.open()
    harness.catalogue = NOTHING_SOLD
    again = harness.open()
    assert (again.url, again.is_repeat) == (first.url, True)


def test_open_checkout_beyond_the_limit_of_unpaid_ones_writes_nothing() -> None:
    harness = CheckoutHarness()
    harness.max_open_checkouts = 1
    first = harness.open()
    with pytest.raises(TooManyOpen):
        harness.open(purchase_id=uuid7_at(START, 2))
    assert (harness.provider.opened, list(harness.books.entries[FAN])) == (1, [KEY])
    assert harness.open().url == first.url, "a repeat"
    harness.clock.advance(timedelta(hours=2))
    assert harness.open(purchase_id=uuid7_at(START, 2)).url


@pytest.mark.parametrize("distance", [timedelta(days=2), -timedelta(days=2)])
def test_open_checkout_with_an_unknown_stale_key_returns_server_time(distance: timedelta) -> None:
    harness = CheckoutHarness()
    with pytest.raises(KeyTooOld) as refused:
        harness.open(purchase_id=uuid7_at(START + distance, 1))
    assert refused.value.extensions == {"server_time": "2026-11-22T12:00:00.000Z"}
    assert harness.books.entries == {}
    assert harness.provider.opened == 0


@pytest.mark.parametrize("status", Status)
def test_open_checkout_with_a_known_stale_key_is_a_repeat(status: Status) -> None:
    harness = CheckoutHarness()
    stored = harness.stock(**moved(status))
    harness.clock.advance(timedelta(days=2))
    assert harness.open() == OpenedCheckout(purchase=stored, url=None, is_repeat=True)
    assert harness.provider.opened == 0


@pytest.mark.parametrize(
    ("age", "url", "calls"),
    [
        (HOUR - timedelta(milliseconds=1), PAY_URL, OPENED),
        (HOUR, None, ["open_purchase"]),
        (HOUR + timedelta(milliseconds=1), None, ["open_purchase"]),
        (timedelta(hours=23), None, ["open_purchase"]),
    ],
)
def test_open_checkout_repeat_after_an_hour_has_no_url_and_no_call(
    age: timedelta, url: str | None, calls: list[str]
) -> None:
    harness = CheckoutHarness()
    harness.open()
    harness.recorder.calls.clear()
    harness.clock.advance(age)
    assert harness.open() == OpenedCheckout(purchase=a_purchase(), url=url, is_repeat=True)
    assert harness.recorder.calls == calls


@pytest.mark.parametrize("status", NO_LONGER_PENDING)
def test_open_checkout_repeat_of_an_ended_purchase_has_no_url(status: Status) -> None:
    harness = CheckoutHarness()
    stored = harness.stock(**moved(status))
    assert harness.open() == OpenedCheckout(purchase=stored, url=None, is_repeat=True)
    assert harness.provider.opened == 0


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("step", OPENED)
def test_open_checkout_retry_after_any_fault_returns_the_same_session(step: str, fault: str) -> None:
    harness = CheckoutHarness()
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.open()
    assert harness.open().url == PAY_URL
    assert harness.open().url == PAY_URL
    assert harness.purchase() == a_purchase()
    assert len(harness.provider.sessions) == 1


def test_open_checkout_without_a_provider_response_stays_pending() -> None:
    harness = CheckoutHarness()
    harness.recorder.fail_before["open_session"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.open()
    assert harness.purchase().status is Status.PENDING
    assert harness.open().is_repeat


def test_open_checkout_conflict_at_the_provider_is_a_conflict() -> None:
    harness = CheckoutHarness()
    harness.recorder.fail_before["open_session"] = IdempotencyConflict()
    with pytest.raises(IdempotencyConflict):
        harness.open()
