"""The present code against the recording of the first release."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import contract
from tests.recorded.backends import ROOT
from tests.recorded.compare import differences
from tests.recorded.record import RECORDING, read

PARTS = ("answers", "events", "names", "openapi", "rows")
GROWING = {"names": ("names/*",)}
"""New names are compatible; a name that is gone is not."""


def named(part: Any) -> Any:
    """Turn lists of names into mappings, so that their order does not count and additions can be told apart."""
    return {
        group: dict.fromkeys(members, "") if isinstance(members, list) else members for group, members in part.items()
    }


def changes(part: str, recorded: Any, present: Any) -> list[str]:
    if part == "names":
        recorded, present = named(recorded), named(present)
    if part == "openapi":
        recorded, present = contract.expanded(recorded), contract.expanded(present)
    return differences(recorded, present, part, *([GROWING[part]] if part in GROWING else []))


@pytest.fixture(scope="session")
def present(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Record the present code. A process of its own: the recorder imports the app several times."""
    folder = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-m", "tests.recorded.record", "--to", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return in_order(read(folder))


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    return in_order(read())


def in_order(parts: dict[str, Any]) -> dict[str, Any]:
    """Sort the events by subject: their order is promised for each subject alone."""
    parts["events"].sort(key=lambda event: event["body"]["subject"])
    return parts


@pytest.mark.parametrize("part", PARTS)
def test_record_on_the_present_code_equals_the_recording(
    part: str, recorded: dict[str, Any], present: dict[str, Any]
) -> None:
    assert changes(part, recorded[part], present[part]) == []


def test_recording_is_small_and_whole() -> None:
    files = sorted(RECORDING.iterdir())
    assert [path.stem for path in files] == list(PARTS)
    assert sum(path.stat().st_size for path in files) < 300_000


def planted(recorded: dict[str, Any], part: str) -> Any:
    return copy.deepcopy(recorded[part])


def test_differences_with_a_changed_row_names_the_attribute(recorded: dict[str, Any]) -> None:
    rows = planted(recorded, "rows")
    key = next(key for key, row in rows.items() if row.get("kind") == "S:purchase")
    rows[key]["coins"] = "S:350"
    rows[key]["color"] = "S:blue"
    del rows[key]["currency"]
    found = changes("rows", recorded["rows"], rows)
    assert [line.removeprefix(f"rows/{key}/").split(":")[0] for line in found] == ["currency", "color", "coins"]


def test_differences_with_a_changed_event_names_body_and_attribute(recorded: dict[str, Any]) -> None:
    events = planted(recorded, "events")
    events[0]["body"]["data"]["coins"] += 1
    events[1]["attributes"]["livemode"] = ["String", "true"]
    found = changes("events", recorded["events"], [*events, events[0]])
    assert [line.split(":")[0] for line in found] == [
        "events/0/body/data/coins",
        "events/1/attributes/livemode/1",
        "events",
    ]


def test_differences_with_a_changed_problem_code_names_the_answer(recorded: dict[str, Any]) -> None:
    answers = planted(recorded, "answers")
    number = next(number for number, each in enumerate(answers) if each.get("status") == 409)
    answers[number]["answer"]["code"] = "conflict"
    answers[number]["headers"].pop("content-type")
    found = changes("answers", recorded["answers"], answers)
    assert [line.split(":")[0] for line in found] == [
        f"answers/{number}/headers/content-type",
        f"answers/{number}/answer/code",
    ]


def test_differences_with_an_allowed_addition_are_empty() -> None:
    assert differences({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, "rows", ("rows/*/y",)) == []
    assert differences({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, "rows", ()) == ["rows/a/y: was added"]


def test_changes_of_names_report_what_is_gone_only(recorded: dict[str, Any]) -> None:
    names = planted(recorded, "names")
    names["settings"] = [*names["settings"][1:], "NEW_SETTING"]
    assert changes("names", recorded["names"], names) == [
        f"names/settings/{recorded['names']['settings'][0]}: is missing"
    ]


SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}


def document(schema_name: str, prose: str, schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema_name}"}}}
    operation = {"summary": prose, "responses": {"200": {"description": prose, "content": content}}}
    return {
        "info": {"title": prose},
        "paths": {"/v1/things": {"get": operation}},
        "components": {"schemas": {schema_name: {**schema, "description": prose}}},
    }


def test_openapi_with_other_prose_and_component_names_is_equal() -> None:
    assert contract.openapi(document("Old", "an old text")) == contract.openapi(document("New", "a new one"))


def test_openapi_with_another_property_differs() -> None:
    other = {**SCHEMA, "properties": {"name": {"type": "string"}}}
    assert contract.openapi(document("Old", "text")) != contract.openapi(document("Old", "text", other))


def test_recording_lies_where_the_command_writes_it() -> None:
    assert Path(__file__).parent / "recording" == RECORDING
