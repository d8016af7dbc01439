"""Windows of checkouts that a fan opens and does not pay."""

from datetime import timedelta

import pytest

from chalicelib.domain.open_windows import OpenWindow, is_active, opening_refusal
from tests.fakes import START

MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("window", "active"),
    [
        (None, False),
        (OpenWindow(until=START, unpaid=3), False),
        (OpenWindow(until=START + MOMENT, unpaid=3), True),
    ],
    ids=["none", "over", "lasts"],
)
def test_window_is_active_while_it_lasts(window: OpenWindow | None, *, active: bool) -> None:
    assert is_active(window, START) is active
    assert bool(opening_refusal(window, 3, START)) is active


def test_opening_refusal_starts_at_the_limit_and_names_the_end() -> None:
    window = OpenWindow(until=START + MOMENT, unpaid=19)
    assert opening_refusal(window, 20, START) is None
    refusal = opening_refusal(window, 19, START)
    assert refusal
    assert (refusal.code, refusal.extensions) == (
        "too_many_open",
        {"limit": 19, "resets_at": "2026-11-22T12:00:00.001Z"},
    )
