"""Results of finished jobs, with which a proof that was cut short continues at the same commit."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.local.processes import ROOT
from tests.faults.work import Piece

KEPT: Final = Path(".local/faults.json")


@dataclass
class Results:
    """The pieces without a breach, by job, of a tree without changes since its commit."""

    commit: str
    path: Path = field(default_factory=lambda: ROOT / KEPT)
    pieces: dict[str, Piece] = field(default_factory=dict)

    def load(self) -> None:
        """Read the results of the same commit."""
        if self.commit and self.path.exists():
            kept = json.loads(self.path.read_text("utf-8"))
            if kept["commit"] == self.commit:
                self.pieces = {job: Piece(**piece) for job, piece in kept["pieces"].items()}

    def add(self, job: str, piece: Piece) -> None:
        """Keep a result, unless there is a breach or the job was skipped."""
        if self.commit and not (piece.by_kind.total() or piece.skipped):
            self.pieces[job] = piece
            self.path.parent.mkdir(exist_ok=True)
            kept = {job: _plain(piece) for job, piece in self.pieces.items()}
            self.path.write_text(json.dumps({"commit": self.commit, "pieces": kept}), "utf-8")


def clean_commit() -> str:
    """Return the commit of the tree, or "" if files have changed since."""
    return "" if _git("status", "--porcelain") else _git("rev-parse", "HEAD")


def _plain(piece: Piece) -> Mapping[str, Any]:
    return {name: getattr(piece, name) for name in ("heading", "tried", "points", "sampled", "seconds")}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
