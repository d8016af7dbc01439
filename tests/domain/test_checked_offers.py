from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.offers import OFFER_LIFE, SignedOffer, check_price, check_signed, to_sign
from tests.domain.builders import a_bundle, a_catalogue
from tests.fakes import START

ISSUER = "https://shop.example"
CATALOGUE = a_catalogue(
    a_bundle("small", 70, prices={"web": {"usd": 74}, "in_app": {"usd": 99, "eur": 95}}),
    a_bundle("large", 1500, bonus_coins=100, prices={"web": {"usd": 1499}, "in_app": {"usd": 1999}}),
    a_bundle("twin", 1500, prices={"in_app": {"usd": 1600}}),
)


@pytest.mark.parametrize(
    ("claimed", "channel", "reason", "official"),
    [
        ((70, 74, "usd"), "", "official", ("small", 74)),
        ((70, 99, "usd"), "", "official", ("small", 99)),
        ((70, 99, "usd"), "in_app", "official", ("small", 99)),
        ((70, 99, "usd"), "web", "too_dear", ("small", 74)),
        ((70, 74, "usd"), "in_app", "too_cheap", ("small", 99)),
        ((70, 73, "usd"), "", "too_cheap", ("small", 74)),
        ((70, 75, "usd"), "", "too_dear", ("small", 74)),
        ((70, 100, "usd"), "", "too_dear", ("small", 74)),
        ((70, 95, "eur"), "", "official", ("small", 95)),
        ((70, 95, "eur"), "web", "no_such_bundle", None),
        ((70, 74, "gbp"), "", "no_such_bundle", None),
        ((71, 74, "usd"), "", "no_such_bundle", None),
        ((1400, 1499, "usd"), "", "no_such_bundle", None),  # the bonus counts
        ((1500, 1600, "usd"), "", "official", ("twin", 1600)),
        ((1500, 1499, "usd"), "", "official", ("large", 1499)),
        ((1500, 1550, "usd"), "", "too_dear", ("large", 1499)),
        ((1500, 1700, "usd"), "in_app", "too_dear", ("twin", 1600)),
        ((1500, 150, "usd"), "", "too_cheap", ("large", 1499)),
    ],
)
def test_check_price_returns_the_reason(
    claimed: tuple[int, int, str], channel: str, reason: str, official: tuple[str, int] | None
) -> None:
    verdict = check_price(CATALOGUE, *claimed, channel)
    assert (verdict.reason, verdict.is_official) == (reason, reason == "official")
    assert (verdict.offer and (verdict.offer.bundle.bundle_id, verdict.offer.amount_minor)) == official
    assert verdict.detail.endswith(".")


def signed(**changes: Any) -> SignedOffer:
    """Build the signed offer of the large bundle."""
    [offer] = [offer for offer in CATALOGUE.offers("usd", "web") if offer.bundle.bundle_id == "large"]
    return replace(to_sign(offer, issuer=ISSUER, is_live=True, now=START), **changes)


def verdict_of(offer: SignedOffer | None, at: timedelta = timedelta(0)) -> tuple[str, int | None]:
    verdict = check_signed(offer, CATALOGUE, issuer=ISSUER, is_live=True, now=START + at)
    assert verdict.is_official == (verdict.reason == "official")
    return verdict.reason, verdict.offer.amount_minor if verdict.offer else None


def test_to_sign_returns_the_offer_valid_for_a_day() -> None:
    [_, offer] = CATALOGUE.offers("usd", "web")
    assert to_sign(offer, issuer=ISSUER, is_live=True, now=START + timedelta(microseconds=999_999)) == SignedOffer(
        issuer=ISSUER,
        issued_at=START,
        expires_at=START + timedelta(hours=24),
        bundle_id="large",
        coins=1500,
        bonus_coins=100,
        amount_minor=1499,
        currency="usd",
        channel="web",
        is_live=True,
    )


def test_check_signed_offer_is_official_until_it_expires() -> None:
    moment = timedelta(microseconds=1)
    assert verdict_of(signed()) == ("official", 1499)
    assert verdict_of(signed(), OFFER_LIFE - moment) == ("official", 1499)
    assert verdict_of(signed(), OFFER_LIFE) == ("expired", None)


SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("issued", "life", "reason"),
    [
        (0 * DAY, DAY, "official"),
        (60 * SECOND, DAY, "official"),
        (0 * DAY, DAY + SECOND, "not_signed"),
        (0 * DAY, 0 * DAY, "not_signed"),
        (0 * DAY, -DAY, "not_signed"),
        (61 * SECOND, DAY, "not_signed"),
        (300 * DAY, DAY, "not_signed"),
        (datetime.max.replace(tzinfo=UTC) - START - SECOND, SECOND, "not_signed"),
        (-300 * DAY, 301 * DAY, "not_signed"),
        (-300 * DAY, DAY, "expired"),
    ],
    ids=str,
)
def test_check_signed_offer_with_impossible_times_is_not_signed(
    issued: timedelta, life: timedelta, reason: str
) -> None:
    at = START + issued
    assert verdict_of(signed(issued_at=at, expires_at=at + life))[0] == reason


@pytest.mark.parametrize(
    ("changes", "reason", "amount_minor"),
    [
        ({"issuer": "https://other.example"}, "other_shop", None),
        ({"is_live": False}, "other_shop", None),
        ({"bundle_id": "gone"}, "not_on_sale", None),
        ({"currency": "eur"}, "not_on_sale", None),
        ({"channel": "in_app"}, "price_changed", 1999),
        ({"channel": "in_app", "bundle_id": "gone"}, "not_on_sale", None),
        ({"amount_minor": 1399}, "price_changed", 1499),
        ({"coins": 1600}, "price_changed", 1499),
        ({"bonus_coins": 0}, "price_changed", 1499),
    ],
)
def test_check_signed_offer_that_is_no_longer_sold_is_not_official(
    changes: dict[str, Any], reason: str, amount_minor: int | None
) -> None:
    assert verdict_of(signed(**changes)) == (reason, amount_minor)


def test_check_price_of_an_in_app_price_says_that_it_holds_in_the_app_only() -> None:
    in_app, on_the_web = check_price(CATALOGUE, 70, 99, "usd"), check_price(CATALOGUE, 70, 74, "usd")
    assert in_app.is_official
    assert in_app.detail == "The shop sells 70 coins for this price, in its app only."
    assert on_the_web.detail == "The shop sells 70 coins for this price."
    assert [verdict.offer and verdict.offer.channel for verdict in (in_app, on_the_web)] == ["in_app", "web"]


@pytest.mark.parametrize(
    ("claimed", "channel", "reason", "official"),
    [
        ((100, 106, "usd"), "", "official", ("custom", 106)),
        ((100, 105, "usd"), "web", "too_cheap", ("custom", 106)),
        ((100, 107, "usd"), "web", "too_dear", ("custom", 106)),
        ((2000, 1999, "usd"), "", "official", ("custom", 1999)),
        ((70, 74, "usd"), "web", "official", ("small", 74)),
        ((100, 106, "usd"), "in_app", "no_such_bundle", None),
        ((69, 73, "usd"), "", "no_such_bundle", None),
        ((2001, 2000, "usd"), "", "no_such_bundle", None),
        ((1499, 1499, "usd"), "", "no_such_bundle", None),  # the bundle of 1,500 costs no more
    ],
)
def test_check_price_of_a_custom_amount_is_what_a_checkout_would_ask(
    claimed: tuple[int, int, str], channel: str, reason: str, official: tuple[str, int] | None
) -> None:
    verdict = check_price(replace(CATALOGUE, custom_max_coins=2000), *claimed, channel)
    assert (verdict.reason, verdict.is_official) == (reason, reason == "official")
    assert (verdict.offer and (verdict.offer.bundle.bundle_id, verdict.offer.amount_minor)) == official


def test_check_signed_offer_without_a_signature_is_not_signed() -> None:
    assert verdict_of(None) == ("not_signed", None)
