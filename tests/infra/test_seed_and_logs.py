"""`make seed` gives what each economy allows; `make logs` finds the lines of a request."""

import json
from datetime import UTC, datetime
from itertools import islice
from random import Random

import pytest

from chalicelib.adapters.catalogue_files import FOLDER, load_catalogue
from infra.local.logs import LINES, Line, select
from infra.local.seed import CREATORS, PastClock, gifts, price_of, report

ECONOMIES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "reference_rates")


@pytest.mark.parametrize("name", ECONOMIES)
def test_gifts_of_an_economy_are_what_it_allows(name: str) -> None:
    catalogue = load_catalogue(name)
    made = list(islice(gifts(catalogue, Random(1)), 50))
    assert {gift["creator_id"] for gift in made} == set(CREATORS)
    assert all(price_of(gift, catalogue) > 0 for gift in made)
    assert {str(gift.get("kind", "gift")) for gift in made} == {
        kind for kind in ("gift", "cheer", "super_chat") if getattr(catalogue.economy, kind)
    }


def test_past_clock_makes_ids_of_its_time() -> None:
    clock = PastClock(datetime(2026, 1, 2, tzinfo=UTC))
    first, second = clock.new_id(), clock.new_id()
    assert first != second
    assert int(first.replace("-", "")[:12], 16) == 1767312000000


@pytest.mark.parametrize(
    ("bought", "line"), [(70, "Then ada bought 70 coins, and now has 1,140."), (0, "ada has 1,140 coins.")]
)
def test_report_tells_granted_coins_from_bought_ones(bought: int, line: str) -> None:
    assert list(report(2000, bought, 1140)) == [
        "An operator granted ada 2,000 coins, and ada gave them to grace and linus:",
        "24 gifts, spread over the last 24 hours.",
        line,
        "Another make seed adds the same again.",
    ]


LOGGED = {"level": "INFO", "message": "refused", "request_id": "r-1", "service": "x", "code": "not_found"}
METRIC = {"_aws": {"Timestamp": 1}, "service": "x", "Swept": [2.0]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (json.dumps(LOGGED), "00:00:01.234 Api        INFO    r-1 refused code=not_found"),
        (json.dumps(METRIC), "00:00:01.234 Api        METRIC  - Swept=[2.0]"),
        ("Traceback ...", "00:00:01.234 Api        Traceback ..."),
        ("[1]", "00:00:01.234 Api        [1]"),
    ],
)
def test_line_is_formatted_by_its_kind(text: str, shown: str) -> None:
    assert Line(1234, "Api", text).format() == shown


def test_select_finds_a_request_in_all_functions_in_order() -> None:
    lines = [Line(3, "Relay", "r-1 b"), Line(1, "Api", "r-2"), Line(2, "Api", "r-1 a")]
    assert [line.text for line in select(lines, "r-1")] == ["r-1 a", "r-1 b"]
    assert select(lines, "r-3") == []


def test_select_without_a_request_has_the_latest_lines_but_for_lambdas_own() -> None:
    lines = [Line(at, "Api", str(at)) for at in range(LINES + 5)] + [Line(9**9, "Api", "END RequestId: x")]
    assert [line.at for line in select(lines, "")] == list(range(5, LINES + 5))
