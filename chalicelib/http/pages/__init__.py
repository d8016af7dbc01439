"""The shop's pages: values in, HTML out. Nothing is read but the files beside this one.

A purchase works without JavaScript: every bundle is a form of its own, posted to `buy` on the site that the pages are
seen through, which adds the fan's token and answers with a redirect to the payment page. All URLs are relative.
Send every page with `headers(...)`, every asset with `ASSET_HEADERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from chalicelib.errors import NotFound
from chalicelib.http.pages.prices import format_count, format_price, format_price_per_coin

ASSET_TYPES: Final = {
    "coinpurse.css": "text/css; charset=utf-8",
    "coinpurse.js": "text/javascript; charset=utf-8",
    "coin.svg": "image/svg+xml",
}

ASSET_HEADERS: Final = {
    # The pages name assets with their digest (`?v=`), so a new version is another URL.
    "Cache-Control": "public, max-age=86400",
    "X-Content-Type-Options": "nosniff",
}

_FOLDER: Final = Path(__file__).parent
_FINAL_STATUSES: Final = frozenset({"posted", "failed", "expired"})


def headers(stripe_api_url: str) -> dict[str, str]:
    """What every page is sent with.

    `form-action` names the payment page beside 'self', because Chromium applies it to the redirect that answers the
    form as well. `no-store`: each copy of the shop has idempotency keys of its own.

    Args:
        stripe_api_url: the setting: tells where the payment page is.
    """
    policy = (
        f"default-src 'self'; form-action 'self' {pay_page_origin(stripe_api_url)}; base-uri 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # Not no-referrer: then browsers post forms with `Origin: null`, and the site could not tell its own.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def pay_page_origin(stripe_api_url: str) -> str:
    """Where `session.url` leads: Stripe's hosted page, or the sandbox that stands in for Stripe, on its own origin."""
    parts = urlsplit(stripe_api_url)
    if parts.hostname == "api.stripe.com":
        return "https://checkout.stripe.com"
    return f"{parts.scheme}://{parts.netloc}"


def shop(
    bundles: Sequence[Mapping[str, Any]],
    *,
    currency: str,
    currencies: Sequence[str],
    channel: str,
    new_id: Callable[[], str],
    fan: str | None = None,
) -> str:
    """The shop page.

    Args:
        bundles: as in `GET /v1/bundles`: `{bundle_id, coins, bonus_coins, price: {amount_minor, currency, exponent},
            price_per_coin, discount_percent, web_saving_percent}`.
        currency: the one that the prices are in, lowercase.
        currencies: those that the fan can switch to.
        channel: where the fan buys, as in `GET /v1/bundles`.
        new_id: makes a UUIDv7; called once per bundle: pressing a button twice is one purchase.
        fan: whose token came with the request; None shows the sign-in form.
    """
    account = _part("sign_in") if fan is None else _part("signed_in", fan=fan)
    main = _fill(
        "shop",
        account=account,
        currencies=_currency_links(currency, currencies, channel),
        bundles="".join(_bundle(bundle, channel, new_id()) for bundle in bundles),
        statement=_part("statement"),
    )
    return _page("Get coins", main)


def success(checkout: Mapping[str, Any] | None = None) -> str:
    """The page a fan comes back to after paying. It credits nothing: it tells what the ledger says.

    Args:
        checkout: as in `GET /v1/checkout-sessions/{id}`, when it is known already; with JavaScript the page asks for
            itself, without it reloads until the status is final.
    """
    status = str(checkout["status"]) if checkout else ""
    text = escape(_purchase_text(status, int(checkout["coins"]) if checkout else 0))
    is_open = checkout is not None and status not in _FINAL_STATUSES
    again = '<noscript><p><a href="">Look again</a></p></noscript>' if is_open else ""
    reload = '<noscript><meta http-equiv="refresh" content="4"></noscript>' if is_open else ""
    main = _fill("success", status=escape(status), text=text, again=again, statement=_part("statement"))
    return _page("Your coins", main, reload)


def canceled() -> str:
    """The page a fan comes back to from the payment page without having paid."""
    return _page("Nothing was bought", _part("cancelled"))


def asset(name: str) -> tuple[str, str]:
    """An asset's text and media type. All are text: API Gateway passes them as they are.

    Raises:
        NotFound: there is no such asset.
    """
    if name not in ASSET_TYPES:
        raise NotFound
    return _read(name), ASSET_TYPES[name]


def _bundle(bundle: Mapping[str, Any], channel: str, key: str) -> str:
    price, coins = bundle["price"], bundle["coins"]
    return _part(
        "bundle",
        {"notes": "".join(_notes(bundle))},
        bundle_id=bundle["bundle_id"],
        currency=price["currency"],
        channel=channel,
        key=key,
        coins=format_count(coins),
        unit="coin" if coins == 1 else "coins",
        price=format_price(price["amount_minor"], price["currency"], price["exponent"]),
    )


def _notes(bundle: Mapping[str, Any]) -> list[str]:
    """What speaks for a bundle, as HTML; what is zero or unknown is not said."""
    badges = [
        ("{} bonus included", bundle.get("bonus_coins")),
        ("Save {}%", bundle.get("discount_percent")),
        ("{}% below app price", bundle.get("web_saving_percent")),
    ]
    said = [f'<span class="badge">{escape(text.format(format_count(n)))}</span> ' for text, n in badges if n]
    each = format_price_per_coin(str(bundle["price_per_coin"]), bundle["price"]["currency"])
    return [f"<span>{escape(each)}</span> ", *said]


def _currency_links(current: str, currencies: Sequence[str], channel: str) -> str:
    if len(currencies) < 2:
        return ""
    links = "".join(_currency_link(code, channel, is_current=code == current) for code in currencies)
    return f'<nav aria-label="Currency"><ul>{links}</ul></nav>'


def _currency_link(code: str, channel: str, *, is_current: bool) -> str:
    query = escape("?" + urlencode({"currency": code, "channel": channel}))
    mark = ' aria-current="true"' if is_current else ""
    return f'<li><a href="{query}"{mark}>{escape(code.upper())}</a></li>'


def _purchase_text(status: str, coins: int) -> str:
    """What a purchase's status means to the fan; coinpurse.js says the same."""
    count = f"{format_count(coins)} {'coin' if coins == 1 else 'coins'}"
    return {
        "posted": f"{count} are yours." if coins != 1 else f"{count} is yours.",
        "failed": "The payment did not go through. No coins were credited.",
        "expired": "The checkout ran out of time. No coins were credited.",
        "processing": f"Your bank is working on the payment. We will credit {count} as soon as it is confirmed.",
    }.get(status, "We will credit your coins as soon as your payment is confirmed.")


def _page(title: str, main: str, head: str = "") -> str:
    links = {"style": "coinpurse.css", "script": "coinpurse.js", "icon": "coin.svg"}
    versioned = {role: f"{name}?v={_digest(name)}" for role, name in links.items()}
    return _fill("layout", title=escape(title), main=main, head=head, **versioned)


def _part(name: str, html: Mapping[str, str] | None = None, **texts: object) -> str:
    """A part with `texts` escaped and `html` as it is."""
    return _fill(name, **(html or {}), **{field: escape(str(text)) for field, text in texts.items()})


def _fill(name: str, **html: str) -> str:
    return Template(_read(f"{name}.html")).substitute(html)


@cache
def _digest(name: str) -> str:
    return sha256(_read(name).encode()).hexdigest()[:12]


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
