"""`python -m tests.faults.planting [WORD ...]`: plant bugs, one at a time, and check that the tests catch each of them.

With words, only the bugs whose name or path contains one of them. Without, the counts are written to
`.local/figures/planted.json`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from infra.local.processes import ROOT
from tests.faults.planted.bug import Bug
from tests.faults.planted.in_adapters import IN_ADAPTERS
from tests.faults.planted.in_amounts import IN_AMOUNTS
from tests.faults.planted.in_audit import IN_AUDIT
from tests.faults.planted.in_budgets import IN_BUDGETS
from tests.faults.planted.in_freezes import IN_FREEZES
from tests.faults.planted.in_giving import IN_GIVING
from tests.faults.planted.in_lives import IN_LIVES
from tests.faults.planted.in_memberships import IN_MEMBERSHIPS
from tests.faults.planted.in_reconcile import IN_RECONCILE
from tests.faults.planted.in_reviews import IN_REVIEWS
from tests.faults.planted.in_tokens import IN_TOKENS
from tests.faults.planted.in_use_cases import IN_USE_CASES
from tests.faults.planted.in_workers import IN_WORKERS
from tests.house.figures import MEASURED

BUGS: Final[Sequence[Bug]] = (
    *IN_ADAPTERS,
    *IN_RECONCILE,
    *IN_AMOUNTS,
    *IN_BUDGETS,
    *IN_FREEZES,
    *IN_GIVING,
    *IN_LIVES,
    *IN_MEMBERSHIPS,
    *IN_REVIEWS,
    *IN_TOKENS,
    *IN_USE_CASES,
    *IN_WORKERS,
    *IN_AUDIT,
)
AT_ONCE: Final = 2
SECONDS: Final = 240

_COPIED: Final = (
    *("app.py", "chalicelib", "tests", "infra", ".chalice", "pyproject.toml", "Makefile"),
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"),
)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result for one bug. `caught_by` is the first failing test; `trouble` is the reason why a run is no proof."""

    bug: Bug
    caught_by: str
    trouble: str


def main() -> int:
    """Plant the chosen bugs and print the results."""
    words = sys.argv[1:]
    chosen = [bug for bug in BUGS if not words or any(word in f"{bug.name} {bug.path}" for word in words)]
    trials = list(run(chosen))
    for trial in trials:
        print(f"{trial.bug.name:<48} {trial.caught_by or 'NOT CAUGHT: ' + trial.trouble}")
    caught = sum(bool(trial.caught_by) for trial in trials)
    print(f"\n{caught} of {len(trials)} planted bugs were caught")
    if not words:
        figures = {"planted_caught": caught, "planted_missed": len(trials) - caught}
        (ROOT / MEASURED).mkdir(parents=True, exist_ok=True)
        (ROOT / MEASURED / "planted.json").write_text(json.dumps(figures) + "\n")
    return 0 if caught == len(trials) else 1


def run(bugs: Sequence[Bug], at_once: int = AT_ONCE) -> Iterator[Trial]:
    """Plant each bug in a copy of the project and run its tests, which must pass without any bug."""
    with copies(at_once) as free, ThreadPoolExecutor(at_once) as threads:
        selections = list(dict.fromkeys(bug.tests for bug in bugs))
        passing = dict(zip(selections, threads.map(lambda tests: _passes(tests, free), selections), strict=True))
        yield from threads.map(lambda bug: _try(bug, free, is_proof=passing[bug.tests]), bugs)


@contextmanager
def copies(count: int) -> Iterator["SimpleQueue[Path]"]:
    """A pool of copies of the project."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        for number in range(count):
            copy = Path(directory) / str(number)
            copy.mkdir()
            for name in _COPIED:
                source = ROOT / name
                (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / name)
            free.put(copy)
        yield free


def _passes(tests: Sequence[str], free: "SimpleQueue[Path]") -> bool:
    copy = free.get()
    try:
        return _pytest(copy, tests).returncode == 0
    finally:
        free.put(copy)


def _try(bug: Bug, free: "SimpleQueue[Path]", *, is_proof: bool) -> Trial:
    if not is_proof:
        return Trial(bug, "", f"{' '.join(bug.tests)} fails without it")
    copy = free.get()
    path = copy / bug.path
    sound, times = path.read_text("utf-8"), path.stat()
    try:
        if sound.count(bug.old) != 1:
            return Trial(bug, "", f"its place in {bug.path} is gone")
        path.write_text(sound.replace(bug.old, bug.new), "utf-8")
        done = _pytest(copy, bug.tests)
    finally:
        path.write_text(sound, "utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        free.put(copy)
    failed = _FAILED.search(done.stdout)
    if done.returncode == 1 and failed:
        return Trial(bug, failed[1], "")
    return Trial(bug, "", f"pytest ended with {done.returncode}: {done.stdout.strip()[-200:]}")


def _pytest(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Bytecode compiled from a planted bug must not stay in the copy.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:randomly", *tests]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


if __name__ == "__main__":
    sys.exit(main())
