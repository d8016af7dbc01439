"""US spelling. `[tool.codespell]` in pyproject.toml has the rules and exceptions."""

import subprocess
import sys
from pathlib import Path

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


MISSPELLED = {
    "A reciever of messages.": "reciever ==> receiver",
    "def reciever_of(x): ...": "reciever ==> receiver",
    "class MessageReciever: ...": "Reciever ==> Receiver",
    "A coin's colour.": "colour ==> color",
    "COLOUR_BY_TIER = {}": "COLOUR ==> COLOR",
    "The session is cancelled.": "cancelled ==> canceled",
    "on_cancelled()": "cancelled ==> canceled",
}
KEPT = ('reason = "cancelled"', "GET /cancelled", "The catalogue is `cancelled`.", "a color")


def test_misspellings_are_found_and_public_values_keep_their_spelling(tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text("\n".join([*MISSPELLED, *KEPT]))
    assert misspellings(path) == [f"{path}:{line}: {found}" for line, found in enumerate(MISSPELLED.values(), start=1)]
