"""The tables of the Markdown files match the code."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import app
from chalicelib import errors
from chalicelib.adapters.catalogue_files import load_file
from chalicelib.domain import events
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.outcomes import Outcome
from chalicelib.http.responses import STATUS
from chalicelib.settings import Settings
from infra.local.story import STEPS
from tests.e2e.economies import SCENARIOS
from tests.e2e.economy_table import row
from tests.house.documents import documents, first_column, section, table
from tests.house.source import ROOT, parsed, python_files

API, CATALOGUES, CONSUMER = "chalicelib/http/README.md", "chalicelib/catalogues/README.md", "infra/consumer/README.md"
ARCHITECTURE, OPERATION, PROOFS = "chalicelib/README.md", "infra/README.md", "tests/README.md"


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
    ("path", "heading", "truth"),
    [
        (API, "Routes", lambda: [f"{operation.method} {operation.path}" for operation in app.api.operations]),
        (CONSUMER, "Event types", event_types),
        (OPERATION, "Settings", lambda: [field.upper() for field in Settings.__struct_fields__]),
        (API, "Errors", lambda: list(told_codes())),
    ],
)
def test_a_table_lists_what_there_is(path: str, heading: str, truth: Callable[[], list[str]]) -> None:
    assert sorted(first_column(path, heading)) == sorted(truth())


def test_the_errors_have_the_status_that_the_table_says() -> None:
    assert {row[0].strip("` "): int(row[1]) for row in table(API, "Errors")} == told_codes()


def test_every_route_that_needs_a_token_says_so() -> None:
    said = {row[0].strip("` "): row[1] for row in table(API, "Routes")}
    for operation in app.api.operations:
        is_open = said[f"{operation.method} {operation.path}"] in {"none", "optional", "signature"}
        assert is_open == (operation.auth != "required")


def test_the_five_economies_are_told_as_their_scenarios_run() -> None:
    assert table(CATALOGUES, "Five economies") == [row(scenario) for scenario in SCENARIOS]


def test_every_economy_that_is_shipped_has_its_scenario() -> None:
    files = {path.stem for path in (ROOT / "chalicelib/catalogues").glob("*_like.json")}
    assert files == {scenario.name for scenario in SCENARIOS}


def test_the_form_of_a_catalogue_is_one_that_may_go_live(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(section(CATALOGUES, "Format").split("```json\n", 1)[1].split("```", 1)[0], "utf-8")
    assert load_file(file).economy.name == "ours"


def test_the_kinds_of_giving_are_all_told() -> None:
    assert first_column(API, "Giving") == [kind.value for kind in GiftKind]


def test_every_promise_is_kept_by_a_test_that_there_is() -> None:
    promises = table(PROOFS, "What happens if ...")
    assert len(promises) > 15
    for *_, kept_by in promises:
        path, _, function = kept_by.strip("` ").partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / "tests" / path).read_text("utf-8"), re.MULTILINE), kept_by


def test_every_file_that_is_named_exists() -> None:
    named = {
        (path, name)
        for path, text in documents().items()
        for name in re.findall(r"`((?:chalicelib|infra|tests|app\.py|\.chalice)(?:/[\w./-]*)?)`", text)
    }
    assert len(named) > 50
    assert [(path, name) for path, name in sorted(named) if not (ROOT / name).exists()] == []


def parts_of(folder: str) -> set[str]:
    """List the modules and folders directly inside a folder, but for its README and `__init__`."""
    places = (place for place in (ROOT / folder).iterdir() if not place.name.startswith(("__", ".")))
    return {f"{place.name}/" if place.is_dir() else place.name for place in places} - {"README.md"}


def test_the_map_of_rooms_is_the_tree() -> None:
    inside = {f"chalicelib/{part}" for part in parts_of("chalicelib")}
    below = {f"{room}{part}" for room in inside if room.endswith("/") for part in parts_of(room) if part.endswith("/")}
    assert sorted(first_column(ARCHITECTURE, "Map of rooms")) == sorted({"app.py"} | inside | below)


def test_the_files_of_infra_are_all_listed() -> None:
    assert sorted(first_column(OPERATION, "Files")) == sorted(parts_of("infra"))


def test_the_rooms_of_tests_are_all_listed() -> None:
    folders = {f"tests/{part}" for part in parts_of("tests") if part.endswith("/")}
    assert sorted(first_column("CONTRIBUTING.md", "Test rooms")) == sorted(folders)


def test_the_table_design_lists_every_row() -> None:
    models = parsed((ROOT / "chalicelib/adapters/dynamodb/models.py").read_text())
    rows = [
        node.name
        for node in models.body
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["Row"]
    ]
    assert sorted(first_column(ARCHITECTURE, "Table design")) == sorted(rows)


def test_every_metric_is_listed() -> None:
    sources = "".join(python_files("chalicelib").values())
    counted = set(re.findall(r"telemetry\.count\(\"(\w+)\"", sources)) | {
        outcome.metric for outcome in Outcome if outcome.has_alarm
    }
    assert set(first_column(OPERATION, "Metrics and alarms")) == counted | {"Webhook<Outcome>"}


def test_every_log_event_in_a_runbook_is_logged() -> None:
    named = re.findall(r"log\s+event\s+`([^`]+)`", documents()["infra/runbooks.md"])
    sources = "".join(python_files("chalicelib").values())
    assert len(named) > 5
    assert [event for event in named if f'"{event}"' not in sources] == []


def test_the_demo_prints_the_steps_that_the_readme_shows() -> None:
    headlines = re.findall(r"^\d  (.*)$", documents()["README.md"], re.MULTILINE)
    assert headlines == [step.__doc__ for step in STEPS]
