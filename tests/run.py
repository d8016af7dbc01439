"""`python -m tests.run {test,unit}`: run the pieces of a suite three at a time, and fail if one of them fails.

A piece's progress is printed every few seconds, its other output when it ends. The wall time, the CPU time of all
processes and the number of tests are written to `.local/figures`, for `make figures`.
"""

import argparse
import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, TextIO

from infra.local.scratch import ram_disk

ROOT: Final = Path(__file__).resolve().parents[1]
FIGURES: Final = ROOT / ".local" / "figures"
AT_ONCE: Final = 3
"""One more than the cores that the suite is made for: e2e waits for timers half of its time."""


_PYTEST: Final = (sys.executable, "-m", "pytest")
_COVERAGE: Final = (sys.executable, "-m", "coverage")
_PROGRESS: Final = re.compile(r"^([.A-Za-z]+) *\[ *(\d+%)\]$")
_COUNTED: Final = re.compile(r"^\d+ (?:passed|failed|skipped|error).*$", re.MULTILINE)
_POLL_SECONDS: Final = 0.1
_PROGRESS_SECONDS: Final = 5
_PR_SET_CHILD_SUBREAPER: Final = 36

COVERED: Final = (
    *("tests/adapters", "tests/domain", "tests/usecases", "tests/http"),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/test_*.py")),
)
"""The rooms that count for coverage. Tracing the others would double their time and cover no further line."""

UNTRACED: Final = (
    "tests/adapters",
    *sorted(
        str(path.relative_to(ROOT))
        for room in ("usecases", "http")
        for path in (ROOT / "tests" / room).glob("test_*.py")
        if "pytest.mark.untraced" in path.read_text("utf-8")
    ),
)
"""Paths of the tests that run without coverage: the slowest, because quicker ones cover the same lines."""


@dataclass(frozen=True)
class Piece:
    """A process: pytest on some paths, or another command. If it is a gate and fails, the run ends."""

    name: str
    paths: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = _PYTEST
    is_gate: bool = False


CHECK: Final = Piece("check", command=("make", "--no-print-directory", "check"), is_gate=True)
SUITES: Final[Mapping[str, Sequence[Piece]]] = MappingProxyType(
    {
        # Longest first. `check` runs tests/house.
        "test": (
            Piece("e2e", ("tests/e2e",)),
            CHECK,
            Piece("faults", ("tests/faults", "tests/properties", "tests/recorded")),
            Piece("covered", COVERED, ("--cov", "--cov-report=term:skip-covered", "-m", "not untraced")),
            Piece("infra", ("tests/infra", "tests/bench")),
            Piece("untraced", UNTRACED, ("-m", "untraced")),
            Piece("browser", ("tests/browser",)),
        ),
        "unit": (
            Piece("http", ("tests/http", "tests/house/test_imports.py", "tests/house/test_files.py")),
            Piece("domain", ("tests/domain", "tests/usecases", *COVERED[4:])),
        ),
    }
)
GATES: Final[Mapping[str, Sequence[Sequence[str]]]] = MappingProxyType(
    {
        "test": (
            ("report", "--fail-under=100", "--include=chalicelib/domain/*,chalicelib/usecases/*"),
            ("report", "--fail-under=95"),
        ),
        "unit": (),
    }
)
"""Arguments of `coverage` for each gate of a suite."""


@dataclass
class Running:
    """A piece that is running, and its output so far."""

    piece: Piece
    process: subprocess.Popen[bytes]
    output: TextIO
    began: float = field(default_factory=time.monotonic)
    kept: str = ""
    _line: str = ""
    _shown: float = field(default_factory=time.monotonic)
    _has_failures: bool = False

    def read(self) -> Iterator[str]:
        """Read the new output. Yields the progress every few seconds and keeps the other lines."""
        self._line += self.output.read()
        *lines, self._line = self._line.split("\n")
        for line in lines:
            if not (progress := _PROGRESS.match(line)):
                self.kept += f"{line}\n"
                continue
            self._has_failures |= bool({"F", "E"} & set(progress[1]))
            if time.monotonic() - self._shown > _PROGRESS_SECONDS:
                self._shown = time.monotonic()
                yield f"{progress[2]}{', with failures' * self._has_failures}"


def run(pieces: Sequence[Piece], directory: Path) -> tuple[list[str], str]:
    """Run the pieces, AT_ONCE at a time. Returns the names of failed pieces, and the output without progress lines."""
    waiting, running, failed, output = list(pieces), list[Running](), list[str](), ""
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(_start(waiting.pop(0), directory))
            with suppress(subprocess.TimeoutExpired):
                running[0].process.wait(_POLL_SECONDS)
            _reap([each.process for each in running])
            for each in list(running):
                has_ended = each.process.poll() is not None
                for line in each.read():
                    print(f"{each.piece.name:<8} {line}", flush=True)
                if has_ended:
                    running.remove(each)
                    output += _show(each)
                    failed += [each.piece.name] * bool(each.process.returncode)
                    if each.piece.is_gate and each.process.returncode:
                        return failed, output
    finally:
        _stop(running)
    return failed, output


def _start(piece: Piece, directory: Path) -> Running:
    print(f"{piece.name:<8} starts", flush=True)
    path = directory / piece.name
    with path.open("wb") as output:
        process = subprocess.Popen(
            [*piece.command, *piece.options, *piece.paths],
            cwd=ROOT,
            env=_environment(directory),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(piece, process, path.open(errors="replace"))


def _environment(directory: Path) -> dict[str, str]:
    """Set the place of temporary files, and have bytecode kept: else each process compiles every library again."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"TMPDIR": str(directory)}


def _show(ended: Running) -> str:
    ended.output.close()
    outcome = f"failed with {ended.process.returncode}" if ended.process.returncode else "passed"
    print(f"\n{ended.piece.name}: {outcome} after {time.monotonic() - ended.began:.0f} s\n{ended.kept}", flush=True)
    return ended.kept


def _stop(running: Sequence[Running]) -> None:
    """Interrupt the running pieces as Ctrl-C does, so that pytest stops the servers that it started."""
    for each in running:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGINT)
    for each in running:
        each.process.wait()
        each.output.close()


def _adopt_orphans() -> None:
    """Become the parent of processes whose parent ended (Linux), so that the CPU time of killed workers counts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap(pieces: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Reap adopted processes that have ended. Popen reaps the pieces themselves."""
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in {piece.pid for piece in pieces}:
                return  # waitid() returns the same process until Popen has reaped it
            os.waitpid(ended.si_pid, 0)


def count_tests(output: str) -> int:
    """Sum the test counts of pytest's last lines."""
    lines: list[str] = _COUNTED.findall(output)
    return sum(int(number) for line in lines for number in re.findall(r"(\d+) (?:passed|failed|skipped|error)", line))


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main(arguments: Sequence[str]) -> int:
    """Run a suite."""
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("suite", choices=SUITES)
    suite: str = parser.parse_args(arguments).suite
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _adopt_orphans()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tests-", dir=ram_disk(), ignore_cleanup_errors=True) as directory:
        failed, output = run(SUITES[suite], Path(directory))
    if not failed:
        for gate in GATES[suite]:
            done = subprocess.run([*_COVERAGE, *gate], cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stdout + done.stderr)
                failed.append("coverage")
    _reap([])
    figures = {
        f"{suite}_wall_seconds": round(time.monotonic() - began),
        f"{suite}_cpu_seconds": round(cpu_seconds()),
        "tests" if suite == "test" else f"{suite}_tests": count_tests(output),
    }
    print(", ".join(f"{name.removeprefix(f'{suite}_')}: {value:,}" for name, value in figures.items()))
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"{suite}.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
