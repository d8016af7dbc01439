"""`python -m tests.browser.screenshots [FOLDER]`: take screenshots of the elements in every theme and language."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from chalicelib.adapters.catalogue_files import load_catalogue
from tests.browser.chromium import chromium
from tests.browser.site import Site, placed, running_site

SHOP: Final = '<coin-balance></coin-balance><coin-shop></coin-shop><coin-button bundle="coins_700"></coin-button>'
GIFTS: Final = '<gift-panel creator="cleo" stream="live"></gift-panel>'
LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 760}},
    "phone_dark_ar": {"viewport": {"width": 360, "height": 760}, "color_scheme": "dark", "lang": "ar"},
    "german": {"lang": "de"},
    "arabic": {"lang": "ar"},
}
ECONOMIES: Final = ("tiktok_like", "twitch_like", "youtube_like", "instagram_like", "telegram_like")


def poor(page: Page) -> None:
    """Choose more than the wallet holds."""
    page.get_by_role("radio", name="Rocket").check(force=True)
    page.get_by_role("button", name="Get 4,000 coins").wait_for()


def tapping(page: Page) -> None:
    """Send a streak of roses."""
    page.get_by_role("radio", name="Rose").check(force=True)
    for _ in range(7):
        page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("7 \N{MULTIPLICATION SIGN} Rose").wait_for()
    page.wait_for_timeout(500)


def super_chat(page: Page) -> None:
    """Write a super chat."""
    page.get_by_role("radio", name="Super chat").check(force=True)
    page.get_by_label("Amount").fill("260")
    page.get_by_label("Message").fill("What a show! Greetings from Graz")
    page.get_by_text("$2.75").wait_for()


STATES: Final[Mapping[str, Callable[[Page], None]]] = {"poor": poor, "tapping": tapping, "super_chat": super_chat}


def take(
    browser: Browser,
    site: Site,
    name: str,
    folder: Path,
    look: Mapping[str, Any],
    act: Callable[[Page], None] = lambda _: None,
) -> None:
    """Take one picture of the site's page."""
    options = {"viewport": {"width": 820, "height": 900}} | dict(look)
    site.lang = options.pop("lang", "en")
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    act(page)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    context.close()


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    site = Site()
    with placed(site), running_site(site), chromium() as browser:
        site.api.fund("ann", 1234)
        for look, options in LOOKS.items():
            for name, body in (("shop", SHOP), ("gifts", GIFTS)):
                site.body = f'<section token-from="/me/token">{body}</section>'
                take(browser, site, f"{name}_{look}", folder, options)
        site.body = f'<section token-from="/me/token">{GIFTS}</section>'
        for state, act in STATES.items():
            take(browser, site, state, folder, {}, act)
        for economy in ECONOMIES:
            site.api.ports["catalogue"] = load_catalogue(economy)
            currency = "jpy" if economy == "youtube_like" else "usd"
            site.body = (
                f'<section token-from="/me/token" currency="{currency}"><coin-shop></coin-shop>{GIFTS}</section>'
            )
            take(browser, site, economy, folder, {"viewport": {"width": 820, "height": 900}})
    print(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".local/screenshots"))
