from datetime import timedelta
from typing import Any

import pytest

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
from chalicelib.errors import IdempotencyConflict, InvalidField, UnknownBundle
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
def test_an_order_names_the_field_that_cannot_be(field: str, value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        a_checkout_order(**{field: value})
    assert refused.value.extensions["field"] == field


def test_a_quote_is_todays_price_with_the_bonus_in_its_coins() -> None:
    catalogue = a_catalogue(a_bundle(coins=80, bonus_coins=10))
    assert quote(a_checkout_order(), catalogue, START) == a_purchase(coins=80, amount_minor=74)
    assert quote(a_checkout_order(channel="in_app"), catalogue, START).amount_minor == 99


def test_what_is_not_on_sale_has_no_quote() -> None:
    with pytest.raises(UnknownBundle):
        quote(a_checkout_order(currency="eur"), a_catalogue(), START)


@pytest.mark.parametrize("status", Status)
def test_a_repeat_is_the_same_purchase_whatever_it_costs_by_now(status: Status) -> None:
    stored = a_purchase(status=status, coins=1, amount_minor=5)
    assert require_same_request(stored, a_checkout_order()) is stored
    assert stored.entry_id == KEY


@pytest.mark.parametrize("changes", [{"bundle_id": "other"}, {"currency": "eur"}, {"channel": "in_app"}], ids=str)
def test_a_key_of_another_purchase_is_a_conflict(changes: dict[str, Any]) -> None:
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_purchase(), a_checkout_order(**changes))


def test_a_key_of_a_gift_is_a_conflict() -> None:
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_gift(), a_checkout_order())


@pytest.mark.parametrize(
    ("age", "can"),
    [(timedelta(), True), (HOUR - MICROSECOND, True), (HOUR, False), (timedelta(days=59), False), (-HOUR, True)],
)
def test_a_pending_purchase_can_be_paid_for_an_hour(age: timedelta, *, can: bool) -> None:
    assert can_still_be_paid(a_purchase(), START + age) is can


@pytest.mark.parametrize("status", NO_LONGER_PENDING)
def test_what_is_pending_no_more_cannot_be_paid(status: Status) -> None:
    assert not can_still_be_paid(a_purchase(status=status), START)


def test_every_status_but_one_is_unposted() -> None:
    assert set(UNPOSTED) == {Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED}


def test_a_session_that_was_paid_in_full_is_ours() -> None:
    assert session_review_reason(session_of(a_purchase())) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_status": "no_payment_required"}, "no_payment_required"),
        ({"payment_status": "unpaid"}, "unpaid"),
        ({"payment_status": "something_new"}, "something_new"),
        ({"payment_intent": None}, "no_payment_intent"),
        ({"total_minor": 73}, "discounted_or_surcharged"),
        ({"total_minor": 75}, "discounted_or_surcharged"),
        ({"total_minor": 0}, "discounted_or_surcharged"),
    ],
    ids=str,
)
def test_any_other_session_is_for_a_person_to_look_at(changes: dict[str, Any], reason: str) -> None:
    assert session_review_reason(session_of(a_purchase(), **changes)) == reason


def test_a_purchase_posted_by_the_same_payment_is_a_repeat() -> None:
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
def test_a_refusal_of_the_ledger_has_the_first_reason_that_applies(stored: dict[str, Any], reason: str) -> None:
    assert purchase_review_reason(a_posted_purchase(**stored), session_of(a_purchase())) == reason


def test_a_strangers_session_is_a_mistake_of_ours() -> None:
    with pytest.raises(UnrelatedPayment):
        purchase_review_reason(a_purchase(), session_of(a_purchase(), ref=None))


def test_a_market_is_a_currency_and_a_channel() -> None:
    assert require_market("usd", "web") == ("usd", "web")
