"""The planted bugs still fit the code; `make planted` checks that each of them is caught."""

import ast
import subprocess
import sys

import pytest

from infra.local.processes import ROOT
from tests.faults.planted.bug import Bug
from tests.faults.planting import BUGS
from tests.run import SUITES


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_fits_the_source_and_compiles(bug: Bug) -> None:
    source = (ROOT / bug.path).read_text("utf-8")
    assert source.count(bug.old) == 1
    if bug.path.endswith(".py"):
        ast.parse(source.replace(bug.old, bug.new))
    assert all((ROOT / test).exists() for test in bug.tests if test.startswith("tests/"))


def test_planted_bugs_are_distinct() -> None:
    assert len({bug.name for bug in BUGS}) == len({(bug.path, bug.old, bug.new) for bug in BUGS}) == len(BUGS) >= 25


@pytest.fixture(scope="module")
def collected() -> list[str]:
    """Collect the node ids of all tests in the files that planted bugs name."""
    files = sorted({test.partition("::")[0] for bug in BUGS for test in paths_of(bug)})
    command = [sys.executable, "-m", "pytest", "--collect-only", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_planted_bug_selects_tests_of_make_test(collected: list[str]) -> None:
    rooms = tuple(path for piece in SUITES["test"] for path in piece.paths)
    for bug in BUGS:
        paths, words = paths_of(bug), bug.tests[len(paths_of(bug)) :]
        assert words[:1] in {(), ("-k",)}, "the paths come first, and then at most an expression"
        alternatives = words[1].lower().split(" or ") if words else [""]
        selected = [
            test for test in collected if test.startswith(paths) and any(w in test.lower() for w in alternatives)
        ]
        assert selected, bug.name
        assert all(path.startswith(rooms) for path in paths), bug.name


def paths_of(bug: Bug) -> tuple[str, ...]:
    return tuple(test for test in bug.tests if test.startswith("tests/"))
