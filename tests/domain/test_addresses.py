"""check_address for the shop https://shop.example; its cancel address is on another host."""

import pytest

from chalicelib.domain.addresses import OddAddress, Oddity, Origin, is_origin, origin_of
from chalicelib.domain.offers import check_address

SHOP = [origin_of("https://shop.example/success"), origin_of("https://pay.shop.example:8443/cancelled?x=1")]
LOCAL = [origin_of("http://127.0.0.1:8000/success")]

OFFICIAL = [
    "https://shop.example",
    "https://shop.example/",
    "https://shop.example/success",
    "https://shop.example/success?purchase=1",
    "https://shop.example?coins=70",
    "https://shop.example#offers",
    "https://shop.example:443/",
    "https://shop.example:443",
    "HTTPS://SHOP.EXAMPLE/",
    "hTTps://Shop.exAmple/Success",
    "https://pay.shop.example:8443/",
    "https://pay.shop.example:8443",
    "https://shop.example/a@b",  # an @ after the host has no special meaning
    "https://shop.example?@evil.example",
    "https://shop.example#@evil.example",
    "https://shop.example//evil.example",
    "https://shop.example/https://evil.example",
    "https://shop.example/%2e%2e/%5cevil.example",
    "https://shop.example/?next=https://evil.example",
]
NO_WEB_ADDRESS = [
    "",
    "/",
    "//",
    "//evil.example",
    "//shop.example",
    "///shop.example",
    "/success",
    "shop.example",
    "shop.example/success",
    "shop.example:443",
    "www.shop.example",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:shop.example",
    "https:evil.example",
    "https:/shop.example",
    "https:///shop.example",
    "https:////shop.example",
    "https://?shop.example",
    "https://#shop.example",
    "https//shop.example",
    "https;//shop.example",
    "httpss://shop.example",
    "https:https://shop.example",
    "view-source:https://shop.example",
    "blob:https://shop.example/1",
    "javascript:alert(1)",
    "javascript://shop.example/%0aalert(1)",
    "JavaScript:location='https://evil.example'",
    "data:text/html,https://shop.example",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "ws://shop.example/",
    "intent://shop.example/",
    "mailto:coins@shop.example",
    "tel:+1",
]
ODD_CHARACTERS = [
    "\\\\evil.example",
    "\\\\shop.example",
    "https:\\\\shop.example",
    "https:/\\shop.example",
    "https://shop.example\\@evil.example",
    "https://shop.example\\.evil.example",
    "https://evil.example\\shop.example",
    "https://shop.example/\\evil.example",
    " https://shop.example",
    "https://shop.example ",
    "https://shop.example/a b",
    "https://shop .example",
    "\thttps://shop.example",
    "ht\ntps://shop.example",
    "https://shop.exa\nmple",
    "https://shop.example\r\nLocation: https://evil.example",
    "https://shop.example\x00.evil.example",
    "https://shop.example\x7f",
    "java\tscript:alert(1)",
    "https://shop%2eexample/",
    "https://shop.example%2fevil.example",
    "https://shop.example%00.evil.example",
    "https://shop.example:/",
    "https://shop.example:0443/",
    "https://shop.example:+443/",
    "https://shop.example:443:443/",
    "https://shop.example:https/",
    "https://shop.example:99999999/",
    "https://[::1/",
    "https://[::1]/",
    "https://[shop.example]/",
    "https://shop_example/",
    "https://shop.example;evil.example/",
    "https://shop.example,evil.example/",
    "https://shop.example&evil.example/",
]
USER_NAME = [
    "https://shop.example@evil.example/",
    "https://shop.example:443@evil.example/",
    "https://evil.example@shop.example/",
    "https://user:password@shop.example/",
    "https://@shop.example/",
    "https://:@shop.example/",
    "https://shop.example%2f@evil.example/",
    "https://shop.example@@evil.example/",
]
LOOK_ALIKE = [
    "https://sh\u043ep.example/",  # a Cyrillic letter
    "https://\u0455hop.example/",
    "https://shop\u3002example/",
    "https://shop\uff0eexample/",
    "https://shop\uff61example/",
    "https://\uff53\uff48\uff4f\uff50.example/",
    "https://shop.example\u200b/",
    "https://shop.example\u00ad/",
    "https://shop.\u202eelpmaxe/",
    "https://shop\u2024example/",
    "https:\u2044\u2044shop.example/",
    "https://shop.example\uff0f@evil.example",
    "https://shop.example/\u00e9",
    "\ufeffhttps://shop.example/",
    "\u00a0https://shop.example/",
    "https://xn--shp-1lc.example/",
    "https://XN--shp-1lc.example/",
    "https://shop.xn--exmple-cua/",
    "http://xn--shp-1lc.example/",
]
PAYMENT_PAGE = [
    "https://checkout.stripe.com/c/pay/cs_live_1",
    "https://checkout.stripe.com",
    "https://CHECKOUT.STRIPE.COM/",
    "http://checkout.stripe.com/",
    "https://checkout.stripe.com:8443/",
    "https://buy.stripe.com/coins",
    "https://stripe.com/",
]
NOT_HTTPS = [
    "http://shop.example",
    "http://shop.example/success",
    "http://shop.example:443/",
    "HTTP://pay.shop.example/",
]
OTHER_PORT = [
    "https://shop.example:8443/",
    "https://shop.example:80/",
    "https://pay.shop.example/",
    "https://pay.shop.example:1/",
]
OTHER_SITE = [
    "https://evil.example/",
    "https://evil.example/https://shop.example",
    "https://evil.example?https://shop.example",
    "https://evil.example#@shop.example",
    "https://shop.example.evil.example/",
    "https://evilshop.example/",
    "https://evil-shop.example/",
    "https://www.shop.example/",
    "https://example/",
    "https://shop.example./",
    "https://.shop.example/",
    "https://shop..example/",
    "https://shop.example.com/",
    "https://shop-example.com/",
    "https://sh0p.example/",
    "https://shop.examp1e/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://checkout.stripe.com.evil.example/",
    "https://checkout-stripe.com/",
    "https://notstripe.com/",
    "https://...",
]
REASONS = {
    "official": OFFICIAL,
    "no_web_address": NO_WEB_ADDRESS,
    "odd_characters": ODD_CHARACTERS,
    "user_name": USER_NAME,
    "look_alike": LOOK_ALIKE,
    "payment_page": PAYMENT_PAGE,
    "not_https": NOT_HTTPS,
    "other_port": OTHER_PORT,
    "other_site": OTHER_SITE,
}


@pytest.mark.parametrize(
    ("address", "reason"),
    [(address, reason) for reason, addresses in REASONS.items() for address in addresses],
    ids=ascii,
)
def test_check_address_returns_the_reason(address: str, reason: str) -> None:
    verdict = check_address(address, SHOP)
    assert verdict.reason == reason
    assert verdict.is_official == (reason == "official")
    assert verdict.detail.endswith(".")
    assert verdict.offer is None


def test_check_address_is_tested_with_a_hundred_addresses() -> None:
    assert sum(map(len, REASONS.values())) > 100


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:8000/success", "official"),
        ("http://127.0.0.1:8000", "official"),
        ("http://127.0.0.1/", "other_port"),
        ("https://127.0.0.1:8000/", "not_https"),
        ("http://localhost:8000/", "other_site"),
        ("http://127.1:8000/", "other_site"),
    ],
)
def test_check_address_of_an_unsafe_shop_is_not_official(address: str, reason: str) -> None:
    assert check_address(address, LOCAL).reason == reason


def test_check_address_of_a_punycode_shop_is_official() -> None:
    shop = [origin_of("https://xn--mnzen-kva.example/success")]
    assert check_address("https://xn--mnzen-kva.example/", shop).is_official
    assert check_address("https://xn--mnzen-kvb.example/", shop).reason == "look_alike"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example/success", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("http://shop.example:443/", "http://shop.example:443"),
        ("https://shop.example:8443?x", "https://shop.example:8443"),
    ],
)
def test_origin_of_returns_the_browsers_spelling(address: str, origin: str) -> None:
    assert origin_of(address).url == origin


def test_origin_of_an_ambiguous_address_raises_odd_address() -> None:
    with pytest.raises(OddAddress) as odd:
        origin_of("https://shop.example@evil.example")
    assert odd.value.oddity is Oddity.USER_NAME
    assert str(odd.value) == "user_name"
    assert origin_of("https://a.example") == Origin(scheme="https", host="a.example", port=443)


@pytest.mark.parametrize("text", ["https://Shop.example", "https://shop.example:443", "https://a@shop.example", ""])
def test_is_origin_is_false_for_other_forms(text: str) -> None:
    assert is_origin("https://shop.example") is True
    assert is_origin(text) is False
