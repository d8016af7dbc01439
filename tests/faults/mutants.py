"""Mutation test of the domain and the use cases: `python -m tests.faults.mutants [PATH ...]`.

Each mutant runs in its own process, forked after the import of everything that does not change, against the tests that
run its function. `survivors.txt` explains mutants that no test can notice. A run of all files writes its score to
`.local/figures/mutants.json`.
"""

import argparse
import ast
import importlib.machinery
import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Final

import hypothesis.stateful  # noqa: F401  # imported before the fork, which saves each mutant the import
import msgspec  # noqa: F401
import pytest
import pytest_socket  # noqa: F401
import pytest_timeout  # type: ignore[import-untyped]  # noqa: F401

from infra.local.processes import ROOT
from tests.faults.mutations import Mutant, mutants_of
from tests.faults.selection import Runs, files_for, runs_by_file
from tests.house.figures import MEASURED

TARGETS: Final = ("chalicelib/domain", "chalicelib/usecases")
TESTS: Final = ("tests/domain", "tests/usecases")
EXPLAINED: Final = Path(__file__).with_name("survivors.txt")
SCORE_PERCENT: Final = 96
"""The score of the first release: 451 of its first 468 mutants."""
AT_ONCE: Final = 2
_SURVIVED: Final = 0
_MEMORY: Final = 4 << 30
_ARGUMENTS: Final = (
    *("-x", "-q", "--timeout=30", "-p", "pytest_timeout", "-p", "pytest_socket"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def main() -> int:
    """Run the mutants and print the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="*", help="only these files")
    chosen: list[str] = parser.parse_args().paths
    paths = chosen or sources()
    runs = runs_by_file(paths, TESTS)
    if not list(_survivors([_unchanged(paths[0])], runs)):
        sys.exit("The tests fail without any mutant, so a failure proves nothing.")
    mutants = [mutant for path in paths for mutant in mutants_of(path, (ROOT / path).read_text("utf-8"))]
    reasons, survivors = explanations(EXPLAINED.read_text("utf-8")), list[str]()
    for mutant in _survivors(mutants, runs):
        survivors.append(mutant.name)
        known = "survived, with a reason" if mutant.name in reasons else "SURVIVED"
        print(f"{known}: {mutant.name} (line {mutant.line})", flush=True)
    score = round(100 * (len(mutants) - len(survivors)) / len(mutants), 1)
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} mutants were noticed: {score} %")
    if not chosen:
        (ROOT / MEASURED).mkdir(parents=True, exist_ok=True)
        (ROOT / MEASURED / "mutants.json").write_text(json.dumps({"mutation_score": score}) + "\n")
        for name in sorted(reasons.keys() - survivors):
            print(f"noticed, although {EXPLAINED.name} explains it: {name}")
    return int(score < SCORE_PERCENT or not reasons.keys() >= set(survivors))


def explanations(text: str) -> dict[str, str]:
    """Map each mutant of `survivors.txt` to its reason: the indented lines below it and its neighbors."""
    reasons, waiting = dict[str, str](), list[str]()
    for line in text.splitlines():
        if line.startswith(TARGETS):
            if waiting and reasons[waiting[-1]]:
                waiting.clear()
            waiting.append(line)
            reasons[line] = ""
        elif line.startswith("    "):
            reasons |= {name: f"{reasons[name]} {line.strip()}".lstrip() for name in waiting}
    return reasons


def sources() -> list[str]:
    """List the files that are mutated."""
    files = [file for target in TARGETS for file in (ROOT / target).rglob("*.py") if file.name != "__init__.py"]
    return sorted(str(file.relative_to(ROOT)) for file in files)


def _unchanged(path: str) -> Mutant:
    return Mutant(path, "unchanged", 0, ast.parse((ROOT / path).read_text("utf-8")).body[0], 1)


def _survivors(mutants: Sequence[Mutant], runs: Mapping[str, Runs]) -> Iterator[Mutant]:
    alive: dict[int, Mutant] = {}
    waiting = list(mutants)
    while waiting or alive:
        while waiting and len(alive) < AT_ONCE:
            mutant = waiting.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_life(mutant, runs[mutant.path]))
            alive[child] = mutant
        child, status = os.wait()
        mutant = alive.pop(child)
        is_noticed = status != _SURVIVED
        print("." if is_noticed else "S", end="", file=sys.stderr, flush=True)
        if not is_noticed:
            yield mutant


def _life(mutant: Mutant, runs: Runs) -> int:
    """Run the tests against one mutant, those of its own file first. Returns 1 if one fails."""
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the other plugins double the time of a short run
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    with suppress(OSError, ValueError):  # a mutant can allocate without end
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    _replace(mutant)
    tests = files_for(mutant.line, (ROOT / mutant.path).read_text("utf-8"), runs, TESTS)
    own = [str(path) for room in TESTS for path in sorted(Path(room).glob(f"test_{Path(mutant.path).stem}*.py"))]
    first = own or [test for test in tests if test.endswith(".py")][:1]
    # They kill most mutants.
    if first and pytest.main([*_ARGUMENTS, *first]) != 0:
        return 1
    rest = [test for test in tests if test not in first]
    return int(bool(rest) and pytest.main([*_ARGUMENTS, *rest]) != 0)


def _replace(mutant: Mutant) -> None:
    """Replace the module at that path by the mutant."""
    path, original = str(ROOT / mutant.path), importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == path:
            return compile(mutant.tree(Path(path).read_text("utf-8")), path, "exec")
        return original(loader, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[assignment]  # here alone


if __name__ == "__main__":
    sys.exit(main())
