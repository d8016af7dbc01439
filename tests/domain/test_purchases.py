from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import UnrelatedPayment
from chalicelib.domain.purchases import (
    UNPOSTED,
    Status,
    can_still_be_paid,
    purchase_review_reason,
    quote,
    require_market,
    require_same_request,
    session_review_reason,
)
from chalicelib.errors import CoinsNotForSale, IdempotencyConflict, InvalidField, UnknownBundle
from tests.domain.builders import (
    KEY,
    a_bundle,
    a_catalogue,
    a_checkout_order,
    a_gift,
    a_posted_purchase,
    a_purchase,
)
from tests.fakes import START, session_of

HOUR = timedelta(minutes=60)
MICROSECOND = timedelta(microseconds=1)
NO_LONGER_PENDING = [status for status in Status if status is not Status.PENDING]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bundle_id", ""),
        ("quantity", 0),
        ("quantity", -1),
        ("quantity", 100),
        ("bundle_id", "x" * 65),
        ("bundle_id", "coins#70"),
        ("currency", ""),
        ("currency", "us"),
        ("currency", "usdx"),
        ("currency", "USD"),
        ("currency", "us1"),
        ("currency", "us "),
        ("currency", "usd\n"),
        ("currency", "ûsd"),
        ("channel", ""),
        ("channel", "kiosk"),
        ("channel", "WEB"),
    ],
)
def test_checkout_order_names_the_invalid_field(field: str, value: str | int) -> None:
    with pytest.raises(InvalidField) as refused:
        a_checkout_order(**{field: value})
    assert refused.value.extensions["field"] == field


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"coins": 70}, "bundle_id"),
        ({"coins": 70, "bundle_id": None, "quantity": 2}, "quantity"),
        ({"coins": 0, "bundle_id": None}, "bundle_id"),
        ({"coins": -1, "bundle_id": None}, "coins"),
        ({"coins": MAX_AMOUNT + 1, "bundle_id": None}, "coins"),
    ],
)
def test_checkout_order_is_of_a_bundle_or_of_coins(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        a_checkout_order(**wanted)
    assert refused.value.extensions["field"] == field


@pytest.mark.parametrize("coins", [1, MAX_AMOUNT])
def test_checkout_order_accepts_the_least_and_most_coins(coins: int) -> None:
    assert a_checkout_order(coins=coins, bundle_id=None).coins == coins


def test_purchase_is_no_renewal_unless_stated() -> None:
    assert not a_purchase().is_renewal


def test_quote_has_the_current_price_and_the_bonus_in_its_coins() -> None:
    catalogue = a_catalogue(a_bundle(coins=80, bonus_coins=10))
    assert quote(a_checkout_order(), catalogue, START) == a_purchase(coins=80, amount_minor=74)


def test_quote_outside_the_market_raises_unknown_bundle() -> None:
    for order in (a_checkout_order(currency="eur"), a_checkout_order(channel="in_app")):
        with pytest.raises(UnknownBundle):
            quote(order, a_catalogue(), START)


LADDER = a_catalogue(
    a_bundle("coins_70", 70, prices={"web": {"usd": 74}}),
    a_bundle("coins_350", 350, prices={"web": {"usd": 364}}),
    custom_max_coins=1_000,
)


@pytest.mark.parametrize(
    ("wanted", "bundle_id", "coins", "amount_minor"),
    [
        ({"coins": 70, "bundle_id": None}, "coins_70", 70, 74),
        ({"coins": 71, "bundle_id": None}, "custom", 71, 76),
        ({"coins": 349, "bundle_id": None}, "coins_350", 350, 364),
        ({"coins": 1_000, "bundle_id": None}, "custom", 1_000, 1_040),
        ({"quantity": 1}, "coins_70", 70, 74),
        ({"quantity": 2}, "custom", 140, 148),
        ({"quantity": 5}, "coins_350", 350, 364),
        ({"quantity": 6}, "custom", 420, 437),
        ({"bundle_id": "coins_350", "quantity": 2}, "custom", 700, 728),
    ],
)
def test_quote_of_an_amount_is_one_price_for_all_its_coins(
    wanted: dict[str, Any], bundle_id: str, coins: int, amount_minor: int
) -> None:
    order = a_checkout_order(**wanted)
    expected = a_purchase(bundle_id=bundle_id, coins=coins, amount_minor=amount_minor, request_hash=order.request_hash)
    assert quote(order, LADDER, START) == expected


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ({"coins": 69, "bundle_id": None}, {"nearest_above": 70}),
        ({"coins": 1_001, "bundle_id": None}, {"nearest_below": 1_000}),
        ({"quantity": 99}, {"nearest_below": 1_000}),
    ],
)
def test_quote_of_too_few_or_too_many_coins_names_the_nearest(wanted: dict[str, Any], nearest: dict[str, int]) -> None:
    with pytest.raises(CoinsNotForSale) as refused:
        quote(a_checkout_order(**wanted), LADDER, START)
    assert refused.value.extensions == nearest


def test_quote_of_a_quantity_needs_a_known_bundle() -> None:
    with pytest.raises(UnknownBundle):
        quote(a_checkout_order(bundle_id="coins_71", quantity=2), LADDER, START)


@pytest.mark.parametrize("status", Status)
def test_require_same_request_ignores_a_changed_price(status: Status) -> None:
    stored = a_purchase(status=status, coins=1, amount_minor=5)
    assert require_same_request(stored, a_checkout_order()) is stored
    assert stored.entry_id == KEY


@pytest.mark.parametrize("changes", [{"bundle_id": "other"}, {"currency": "eur"}, {"channel": "in_app"}], ids=str)
def test_require_same_request_of_another_purchase_is_a_conflict(changes: dict[str, Any]) -> None:
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_purchase(), a_checkout_order(**changes))


REQUESTS: list[dict[str, Any]] = [
    {},
    {"quantity": 2},
    {"quantity": 20},
    {"bundle_id": None, "coins": 70},
    {"bundle_id": None, "coins": 1_400},
    {"return_url": "https://live.example/stream"},
    {"return_url": "https://live.example/stream", "quantity": 2},
    {"return_url": "https://live.example/other"},
]


@pytest.mark.parametrize("first", REQUESTS, ids=str)
def test_require_same_request_compares_amount_and_return_address(first: dict[str, Any]) -> None:
    stored = quote(a_checkout_order(**first), load_catalogue("tiktok_like"), START)
    assert stored.request_hash is None or len(bytes.fromhex(stored.request_hash)) == 16
    assert "live.example" not in str(stored)
    for later in REQUESTS:
        order = a_checkout_order(**later)
        if later == first:
            assert require_same_request(stored, order) is stored
        else:
            with pytest.raises(IdempotencyConflict):
                require_same_request(stored, order)


def test_require_same_request_of_an_amount_ignores_the_current_price() -> None:
    order = a_checkout_order(bundle_id=None, coins=345)
    stored = a_purchase(bundle_id="coins_350", coins=350, amount_minor=1, request_hash=order.request_hash)
    assert require_same_request(stored, order) is stored


def test_require_same_request_accepts_a_row_of_the_first_release() -> None:
    stored = a_purchase(bundle_id="coins_70", channel="in_app")
    assert stored.request_hash is None
    assert require_same_request(stored, a_checkout_order(channel="in_app")) is stored


def test_require_same_request_of_a_gift_is_a_conflict() -> None:
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_gift(), a_checkout_order())


@pytest.mark.parametrize(
    ("age", "can"),
    [(timedelta(), True), (HOUR - MICROSECOND, True), (HOUR, False), (timedelta(days=59), False), (-HOUR, True)],
)
def test_can_still_be_paid_for_an_hour_after_opening(age: timedelta, *, can: bool) -> None:
    assert can_still_be_paid(a_purchase(), START + age) is can


@pytest.mark.parametrize("status", NO_LONGER_PENDING)
def test_can_still_be_paid_is_false_unless_pending(status: Status) -> None:
    assert not can_still_be_paid(a_purchase(status=status), START)


def test_unposted_has_every_status_but_posted() -> None:
    assert set(UNPOSTED) == {Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED}


def test_session_review_reason_of_a_full_payment_is_none() -> None:
    assert session_review_reason(session_of(a_purchase())) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_status": "no_payment_required"}, "no_payment_required"),
        ({"payment_status": "unpaid"}, "unpaid"),
        ({"payment_status": "something_new"}, "unknown"),
        ({"payment_intent": None}, "no_payment_intent"),
        ({"total_minor": 73}, "discounted_or_surcharged"),
        ({"total_minor": 75}, "discounted_or_surcharged"),
        ({"total_minor": 0}, "discounted_or_surcharged"),
    ],
    ids=str,
)
def test_session_review_reason_names_the_difference(changes: dict[str, Any], reason: str) -> None:
    assert session_review_reason(session_of(a_purchase(), **changes)) == reason


def test_purchase_review_reason_of_the_same_payment_is_none() -> None:
    assert purchase_review_reason(a_posted_purchase(), session_of(a_purchase())) is None


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"currency": "eur"}, "other_currency"),
        ({"amount_minor": 73}, "other_amount"),
        ({"coins": 71}, "other_coins"),
        ({"payment_intent": "pi_other"}, "paid_twice"),
        ({"currency": "eur", "amount_minor": 73, "coins": 71}, "other_currency"),
        ({"amount_minor": 73, "coins": 71, "payment_intent": "pi_other"}, "other_amount"),
        ({"coins": 71, "payment_intent": "pi_other"}, "other_coins"),
    ],
    ids=str,
)
def test_purchase_review_reason_is_the_first_that_applies(stored: dict[str, Any], reason: str) -> None:
    purchase = a_posted_purchase(**{"payment_intent": "pi_other", **stored})
    assert purchase_review_reason(purchase, session_of(a_purchase())) == reason


@pytest.mark.parametrize("stored", [{}, {"currency": "eur"}, {"amount_minor": 73}, {"coins": 71}], ids=str)
def test_purchase_review_reason_of_a_credited_payment_is_none(stored: dict[str, Any]) -> None:
    """An operator may have credited it at another price than was quoted."""
    assert purchase_review_reason(a_posted_purchase(**stored), session_of(a_purchase())) is None


def test_purchase_review_reason_of_an_unrelated_session_raises_unrelated_payment() -> None:
    with pytest.raises(UnrelatedPayment):
        purchase_review_reason(a_purchase(), session_of(a_purchase(), ref=None))


def test_require_market_returns_currency_and_channel() -> None:
    assert require_market("usd", "web") == ("usd", "web")
