"""The planted bugs still fit the code; `make planted` sees that each of them is noticed."""

import ast

import pytest

from infra.local.processes import ROOT
from tests.faults.planted.bug import Bug
from tests.faults.planting import BUGS


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_has_its_place_and_is_no_slip_of_the_pen(bug: Bug) -> None:
    source = (ROOT / bug.path).read_text("utf-8")
    assert source.count(bug.old) == 1
    if bug.path.endswith(".py"):
        ast.parse(source.replace(bug.old, bug.new))
    assert all((ROOT / test).exists() for test in bug.tests if test.startswith("tests/"))


def test_each_planted_bug_is_another() -> None:
    assert len({bug.name for bug in BUGS}) == len({(bug.path, bug.old, bug.new) for bug in BUGS}) == len(BUGS) >= 25
