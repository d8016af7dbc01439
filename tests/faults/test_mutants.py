"""Mutations, the selection of tests for a mutant, and the list of explained survivors."""

import ast

import pytest

from infra.local.processes import ROOT
from tests.faults.mutants import EXPLAINED, explanations, sources
from tests.faults.mutations import mutants_of
from tests.faults.selection import files_for

SOURCE = '''
LIMIT = 5


def is_allowed(coins: int = 1, *, log) -> bool:
    """Check 1 amount."""
    log.info("checked", limit=2)
    return 0 < coins and coins != LIMIT
'''


def test_mutants_of_a_source_change_one_place_each_and_compile() -> None:
    mutants = {mutant.name: mutant for mutant in mutants_of("a.py", SOURCE)}
    assert [name.removeprefix("a.py ") for name in mutants] == [
        "module: 5 -> 6",
        "is_allowed: 1 -> 2",
        "is_allowed: return 0 < coins and coins != LIMIT -> return None",
        "is_allowed: 0 < coins and coins != LIMIT -> 0 < coins or coins != LIMIT",
        "is_allowed: 0 < coins -> 0 <= coins",
        "is_allowed: 0 < coins -> 0 >= coins",
        "is_allowed: 0 -> 1",
        "is_allowed: coins != LIMIT -> coins == LIMIT",
    ]
    changed = {ast.unparse(mutant.tree(SOURCE)) for mutant in mutants.values()}
    assert len(changed | {ast.unparse(ast.parse(SOURCE))}) == len(mutants) + 1
    assert "0 <= coins and coins != LIMIT" in ast.unparse(
        mutants["a.py is_allowed: 0 < coins -> 0 <= coins"].tree(SOURCE)
    )


def test_explained_survivors_are_mutants_of_the_present_code_with_a_reason() -> None:
    reasons = explanations(EXPLAINED.read_text("utf-8"))
    paths = {name.split(" ")[0] for name in reasons}
    present = {m.name for path in paths & {*sources()} for m in mutants_of(path, (ROOT / path).read_text("utf-8"))}
    assert [name for name, reason in reasons.items() if name not in present or not reason] == []


def test_explanations_of_neighbors_are_shared() -> None:
    first, second, third = (f"chalicelib/domain/ids.py module: {number} -> 0" for number in (1, 2, 3))
    text = f"Some title.\n\n{first}\n{second}\n    Two lines\n    of reason.\n{third}\n"
    assert explanations(text) == {first: "Two lines of reason.", second: "Two lines of reason.", third: ""}


@pytest.mark.parametrize(
    ("line", "files"),
    [
        (8, ["tests/domain/test_ids.py", "tests/domain/test_gifts.py"]),
        (2, ["everything"]),
        (5, ["everything"]),
        (9, ["everything"]),
    ],
)
def test_files_for_a_line_run_its_function(line: int, files: list[str]) -> None:
    ids, gifts = "tests/domain/test_ids.py", "tests/domain/test_gifts.py"
    runs = {2: {"": 1}, 5: {"": 1}, 7: {ids: 1}, 8: {ids: 1, gifts: 1}}
    assert files_for(line, SOURCE, runs, ["everything"]) == files
