"""A platform's site on an origin of its own: the samples before the deployed stack, in a browser."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from uuid_utils import uuid7

from infra.local.client import Fan, wait_until
from infra.local.facts import StackFacts
from tests.browser.chromium import chromium, violations
from tests.sample_sites import running_sample

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def sample(name: str, stack: StackFacts, site: str, folder: Path) -> AbstractContextManager[None]:
    return running_sample(name, folder, site=site, api=stack.api_url, issuer=stack.issuer_url, pay=stack.stripe_api_url)


def signed_in(page: Page, site: str) -> str:
    """Sign a new fan in. Returns the fan's name."""
    name = f"fan-{uuid7()}"
    page.goto(site)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    return name


def test_fan_buys_and_gives_on_the_page_of_another_origin(
    stack: StackFacts, site_url: str, browser: Browser, tmp_path: Path
) -> None:
    with sample("proxy.mjs", stack, site_url, tmp_path), browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.extend([message.text] * ("Security Policy" in message.text)))
        fan = Fan(stack, signed_in(page, site_url))
        expect(page.locator("coin-balance")).to_contain_text("0 coins", timeout=30_000)
        expect(page.get_by_role("button", name="Buy 70 coins", exact=True)).to_be_hidden()

        page.get_by_role("button", name="Buy 70 coins for $0.74").click()
        page.wait_for_url(f"{stack.stripe_api_url}/pay/**")
        page.get_by_role("button", name="Pay").click()
        page.wait_for_url(f"{site_url}/**")
        expect(page.locator("coin-shop [role=status]")).to_have_text("70 coins added.", timeout=30_000)
        expect(page.locator("coin-balance")).to_contain_text("70 coins")

        page.get_by_role("radio", name="Rose").check(force=True)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("gift-panel [part=status]")).to_contain_text("Rose sent.", timeout=30_000)
        expect(page.locator("coin-balance")).to_contain_text("69 coins")
        assert fan.wallet().coins == 69
        assert violations(page) == []
        assert faults == []


def test_fan_buys_by_a_plain_form_without_javascript(
    stack: StackFacts, site_url: str, browser: Browser, tmp_path: Path
) -> None:
    with sample("proxy.py", stack, site_url, tmp_path), browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        fan = Fan(stack, signed_in(page, site_url))
        page.get_by_role("button", name="Buy 70 coins").click()
        page.wait_for_url(f"{stack.stripe_api_url}/pay/**")
        page.get_by_role("button", name="Pay").click()
        page.wait_for_url(f"{site_url}/**")
        wait_until("the coins are there", lambda: fan.wallet().coins == 70)
