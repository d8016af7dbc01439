"""The suites that `make test` and `make unit` run."""

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.run import SUITES, UNTRACED, Piece, count_tests, run

CHECKED = "tests/house"
"""`make check` runs these, and is a piece of `make test`."""


def pieces_of(name: str) -> list[Piece]:
    """Find the pieces that run a file."""
    return [
        piece for piece in SUITES["test"] if any(name == path or name.startswith(f"{path}/") for path in piece.paths)
    ]


def test_files_of_tests_are_in_one_piece_or_split_by_their_marks() -> None:
    for file in ROOT.glob("tests/**/test_*.py"):
        name = file.relative_to(ROOT).as_posix()
        times = 2 if name.startswith(UNTRACED) else 0 if name.startswith(f"{CHECKED}/") else 1
        assert len(pieces_of(name)) == times, name


def test_pieces_leave_out_no_test_of_their_rooms() -> None:
    split = [piece.options[-2:] for piece in pieces_of("tests/adapters/test_ledger.py")]
    assert split == [("-m", "not untraced"), ("-m", "untraced")]
    options = {option for piece in SUITES["test"] for option in piece.options}
    assert not [option for option in options if option.startswith(("-k", "--deselect", "--ignore"))]


def test_paths_of_suites_exist() -> None:
    assert all((ROOT / path).exists() for suite in SUITES.values() for piece in suite for path in piece.paths)


def test_unit_suite_starts_no_server() -> None:
    cloud = ("tests/adapters", "tests/e2e", "tests/infra", "tests/faults", "tests/bench")
    assert not [path for piece in SUITES["unit"] for path in piece.paths if path.startswith(cloud)]


def python(name: str, program: str, *, is_gate: bool = False) -> Piece:
    return Piece(name, command=(sys.executable, "-c", program), is_gate=is_gate)


@pytest.mark.parametrize(
    ("pieces", "failed"),
    [
        ([python("a", "print('one')"), python("b", "print('two')")], []),
        ([python("a", "raise SystemExit(3)"), python("b", "print('two')")], ["a"]),
        ([python("a", "print('one')"), python("b", "raise SystemExit(5)"), python("c", "print('three')")], ["b"]),
    ],
)
def test_run_keeps_every_exit_code_and_all_output(pieces: list[Piece], failed: list[str], tmp_path: Path) -> None:
    found, output = run(pieces, tmp_path)
    assert found == failed
    printed = [word for piece in pieces for word in ("one", "two", "three") if f"'{word}'" in piece.command[-1]]
    assert sorted(output.split()) == sorted(printed)


def test_run_ends_with_the_gate_that_failed(tmp_path: Path) -> None:
    slow = python("slow", "import time; time.sleep(60)")
    failed, output = run([slow, python("gate", "raise SystemExit('badly formatted')", is_gate=True), slow], tmp_path)
    assert (failed, output) == (["gate"], "badly formatted\n")


def test_run_hides_progress_but_keeps_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "print('..F.   [ 50%]'); print('100% of it'); print('....   [100%]')"
    assert run([python("a", program)], tmp_path) == ([], "100% of it\n")
    assert "[ 50%]" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "tests"),
    [
        (["3 passed in 1.00s"], 3),
        (["1 failed, 2 passed, 1 skipped, 4 warnings in 0:02:11", "x", "5 passed in 3.12s"], 9),
        (["12 files left unchanged", "Success: no issues found in 514 source files"], 0),
    ],
)
def test_count_tests_adds_up_all_pieces(lines: Iterable[str], tests: int) -> None:
    assert count_tests("\n".join(lines)) == tests
