"""Addresses to which a fan returns after paying."""

import pytest

from chalicelib.domain.addresses import require_return_url, with_parameters
from chalicelib.errors import InvalidField
from tests.domain.test_addresses import OFFICIAL, SHOP


@pytest.mark.parametrize("address", [None, *OFFICIAL, "https://shop.example/" + "x" * (2_048 - 21)])
def test_require_return_url_accepts_an_address_in_an_allowed_origin(address: str | None) -> None:
    assert require_return_url(address, SHOP) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/success",
        "javascript:alert(1)",
        "//shop.example/",
        "http://shop.example/",
        "https://shop.example:444/",
        "https://shop.example.evil.example/",
        "https://evil.example/?https://shop.example/",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https://shop.example/\nx",
        "https://shop.example/ x",
        "https://sh\N{CYRILLIC SMALL LETTER O}p.example/",
        "https://shop.example/" + "x" * (2_048 - 20),
    ],
)
def test_require_return_url_refuses_every_other_address(address: str) -> None:
    with pytest.raises(InvalidField) as refused:
        require_return_url(address, SHOP)
    assert refused.value.extensions["field"] == "return_url"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://live.example", "https://live.example?purchase=1"),
        ("https://live.example/s?a=1&b=", "https://live.example/s?a=1&b=&purchase=1"),
        ("https://live.example/s#chat", "https://live.example/s?purchase=1#chat"),
        ("https://live.example/s?a=1#chat?x#y", "https://live.example/s?a=1&purchase=1#chat?x#y"),
        ("https://live.example/?purchase=0&a=1&canceled=1&membership", "https://live.example/?a=1&purchase=1"),
        ("https://live.example/?purchases=0", "https://live.example/?purchases=0&purchase=1"),
        (
            "https://live.example/?s={CHECKOUT_SESSION_ID}",
            "https://live.example/?s=%7BCHECKOUT_SESSION_ID%7D&purchase=1",
        ),
    ],
)
def test_with_parameters_keeps_the_page_and_drops_an_earlier_return(address: str, expected: str) -> None:
    assert with_parameters(address, purchase="1") == expected
