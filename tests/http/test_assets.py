"""Assets: files of the pages, and pictures of the catalogues."""

import pytest

from chalicelib.errors import NotFound
from chalicelib.http import pages


def test_picture_opened_as_a_page_runs_no_script() -> None:
    text, headers = pages.asset("rocket_animation.svg")
    assert text.startswith("<svg")
    assert headers["Content-Type"] == "image/svg+xml"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Security-Policy"].endswith("sandbox")


@pytest.mark.parametrize(
    "name", ["", "shop.html", "__init__.py", "../errors.py", "..%2ferrors.py", "/etc/passwd", "COIN.SVG", "tulip.svg"]
)
def test_nothing_but_assets_is_served(name: str) -> None:
    with pytest.raises(NotFound):
        pages.asset(name)
