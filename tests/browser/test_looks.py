"""The five lines of README.md in each look: a fan buys and gives, and recovers from each kind of failure."""

import re
from collections.abc import Mapping
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from infra.local.processes import ROOT
from tests.browser.chromium import violations
from tests.browser.site import Site, lost, refused, unavailable

[LINES] = re.findall(r"```html\n(<script.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
"""The lines that README.md gives for a page."""
LOOKS: Final[Mapping[str, tuple[str, tuple[int, int]]]] = {
    "English": ("en", (1280, 720)),
    "German on a phone": ("de", (360, 760)),
    "Arabic": ("ar", (1280, 720)),
}
"""Language and window. German has the longest words."""


def shown(page: Page, site: Site, look: str) -> None:
    """Open the page in a look."""
    site.lang, (width, height) = LOOKS[look]
    assert LINES.count("\n") == 5
    # The page has a <main> already.
    lines = LINES.replace("https://api.example", site.api_url).replace("main", "section")
    site.script, site.body = "", lines
    page.set_viewport_size({"width": width, "height": height})
    page.goto(site.url)
    expect(page.locator("coin-balance [part=count]")).to_be_visible()
    expect(page.locator("gift-panel [part~=gift]").first).to_be_visible()


def faults(page: Page) -> list[str]:
    """Return what axe finds, on a light and on a dark page, and whether the page is wider than its window."""
    is_wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.emulate_media(color_scheme="dark")
    found = violations(page, "cat.color")  # no other rule depends on the colors
    page.emulate_media(color_scheme="light")
    return found + violations(page) + ["wider than the window"] * is_wider


@pytest.mark.parametrize("look", LOOKS)
def test_fan_buys_gives_and_recovers_from_failures(page: Page, site: Site, look: str) -> None:
    shown(page, site, look)
    shop, panel, balance = page.locator("coin-shop"), page.locator("gift-panel"), page.locator("coin-balance")
    told = panel.locator("[part=status]")

    shop.locator("[part~=bundle]").first.click()
    page.wait_for_url(f"{site.pay_url}/*")
    site.pay(site.checkout().purchase_id)
    page.goto(f"{site.url}/?purchase={site.checkout().purchase_id}")
    expect(shop.locator("[part=status]")).to_have_attribute("data-state", "good")
    expect(balance).to_contain_text("70")

    panel.locator("[part~=gift]", has_text="Rose").click()
    site.fail("/v1/gifts", unavailable, lost)
    panel.locator("[part=button]").click()
    expect(told).to_have_attribute("data-state", "good")
    expect(balance).to_contain_text("69")
    assert faults(page) == []

    site.fail("/v1/gifts", refused(409, "idempotency_conflict"))
    panel.locator("[part=button]").click()
    expect(told).to_have_attribute("data-state", "bad")
    assert faults(page) == []
    with page.expect_response("**/v1/wallet"):
        told.locator("[part=again]").click()
    expect(balance).to_contain_text("68")

    site.api.fund("ann", 0)  # spent on another device, so that the API answers 402
    panel.locator("[part=button]").click()
    expect(panel.locator("[part=get]")).to_be_visible()
    assert len(site.api.gifts()) == 2
    assert faults(page) == []


def test_every_kind_of_giving_is_accessible(page: Page, site: Site) -> None:
    shown(page, site, "English")
    for kind in ("cheer", "super_chat"):
        page.locator(f"gift-panel [part=tab]:has([value={kind}])").click()
        assert faults(page) == []
