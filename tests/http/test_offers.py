"""Signed bundles, and verdicts on addresses, prices and signatures."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from msgspec.structs import replace

from chalicelib.adapters.offer_signer import BadSigningKey, EcOfferSigner
from chalicelib.errors import TryAgain
from infra.local.deployment import new_signing_key
from tests.http.api import SIGNING_KEY, Api, Reply
from tests.http.broken import Broken


def verify(api: Api, **query: str | int) -> Reply:
    return api.get(f"/v1/offers/verify?{urlencode(query)}", fan=None)


def verdict(reply: Reply) -> tuple[bool, str]:
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json["detail"].endswith(".")
    return reply.json["official"], reply.json["reason"]


def signed(api: Api, market: str = "") -> list[str]:
    return [offer["jws"] for offer in api.get(f"/v1/offers{market}", fan=None).json["offers"]]


# --- signed bundles ---------------------------------------------------------------------------------------------------


def test_offer_verifies_with_the_public_keys(api: Api) -> None:
    offers = api.get("/v1/offers?currency=eur&channel=in_app", fan=None)
    keys = jwt.PyJWKSet.from_json(api.get("/.well-known/jwks.json", fan=None).text)
    assert [offer["bundle_id"] for offer in offers.json["offers"]][:2] == ["coins_70", "coins_350"]
    for offer in offers.json["offers"]:
        key = keys[jwt.get_unverified_header(offer["jws"])["kid"]]
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims = jwt.decode(offer["jws"], key, algorithms=["ES256"], issuer="https://shop.example", options=options)
        assert claims["exp"] - claims["iat"] == 86_400
        assert (claims["bundle_id"], claims["coins"]) == (offer["bundle_id"], offer["coins"])
        assert (claims["amount_minor"], claims["currency"]) == (offer["price"]["amount_minor"], "eur")
        assert (claims["channel"], claims["livemode"]) == ("in_app", False)
        assert len(offer["jws"]) < 600


def test_offers_are_cacheable_for_a_minute(api: Api) -> None:
    reply = api.get("/v1/offers", fan=None)
    assert (reply.headers["cache-control"], reply.headers.get("etag")) == ("public, max-age=60", None)


def test_public_keys_have_an_etag_and_no_private_part(api: Api) -> None:
    reply = api.get("/.well-known/jwks.json", fan=None)
    assert reply.headers["content-type"] == "application/json"
    assert api.get("/.well-known/jwks.json", headers={"If-None-Match": reply.headers["etag"]}).status == 304
    [key] = reply.json["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_offers_in_an_unsold_currency_are_empty(api: Api) -> None:
    assert signed(api, "?currency=chf") == []
    assert api.get("/v1/offers?currency=moon").json["field"] == "currency"


def test_offer_is_official_for_a_day(api: Api) -> None:
    jws = signed(api, "?currency=jpy")[0]
    reply = verify(api, jws=jws)
    assert verdict(reply) == (True, "official")
    assert reply.json["bundle_id"] == "coins_70"
    assert reply.json["official_price"] == {"amount_minor": 112, "currency": "jpy", "exponent": 0}
    api.clock.advance(timedelta(hours=24))
    assert verdict(verify(api, jws=jws)) == (False, "expired")


def test_offer_that_is_no_longer_sold_is_not_official(api: Api) -> None:
    jws = signed(api)[0]
    bundle = api.ports["catalogue"].bundles["coins_70"]
    others = {name: each for name, each in api.ports["catalogue"].bundles.items() if name != "coins_70"}
    dearer = replace(bundle, prices={"web": {"usd": 99}})
    api.ports["catalogue"] = replace(api.ports["catalogue"], bundles=others | {"coins_70": dearer})
    reply = verify(api, jws=jws)
    assert verdict(reply) == (False, "price_changed")
    assert reply.json["official_price"]["amount_minor"] == 99
    api.ports["catalogue"] = replace(api.ports["catalogue"], bundles=others)
    assert verdict(verify(api, jws=jws)) == (False, "not_on_sale")


def test_offer_of_test_mode_is_not_official_in_live_mode(api: Api) -> None:
    jws = signed(api)[0]
    api.ports["settings"] = replace(api.ports["settings"], livemode=True)
    assert verdict(verify(api, jws=jws)) == (False, "other_shop")


def test_rotated_keys_still_verify_earlier_offers(api: Api) -> None:
    jws = signed(api)[0]
    newer = new_signing_key()
    api.ports["offer_signer"] = EcOfferSigner(lambda: [newer, SIGNING_KEY])
    assert verdict(verify(api, jws=jws)) == (True, "official")
    assert len(api.get("/.well-known/jwks.json").json["keys"]) == 2
    api.ports["offer_signer"] = EcOfferSigner(lambda: [newer])
    assert verdict(verify(api, jws=jws)) == (False, "not_signed")


def test_signing_key_is_in_no_response_or_log(api: Api) -> None:
    for path in ("/v1/offers", "/.well-known/jwks.json", "/v1/offers/verify?jws=x.y.z"):
        assert api.get(path).status == 200
    secret = SIGNING_KEY.splitlines()[1]
    api.ports["offer_signer"] = EcOfferSigner(lambda: [SIGNING_KEY[:150]])
    broken = api.get("/v1/offers")
    assert (broken.status, broken.code) == (500, "internal_error")
    assert BadSigningKey.__name__ in api.logged.getvalue()
    assert secret not in api.logged.getvalue() + broken.text


@pytest.mark.parametrize("path", ["/v1/offers", "/.well-known/jwks.json", "/v1/offers/verify?jws=x.y.z"])
def test_offers_without_signing_keys_get_try_again(api: Api, path: str) -> None:
    api.ports["offer_signer"] = Broken(TryAgain("The secrets cannot be read."))
    assert api.get(path).status == 503


# --- addresses and prices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://shop.example/success?purchase=1&x=2", (True, "official")),
        ("https://shop.example@evil.example/", (False, "user_name")),
        ("https://shop.example\\@evil.example/", (False, "odd_characters")),
        ("https://sh\u043ep.example/", (False, "look_alike")),
        ("https://xn--shp-1lc.example/", (False, "look_alike")),
        ("http://shop.example/", (False, "not_https")),
        ("https://shop.example:444/", (False, "other_port")),
        ("https://evil.example/?https://shop.example", (False, "other_site")),
        ("https://checkout.stripe.com/c/pay/cs_live_1", (False, "payment_page")),
        ("javascript:alert(1)", (False, "no_web_address")),
        ("https://shop.example/" + "x" * 2027, (True, "official")),
    ],
)
def test_verify_address_returns_its_reason(api: Api, url: str, found: tuple[bool, str]) -> None:
    reply = verify(api, url=url)
    assert verdict(reply) == found
    assert (reply.json["bundle_id"], reply.json["official_price"]) == (None, None)


def test_verify_address_accepts_both_origins_of_the_settings(api: Api) -> None:
    api.ports["settings"] = replace(api.ports["settings"], cancel_url="https://www.shop.example/cancelled")
    assert verdict(verify(api, url="https://www.shop.example/")) == (True, "official")
    assert verdict(verify(api, url="https://shop.example/")) == (True, "official")


@pytest.mark.parametrize(
    ("query", "found", "official_minor"),
    [
        ({"coins": 70, "amount_minor": 74}, (True, "official"), 74),
        ({"coins": 70, "amount_minor": 99}, (True, "official"), 99),
        ({"coins": 70, "amount_minor": 99, "channel": "web"}, (False, "too_dear"), 74),
        ({"coins": 8500, "amount_minor": 999}, (False, "too_cheap"), 7499),
        ({"coins": 8500, "amount_minor": 7259, "currency": "eur"}, (True, "official"), 7259),
        ({"coins": 10_000, "amount_minor": 999}, (False, "too_cheap"), 8823),
        ({"coins": 10_000, "amount_minor": 8823}, (True, "official"), 8823),
        ({"coins": 200_001, "amount_minor": 999}, (False, "no_such_bundle"), None),
        ({"coins": 70, "amount_minor": 74, "currency": "chf"}, (False, "no_such_bundle"), None),
    ],
)
def test_verify_price_returns_its_reason(
    api: Api, query: dict[str, str | int], found: tuple[bool, str], official_minor: int | None
) -> None:
    reply = verify(api, **query)
    assert verdict(reply) == found
    price = reply.json["official_price"]
    assert (price and price["amount_minor"]) == official_minor


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "url"),
        ({"url": "", "jws": ""}, "url"),
        ({"amount_minor": 74}, "url"),
        ({"url": "https://shop.example", "jws": "x.y.z"}, "url"),
        ({"url": "https://shop.example", "coins": 70, "amount_minor": 74}, "url"),
        ({"url": "x" * 2_049}, "url"),
        ({"jws": "x" * 2_049}, "jws"),
        ({"coins": 70}, "amount_minor"),
        ({"coins": 70, "amount_minor": 0}, "amount_minor"),
        ({"coins": 0, "amount_minor": 74}, "coins"),
        ({"coins": "x", "amount_minor": 74}, "coins"),
        ({"coins": 70, "amount_minor": 74, "currency": "USD"}, "currency"),
        ({"coins": 70, "amount_minor": 74, "channel": "kiosk"}, "channel"),
    ],
    ids=str,
)
def test_verify_with_two_subjects_is_refused(api: Api, query: dict[str, str | int], field: str) -> None:
    reply = verify(api, **query)
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", field)
