"""Headless Chromium, driven by Playwright, and axe-core, which tests a page's accessibility."""

import functools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from infra.local import npm
from infra.local.processes import ROOT

AXE = "axe-core@4.10.3"
_AXE_OPTIONS = {"resultTypes": ["violations"], "selectors": False}  # no details of elements without violations
_CACHE = ROOT / ".local" / "cache" / "axe-core"
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """Return the browser's path. Without one the test is skipped, except in CI, where it fails."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        refuse("Chromium is not installed: apt-get install chromium")
    return str(path)


def refuse(reason: str) -> None:
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Without a sandbox, because root cannot have one; the pages are ours.
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@functools.cache
def axe() -> str:
    if reason := npm.fetch(AXE, "package", _CACHE):
        refuse(reason)
    return (_CACHE / "axe.min.js").read_text("utf-8")


def violations(page: Page, tag: str | None = None) -> list[str]:
    """Run axe on the page and its shadow roots: all rules, or those of a tag. Returns `rule: element` for each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {axe()} }}")
    options = _AXE_OPTIONS | ({"runOnly": [tag]} if tag else {})
    found: dict[str, Any] = page.evaluate("(options) => axe.run(options)", options)
    return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]
