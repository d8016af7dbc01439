"""The pages: a purchase needs only a form, and user text never becomes HTML."""

import re
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest

from chalicelib.http import pages
from chalicelib.http.pages.prices import format_price

HOSTILE = "\"><script>alert(1)</script>'&<img src=x onerror=alert(1)>"
ALL_PAGES = ["shop", "signed_in", "success", "open", "cancelled"]


def bundle(**facts: Any) -> dict[str, Any]:
    return {
        "bundle_id": "coins_70",
        "coins": 70,
        "bonus_coins": 0,
        "price": {"amount_minor": 99, "currency": "usd", "exponent": 2},
        "price_per_coin": "0.0141",
        "discount_percent": 0,
        "web_saving_percent": None,
    } | facts


def shop(*bundles: dict[str, Any], fan: str | None = None) -> str:
    numbers = count(1)
    return pages.shop(
        bundles or [bundle()],
        currency="usd",
        currencies=["usd", "eur"],
        new_id=lambda: f"key-{next(numbers)}",
        fan=fan,
    )


def page_named(name: str) -> str:
    return {
        "shop": shop,
        "signed_in": lambda: shop(fan="ann"),
        "success": pages.success,
        "open": lambda: pages.success({"status": "pending", "coins": 70}),
        "cancelled": pages.canceled,
    }[name]()


class Reader(HTMLParser):
    """Parsed page: elements, forms with their fields, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[dict[str, str | None]] = []
        self.actions: list[str | None] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.elements.append((tag, named))
        if tag == "form":
            self.forms.append({})
            self.actions.append(named.get("action"))
        if tag == "input" and "name" in named:
            self.forms[-1][str(named["name"])] = named.get("value")

    def handle_data(self, data: str) -> None:
        self.text += data

    def orders(self) -> list[dict[str, str | None]]:
        return [form for form, action in zip(self.forms, self.actions, strict=True) if action == "buy"]


# ---- the shop --------------------------------------------------------------------------------------------------------


def test_bundles_are_forms_with_distinct_keys() -> None:
    yen = bundle(bundle_id="coins_700", price={"amount_minor": 1000, "currency": "jpy", "exponent": 0})
    assert Reader(shop(bundle(), yen)).orders() == [
        {"bundle_id": "coins_70", "currency": "usd", "key": "key-1"},
        {"bundle_id": "coins_700", "currency": "jpy", "key": "key-2"},
    ]


def test_buy_form_has_no_coins_or_prices() -> None:
    [order] = Reader(shop()).orders()
    assert order.keys() == {"bundle_id", "currency", "key"}


def test_shop_shows_only_positive_savings() -> None:
    text = Reader(shop(bundle(coins=1500, bonus_coins=100, discount_percent=8, web_saving_percent=25))).text
    for said in ["1,500 coins", "100 bonus included", "Save 8%", "25% below app price", "$0.0141 a coin", "$0.99"]:
        assert said in text

    assert not re.search("bonus|Save|app price|None", Reader(shop()).text)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "exponent", "text"),
    [
        (74, "usd", 2, "$0.74"),
        (123456789, "eur", 2, "€1,234,567.89"),
        (30800, "gbp", 2, "£308.00"),
        (1000, "jpy", 0, "¥1,000"),
        (1500, "kwd", 3, "KWD\xa01.500"),
        (7, "bhd", 3, "BHD\xa00.007"),
        (5000, "isk", 2, "ISK\xa050"),
        (5050, "isk", 2, "ISK\xa050.50"),
        (2**53 - 1, "usd", 2, "$90,071,992,547,409.91"),
    ],
)
def test_shop_prices_are_exact(amount_minor: int, currency: str, exponent: int, text: str) -> None:
    assert format_price(amount_minor, currency, exponent) == text


def test_currencies_are_links_that_name_the_currency() -> None:
    links = [facts for tag, facts in Reader(shop()).elements if tag == "a" and "currency" in str(facts)]
    assert links == [
        {"href": "?currency=usd", "aria-current": "true"},
        {"href": "?currency=eur"},
    ]


def test_shop_with_one_currency_has_no_switch() -> None:
    page = pages.shop([bundle()], currency="usd", currencies=["usd"], new_id=lambda: "key")
    assert "currency=" not in page


def test_shop_has_forms_to_sign_in_and_out() -> None:
    assert "sign-in" in Reader(shop()).actions
    signed_in = Reader(shop(fan="ann"))
    assert "sign-out" in signed_in.actions
    assert "sign-in" not in signed_in.actions
    assert "Signed in as ann" in signed_in.text


def test_user_text_never_becomes_html() -> None:
    hostile = bundle(
        bundle_id=HOSTILE, price={"amount_minor": 1, "currency": HOSTILE, "exponent": 2}, price_per_coin=HOSTILE
    )
    page = pages.shop([hostile], currency=HOSTILE, currencies=[HOSTILE, "usd"], new_id=lambda: HOSTILE, fan=HOSTILE)

    reader = Reader(page)
    assert [facts.get("src") for tag, facts in reader.elements if tag == "script"] == [script_of(page)]
    assert not [facts for tag, facts in reader.elements if tag == "img" and facts.get("src") == "x"]
    assert reader.orders() == [dict.fromkeys(["bundle_id", "currency", "key"], HOSTILE)]
    assert f"Signed in as {HOSTILE}" in reader.text


def test_name_with_a_template_sign_is_shown_unchanged() -> None:
    assert "Signed in as $title ${main} $" in Reader(shop(fan="$title ${main} $")).text


def script_of(page: str) -> str:
    return next(str(facts["src"]) for tag, facts in Reader(page).elements if tag == "script")


# ---- the other pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "coins", "said"),
    [
        ("posted", 1400, "1,400 coins are yours."),
        ("posted", 1, "1 coin is yours."),
        ("processing", 70, "Your bank is working on the payment."),
        ("pending", 70, "as soon as your payment is confirmed"),
        ("failed", 70, "did not go through"),
        ("expired", 70, "ran out of time"),
    ],
)
def test_success_page_shows_the_ledger_status(status: str, coins: int, said: str) -> None:
    assert said in Reader(pages.success({"status": status, "coins": coins})).text


def test_success_page_of_an_uncredited_purchase_promises_no_coins() -> None:
    assert "are yours" not in pages.success()
    assert "are yours" not in pages.success({"status": "pending", "coins": 70})


@pytest.mark.parametrize(
    ("checkout", "reloads"),
    [(None, False), ("pending", True), ("processing", True), ("posted", False), ("failed", False), ("expired", False)],
)
def test_success_page_of_an_open_purchase_reloads(checkout: str | None, reloads: bool) -> None:
    page = pages.success({"status": checkout, "coins": 70} if checkout else None)
    assert ('<noscript><meta http-equiv="refresh"' in page) == reloads


def test_script_and_page_agree_on_final_purchases() -> None:
    script, _ = pages.asset("shop.js")
    for status in ["failed", "expired"]:
        text = re.search('data-status="[a-z]+">([^<]+)<', pages.success({"status": status, "coins": 1}))
        assert text is not None
        assert text[1] in script


# ---- response headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_PAGES)
def test_pages_have_relative_urls_and_no_inline_code(name: str) -> None:
    reader = Reader(page_named(name))
    urls = [facts[key] for _, facts in reader.elements for key in ("href", "src", "action") if key in facts]
    assert urls
    assert not [url for url in urls if re.match("/|[a-z]+:", str(url))]
    assert not [facts for _, facts in reader.elements if "style" in facts or any(key.startswith("on") for key in facts)]
    assert not [tag for tag, facts in reader.elements if tag == "style" or (tag == "script" and "src" not in facts)]


@pytest.mark.parametrize("name", ALL_PAGES)
def test_assets_of_pages_exist(name: str) -> None:
    named = re.findall(r'"assets/([a-z.]+)\?v=[0-9a-f]{12}"', page_named(name))
    assert set(named) == {*pages.ASSET_TYPES, "coin.svg"}
    for asset in named:
        assert pages.asset(asset)[0]


@pytest.mark.parametrize("name", ALL_PAGES)
def test_pages_have_landmarks_and_labels(name: str) -> None:
    reader = Reader(page_named(name))
    tags = [tag for tag, _ in reader.elements]
    assert [tags.count(tag) for tag in ("header", "main", "footer", "h1", "title")] == [1] * 5
    fields = [facts for tag, facts in reader.elements if tag in {"input", "select"} and facts.get("type") != "hidden"]
    assert tags.count("label") == len(fields)
    ids = [str(facts["id"]) for _, facts in reader.elements if "id" in facts]
    assert len(ids) == len(set(ids))
    assert {str(facts["aria-labelledby"]) for _, facts in reader.elements if "aria-labelledby" in facts} <= set(ids)


def test_script_uses_existing_elements_only() -> None:
    asked = set(re.findall(r'\bat\("([a-z-]+)"\)', pages.asset("shop.js")[0]))
    there = "".join(page_named(name) for name in ALL_PAGES)
    assert asked
    assert not [name for name in asked if f'id="{name}"' not in there]


def test_script_never_writes_html() -> None:
    script, _ = pages.asset("shop.js")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\bstyle\b", script
    )


@pytest.mark.parametrize(
    ("stripe_api_url", "origin"),
    [
        ("https://api.stripe.com", "https://checkout.stripe.com"),
        ("https://api.stripe.com/", "https://checkout.stripe.com"),
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("http://127.0.0.1:8420/base", "http://127.0.0.1:8420"),
    ],
)
def test_csp_allows_the_form_to_lead_to_the_payment_page(stripe_api_url: str, origin: str) -> None:
    headers = pages.headers(stripe_api_url)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["form-action"] == f"'self' {origin}"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert int(headers["Strict-Transport-Security"].removeprefix("max-age=")) >= 180 * 24 * 3600
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(headers["Permissions-Policy"].split(", "))
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def contrast(first: str, second: str) -> float:
    """Compute the WCAG 2.2 contrast ratio of two colors `#rrggbb`."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colors_have_enough_contrast(scheme: int) -> None:
    palettes = re.findall(r":root \{(.*?)\}", pages.asset("coinpurse.css")[0], re.DOTALL)
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", palettes[scheme]))
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent", "good", "bad") for ground in ("page", "card")]
    pairs += [("on-accent", "accent"), ("on-badge", "badge")]
    assert {
        pair: contrast(*(colors[name] for name in pair))
        for pair in pairs
        if contrast(*(colors[name] for name in pair)) < 4.5
    } == {}
