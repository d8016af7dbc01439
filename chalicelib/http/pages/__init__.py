"""Rendering of the shop's pages from the templates in this folder.

A purchase works without JavaScript: every bundle is a form, posted to `buy` on the platform's site, which adds the
fan's token and redirects to the payment page. All URLs are relative. Pages are sent with `headers(...)`, assets with
`ASSET_HEADERS`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from chalicelib.errors import NotFound
from chalicelib.http.pages import elements
from chalicelib.http.pages.prices import format_count, format_price, format_price_per_coin

ASSET_TYPES: Final = {
    "coinpurse.css": "text/css; charset=utf-8",
    "shop.js": "text/javascript; charset=utf-8",
}
ELEMENT_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    # Declarations are for compilers, which do not ask for the type.
    ".ts": "text/plain; charset=utf-8",
}
PICTURE_TYPE: Final = "image/svg+xml"

ASSET_HEADERS: Final = {
    # Pages link assets with their digest (`?v=`), so a new version has another URL.
    "Cache-Control": "public, max-age=86400",
    "X-Content-Type-Options": "nosniff",
}
# A picture is an SVG with its own style. Opened as a page, it runs no script.
PICTURE_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}

_FOLDER: Final = Path(__file__).parent
_PICTURES: Final = _FOLDER.parents[1] / "catalogues" / "pictures"
_PICTURE: Final = re.compile(r"[a-z0-9_]+\.svg")
_FINAL_STATUSES: Final = frozenset({"posted", "failed", "expired"})


def headers(stripe_api_url: str = "") -> dict[str, str]:
    """Return the headers of every page.

    `form-action` includes the payment page, because Chromium applies it to the redirect after a form as well.
    `no-store`: each copy of the shop has its own idempotency keys.

    Args:
        stripe_api_url: the setting of that name, from which the payment page's origin derives; empty for a page
            without forms that pay.
    """
    forms = f"'self' {pay_page_origin(stripe_api_url)}" if stripe_api_url else "'self'"
    policy = f"default-src 'self'; form-action {forms}; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # With no-referrer browsers post forms with `Origin: null`, which the site cannot check.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        # Browsers ignore it on plain HTTP, such as the local cloud's.
        "Strict-Transport-Security": "max-age=31536000",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # The payment page opens in the same window, so nothing needs a handle on this one.
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def pay_page_origin(stripe_api_url: str) -> str:
    """Return the origin of `session.url`: Stripe's hosted page, or the sandbox's own."""
    parts = urlsplit(stripe_api_url)
    if parts.hostname == "api.stripe.com":
        return "https://checkout.stripe.com"
    return f"{parts.scheme}://{parts.netloc}"


def shop(
    bundles: Sequence[Mapping[str, Any]],
    *,
    currency: str,
    currencies: Sequence[str],
    new_id: Callable[[], str],
    fan: str | None = None,
    custom: tuple[int, int] | None = None,
) -> str:
    """Render the shop page.

    Args:
        bundles: as in `GET /v1/bundles`: `{bundle_id, coins, bonus_coins, price: {amount_minor, currency, exponent},
            price_per_coin, discount_percent, web_saving_percent}`.
        currency: currency of the prices, lowercase.
        currencies: currencies to choose from.
        new_id: returns a UUIDv7; called once per bundle, so that a button pressed twice is one purchase.
        fan: user id of the request's token; None shows the sign-in form.
        custom: smallest and largest amount that the fan may choose freely, or None.
    """
    account = _part("sign_in") if fan is None else _part("signed_in", fan=fan)
    main = _fill(
        "shop",
        account=account,
        currencies=_currency_links(currency, currencies),
        bundles="".join(_bundle(bundle, new_id()) for bundle in bundles)
        + (_custom(*custom, currency, new_id()) if custom else ""),
        statement=_part("statement"),
    )
    return _page("Get coins", main)


def success(checkout: Mapping[str, Any] | None = None) -> str:
    """Render the return page after payment. It shows the ledger's state and credits nothing.

    Args:
        checkout: as in `GET /v1/checkout-sessions/{id}`, if known. With JavaScript the page polls the API, without
            it reloads until the status is final.
    """
    status = str(checkout["status"]) if checkout else ""
    text = _purchase_text(status, int(checkout["coins"]) if checkout else 0)
    return _returned(text, status, is_open=checkout is not None and status not in _FINAL_STATUSES)


def joined(membership: Mapping[str, Any] | None) -> str:
    """Render the return page after subscribing, as `success` does.

    Args:
        membership: as in `GET /v1/membership`, if it is the one that was opened.
    """
    if membership and membership["active"]:
        text = f"You are a member. You get {_coins_text(int(membership['coins']))} every month."
        return _returned(text, "posted", is_open=False)
    return _returned(_purchase_text("", 0), "", is_open=membership is not None)


def _returned(text: str, status: str, *, is_open: bool) -> str:
    again = '<noscript><p><a href="">Look again</a></p></noscript>' if is_open else ""
    reload = '<noscript><meta http-equiv="refresh" content="4"></noscript>' if is_open else ""
    main = _fill("success", status=escape(status), text=escape(text), again=again, statement=_part("statement"))
    return _page("Your coins", main, reload)


def canceled() -> str:
    """Render the return page without payment."""
    return _page("Nothing was bought", _part("cancelled"))


def problem(text: str) -> str:
    """Render the page that is shown instead of one that failed."""
    return _page("Something went wrong", _part("problem", text=text))


def asset(name: str) -> tuple[str, Mapping[str, str]]:
    """Return the text and headers of an asset: of the pages, of the custom elements, or a picture of a catalogue.

    Assets are text only, which API Gateway passes unchanged.

    Raises:
        NotFound: no such asset.
    """
    if name in ASSET_TYPES:
        return _read(name), {**ASSET_HEADERS, "Content-Type": ASSET_TYPES[name]}
    if text := elements.read(name):
        return text, {**ASSET_HEADERS, "Content-Type": ELEMENT_TYPES[Path(name).suffix]}
    if _PICTURE.fullmatch(name) and (_PICTURES / name).is_file():
        return _read(name), {**ASSET_HEADERS, **PICTURE_HEADERS, "Content-Type": PICTURE_TYPE}
    raise NotFound


def _bundle(bundle: Mapping[str, Any], key: str) -> str:
    price, coins = bundle["price"], bundle["coins"]
    return _part(
        "bundle",
        {"notes": "".join(_notes(bundle))},
        bundle_id=bundle["bundle_id"],
        currency=price["currency"],
        key=key,
        coins=format_count(coins),
        unit="coin" if coins == 1 else "coins",
        price=format_price(price["amount_minor"], price["currency"], price["exponent"]),
    )


def _custom(least: int, most: int, currency: str, key: str) -> str:
    limits = f"{format_count(least)} to {format_count(most)} coins"
    return _part("custom", currency=currency, key=key, limits=limits, least=least, most=most)


def _notes(bundle: Mapping[str, Any]) -> list[str]:
    """Render bonus, discount and saving of a bundle, without zero or unknown ones."""
    badges = [
        ("{} bonus included", bundle.get("bonus_coins")),
        ("Save {}%", bundle.get("discount_percent")),
        ("{}% below app price", bundle.get("web_saving_percent")),
    ]
    said = [f'<span class="badge">{escape(text.format(format_count(n)))}</span> ' for text, n in badges if n]
    each = format_price_per_coin(str(bundle["price_per_coin"]), bundle["price"]["currency"])
    return [f"<span>{escape(each)}</span> ", *said]


def _currency_links(current: str, currencies: Sequence[str]) -> str:
    if len(currencies) < 2:
        return ""
    links = "".join(_currency_link(code, is_current=code == current) for code in currencies)
    return f'<nav aria-label="Currency"><ul>{links}</ul></nav>'


def _currency_link(code: str, *, is_current: bool) -> str:
    query = escape("?" + urlencode({"currency": code}))
    mark = ' aria-current="true"' if is_current else ""
    return f'<li><a href="{query}"{mark}>{escape(code.upper())}</a></li>'


def _purchase_text(status: str, coins: int) -> str:
    """Return the message for a purchase's status, as shop.js shows it."""
    count = _coins_text(coins)
    return {
        "posted": f"{count} are yours." if coins != 1 else f"{count} is yours.",
        "failed": "The payment did not go through. No coins were credited.",
        "expired": "The checkout ran out of time. No coins were credited.",
        "processing": f"Your bank is working on the payment. We will credit {count} as soon as it is confirmed.",
    }.get(status, "We will credit your coins as soon as your payment is confirmed.")


def _coins_text(coins: int) -> str:
    return f"{format_count(coins)} {'coin' if coins == 1 else 'coins'}"


def _page(title: str, main: str, head: str = "") -> str:
    links = {"style": "coinpurse.css", "script": "shop.js", "icon": "coin.svg"}
    versioned = {role: f"{name}?v={_digest(name)}" for role, name in links.items()}
    return _fill("layout", title=escape(title), main=main, head=head, **versioned)


def _part(name: str, html: Mapping[str, str] | None = None, **texts: object) -> str:
    """Fill a template with escaped `texts` and raw `html`."""
    return _fill(name, **(html or {}), **{field: escape(str(text)) for field, text in texts.items()})


def _fill(name: str, **html: str) -> str:
    return Template(_read(f"{name}.html")).substitute(html)


@cache
def _digest(name: str) -> str:
    return sha256(_read(name).encode()).hexdigest()[:12]


@cache
def _read(name: str) -> str:
    return ((_PICTURES if name.endswith(".svg") else _FOLDER) / name).read_text("utf-8")
