"""One Chromium for the whole run, and for each test a page of a platform with the API behind it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.chromium import chromium
from tests.browser.site import Site, placed, running_site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def site() -> Iterator[Site]:
    with placed(Site()) as made, running_site(made):
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh context. The test fails if a script fails or the page's policy is violated.

    Without motion, because every frame is painted by the CPU.
    """
    context = browser.new_context(locale="en-US", reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "TrustedHTML" in message.text:
            faults.append(message.text)

    opened.on("console", note)
    yield opened
    context.close()
    assert faults == []
