"""The README's tables match the code."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import app
from chalicelib import errors
from chalicelib.adapters.catalogue_files import load_file
from chalicelib.domain import events
from chalicelib.domain.economy import GiftKind
from chalicelib.http.responses import STATUS
from chalicelib.settings import Settings
from tests.e2e.economies import SCENARIOS
from tests.e2e.economy_table import row

TESTS = Path(__file__).parents[1]
README = (TESTS.parent / "README.md").read_text("utf-8")


def section(heading: str) -> str:
    return README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its header."""
    rows = [line for line in section(heading).splitlines() if line.startswith("|")]
    first = rows[2:]
    end = next((place for place, row in enumerate(first) if set(row) <= set("|- ")), len(first) + 1)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in first[: end - 1]]


def first_column(heading: str) -> list[str]:
    return [row[0].strip("` ") for row in table(heading)]


def error_classes(kind: type[errors.CoinpurseError] = errors.CoinpurseError) -> list[type[errors.CoinpurseError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in error_classes(child))]


def told_codes() -> dict[str, int]:
    """Map the error codes that a response can have to their status."""
    grouping = {errors.BadRequest, errors.Refusal}
    return {
        kind.code: next(STATUS[each] for each in kind.__mro__ if each in STATUS)
        for kind in error_classes()
        if kind not in grouping
    }


def event_types() -> list[str]:
    return [value for value in vars(events).values() if isinstance(value, str) and value.startswith("coinpurse.")]


@pytest.mark.parametrize(
    ("heading", "truth"),
    [
        ("API", lambda: [f"{operation.method} {operation.path}" for operation in app.api.operations]),
        ("Events", event_types),
        ("Settings", lambda: [field.upper() for field in Settings.__struct_fields__]),
        ("Errors", lambda: list(told_codes())),
    ],
)
def test_a_table_lists_what_there_is(heading: str, truth: Callable[[], list[str]]) -> None:
    assert sorted(first_column(heading)) == sorted(truth())


def test_the_errors_have_the_status_that_the_table_says() -> None:
    assert {row[0].strip("` "): int(row[1]) for row in table("Errors")} == told_codes()


def test_every_route_that_needs_a_token_says_so() -> None:
    said = {row[0].strip("` "): row[1] for row in table("API")}
    for operation in app.api.operations:
        is_open = said[f"{operation.method} {operation.path}"] in {"none", "optional", "signature"}
        assert is_open == (operation.auth != "required")


def test_the_five_economies_are_told_as_their_scenarios_run() -> None:
    assert table("Five economies") == [row(scenario) for scenario in SCENARIOS]


def test_every_economy_that_is_shipped_has_its_scenario() -> None:
    files = {path.stem for path in (TESTS.parent / "chalicelib/catalogues").glob("*_like.json")}
    assert files == {scenario.name for scenario in SCENARIOS}


def test_the_form_of_a_catalogue_is_one_that_may_go_live(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(section("Five economies").split("```json\n", 1)[1].split("```", 1)[0], "utf-8")
    assert load_file(file).economy.name == "ours"


def test_the_kinds_of_giving_are_all_told() -> None:
    assert first_column("Giving") == [kind.value for kind in GiftKind]


def test_every_promise_is_kept_by_a_test_that_there_is() -> None:
    promises = table("What happens if ...")
    assert len(promises) > 15
    for *_, kept_by in promises:
        path, _, function = kept_by.strip("` ").partition("::")
        assert re.search(rf"^def {function}\(", (TESTS / path).read_text("utf-8"), re.MULTILINE), kept_by


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:chalicelib|infra|tests|app\.py|\.chalice)[\w./-]*)`", README)
    missing = [name for name in named if not (Path(__file__).parents[2] / name).exists()]
    assert named
    assert missing == []
