"""The tables of the Markdown files match the code."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
def test_table_lists_what_the_code_has(path: str, heading: str, truth: Callable[[], list[str]]) -> None:
    assert sorted(first_column(path, heading)) == sorted(truth())


def test_errors_have_the_status_of_the_table() -> None:
    assert {row[0].strip("` "): int(row[1]) for row in table(API, "Errors")} == told_codes()


def test_routes_table_names_the_tokens() -> None:
    said = {row[0].strip("` "): row[1] for row in table(API, "Routes")}
    for operation in app.api.operations:
        is_open = said[f"{operation.method} {operation.path}"] in {"none", "optional", "signature"}
        assert is_open == (operation.auth != "required")


def test_economies_table_matches_the_scenarios() -> None:
    assert table(CATALOGUES, "Five economies") == [row(scenario) for scenario in SCENARIOS]


def test_shipped_economies_have_scenarios() -> None:
    files = {path.stem for path in (ROOT / "chalicelib/catalogues").glob("*_like.json")}
    assert files == {scenario.name for scenario in SCENARIOS}


def test_format_example_is_a_valid_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(section(CATALOGUES, "Format").split("```json\n", 1)[1].split("```", 1)[0], "utf-8")
    assert load_file(file).economy.name == "ours"


def test_kinds_of_giving_are_listed() -> None:
    assert first_column(API, "Giving") == [kind.value for kind in GiftKind]


def test_promises_name_existing_tests() -> None:
    promises = table(PROOFS, "What happens if ...")
    assert len(promises) > 15
    for *_, kept_by in promises:
        path, _, function = kept_by.strip("` ").partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / "tests" / path).read_text("utf-8"), re.MULTILINE), kept_by


def test_named_files_exist() -> None:
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


def test_map_of_rooms_is_the_tree() -> None:
    inside = {f"chalicelib/{part}" for part in parts_of("chalicelib")}
    below = {f"{room}{part}" for room in inside if room.endswith("/") for part in parts_of(room) if part.endswith("/")}
    assert sorted(first_column(ARCHITECTURE, "Map of rooms")) == sorted({"app.py"} | inside | below)


def test_files_of_infra_are_listed() -> None:
    assert sorted(first_column(OPERATION, "Files")) == sorted(parts_of("infra"))


def test_rooms_of_tests_are_listed() -> None:
    folders = {f"tests/{part}" for part in parts_of("tests") if part.endswith("/")}
    assert sorted(first_column("CONTRIBUTING.md", "Test rooms")) == sorted(folders)


def test_table_design_lists_the_rows() -> None:
    models = parsed((ROOT / "chalicelib/adapters/dynamodb/models.py").read_text())
    rows = [
        node.name
        for node in models.body
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["Row"]
    ]
    assert sorted(first_column(ARCHITECTURE, "Table design")) == sorted(rows)


def test_metrics_are_listed() -> None:
    sources = "".join(python_files("chalicelib").values())
    counted = set(re.findall(r"telemetry\.count\(\"(\w+)\"", sources)) | {
        outcome.metric for outcome in Outcome if outcome.has_alarm
    }
    assert set(first_column(OPERATION, "Metrics and alarms")) == counted | {"Webhook<Outcome>"}


def test_log_events_of_runbooks_are_logged() -> None:
    named = re.findall(r"log\s+event\s+`([^`]+)`", documents()["infra/runbooks.md"])
    sources = "".join(python_files("chalicelib").values())
    assert len(named) > 5
    assert [event for event in named if f'"{event}"' not in sources] == []


def test_demo_steps_are_those_of_the_readme() -> None:
    headlines = re.findall(r"^\d  (.*)$", documents()["README.md"], re.MULTILINE)
    assert headlines == [step.__doc__ for step in STEPS]


def test_demo_output_in_the_readme_is_what_the_demo_prints() -> None:
    block = next(
        block for block in re.findall(r"^```text\n(.*?)^```", documents()["README.md"], re.MULTILINE | re.DOTALL)
    )
    nodes = [node for source in python_files("infra/local").values() for node in ast.walk(parsed(source))]
    texts = {line.strip() for node in nodes for line in _texts(node)}
    patterns = [re.compile(pattern) for node in nodes if (pattern := _pattern(node))]
    lines = [re.sub(r"^\d  |(?<=\w) \.\.\.$", "", line.strip()) for line in block.splitlines() if line]
    assert len(lines) > 30
    assert [line for line in lines if line not in texts and not any(each.fullmatch(line) for each in patterns)] == []


def _texts(node: ast.AST) -> list[str]:
    return node.value.splitlines() if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _pattern(node: ast.AST) -> str:
    """Return the pattern of an f-string, in which a value matches any text; "" for other nodes."""
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = [str(each.value) if isinstance(each, ast.Constant) else "\0" for each in node.values]
    has_words = len(re.findall("[a-z]", "".join(parts))) > 1
    return re.escape("".join(parts).strip()).replace("\0", ".+") if has_words else ""


def _printed(path: str) -> list[dict[str, Any]]:
    """Return the JSON objects in the printed outputs of a document."""
    blocks = re.findall(r"^```text\n(.*?)^```", documents()[path], re.MULTILINE | re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.splitlines() if line.startswith("{")]


def test_printed_responses_have_the_fields_of_a_response() -> None:
    fields = [sorted(each.response_model.__struct_fields__) for each in app.api.operations if each.response_model]
    printed = _printed(API)
    assert len(printed) > 4
    assert [sorted(response) for response in printed if sorted(response) not in fields] == []


def test_printed_events_have_the_fields_of_the_table() -> None:
    rows = {row[0].strip("` "): set(re.findall(r"`(\w+)`", row[2])) for row in table(CONSUMER, "Event types")}
    printed = _printed(CONSUMER)
    assert {event["type"] for event in printed} == {"coinpurse.coins.credited.v1", "coinpurse.gift.sent.v1"}
    assert [event["type"] for event in printed if not event["data"].keys() <= rows[event["type"]]] == []
