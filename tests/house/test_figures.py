"""The figures that each release is held to."""

import json
from pathlib import Path

import pytest

from tests.house import figures
from tests.house.figures import COUNTED, TIMED, Figure, Reason

BEFORE = Path(__file__).with_name("figures_before.json")

SOURCES = {
    "app.py": "from chalicelib.http import routes\nimport chalicelib.errors\n",
    "chalicelib/__init__.py": "import chalicelib.errors\n",
    "chalicelib/errors.py": "import json\n",
    "chalicelib/http/routes.py": "def f():\n    from chalicelib.errors import E\nfrom chalicelib.http import pages\n",
    "chalicelib/http/__init__.py": "if TYPE_CHECKING:\n    from chalicelib.domain import x\n",
    "chalicelib/domain/ledger.py": "from chalicelib import VERSION, errors\n",
}


def test_counted_figures_are_those_of_the_earlier_release_and_no_worse_without_a_reason() -> None:
    earlier, now, known = json.loads(BEFORE.read_text())["figures"], figures.counted(), figures.reasons()
    assert now.keys() == COUNTED.keys() <= earlier.keys() <= (COUNTED | TIMED).keys()
    assert known.keys() <= (COUNTED | TIMED).keys()
    assert figures.unexplained(now, earlier, known) == []


def test_arrows_are_pairs_of_rooms() -> None:
    assert figures.arrows(SOURCES) == {
        ("app", "http"),
        ("app", "errors"),
        ("http", "errors"),
        ("domain", "errors"),
    }


@pytest.mark.parametrize(
    ("figure", "before", "after", "worse"),
    [
        (Figure("lines"), 10, 11, True),
        (Figure("lines"), 10, 10, False),
        (Figure("lines"), 10, 9, False),
        (Figure("score", is_more_better=True), 90, 89, True),
        (Figure("score", is_more_better=True), 90, 91, False),
        (Figure("tests", is_more_better=None), 90, 89, False),
        (Figure("lines"), None, 11, False),
        (Figure("lines"), 10, None, False),
    ],
)
def test_worse_figure_is_marked(figure: Figure, before: float | None, after: float | None, worse: bool) -> None:
    assert figures.is_worse(figure, before, after) is worse


def test_unexplained_figures_lack_a_reason_or_exceed_its_limit() -> None:
    before, after = {"modules": 10, "rooms": 5, "tests": 9}, {"modules": 12, "rooms": 7, "tests": 8}
    assert figures.unexplained(after, before, {}) == ["modules", "rooms"]
    assert figures.unexplained(after, before, {"modules": Reason(12, "one more"), "rooms": Reason(6, "")}) == ["rooms"]


def test_table_marks_worse_and_unmeasured_figures() -> None:
    lines = list(figures.table({"modules": 2}, {"modules": 1}))
    assert [line.split()[-1] for line in lines if "WORSE" in line or line.startswith("modules")] == ["WORSE"]
    assert any(line.startswith("cold gift") and line.count("not measured") == 2 for line in lines)


def test_figures_of_other_commands_are_read(tmp_path: Path) -> None:
    (tmp_path / "chalicelib/usecases").mkdir(parents=True)
    for name in ("app.py", "README.md", "Makefile", ".ci/run"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    folder = tmp_path / figures.MEASURED
    folder.mkdir(parents=True)
    (folder / "unit.json").write_text('{"unit_wall_seconds": 21.5, "other": 1}')
    found = figures.measure(tmp_path)
    assert found["unit_wall_seconds"] == 21.5
    assert found.keys() == COUNTED.keys() | {"unit_wall_seconds"}
