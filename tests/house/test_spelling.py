"""US spelling. `[tool.codespell]` in pyproject.toml has the rules and exceptions."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT, tracked_files


def misspellings(*paths: Path) -> list[str]:
    """List what codespell finds in these files, each with its line and what it suggests."""
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # Its exit code is 65 when it found something; anything else is a failure of the program itself.
    assert done.returncode in {0, 65}, done.stderr
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    return done.stdout.splitlines()


def test_tracked_files_are_spelled_right() -> None:
    # This file holds planted misspellings.
    assert misspellings(*(path for path in tracked_files() if path != Path(__file__))) == []


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("A reciever of messages.", "reciever ==> receiver"),
        ("def reciever_of(x): ...", "reciever ==> receiver"),
        ("class MessageReciever: ...", "Reciever ==> Receiver"),
        ("A coin's colour.", "colour ==> color"),
        ("COLOUR_BY_TIER = {}", "COLOUR ==> COLOR"),
        ("The session is cancelled.", "cancelled ==> canceled"),
        ("on_cancelled()", "cancelled ==> canceled"),
    ],
)
def test_misspelling_is_found(tmp_path: Path, text: str, suggestion: str) -> None:
    path = tmp_path / "planted.py"
    path.write_text(text)
    assert misspellings(path) == [f"{path}:1: {suggestion}"]


@pytest.mark.parametrize("text", ['reason = "cancelled"', "GET /cancelled", "The catalogue is `cancelled`.", "a color"])
def test_public_value_keeps_its_spelling(tmp_path: Path, text: str) -> None:
    path = tmp_path / "planted.py"
    path.write_text(text)
    assert misspellings(path) == []
