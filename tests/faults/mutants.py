"""Mutation test of the domain and the use cases: `python -m tests.faults.mutants [PATH ...]`.

Each mutant runs in its own process, forked after the import of everything that does not change.
"""

import argparse
import ast
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Final

import hypothesis.stateful  # noqa: F401  # imported before the fork, which saves each mutant the import
import msgspec  # noqa: F401
import pytest

from infra.local.processes import ROOT
from tests.faults.mutations import Mutant, mutants_of

TARGETS: Final = ("chalicelib/domain", "chalicelib/usecases")
TESTS: Final = ("tests/domain", "tests/usecases")
EXPLAINED: Final = ROOT / "infra" / "faults" / "survivors.txt"
SCORE_PERCENT: Final = 90
AT_ONCE: Final = 2
_SURVIVED: Final = 0


def main() -> int:
    """Run the mutants and print the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="*", help="only these files")
    paths = parser.parse_args().paths or sorted(str(path.relative_to(ROOT)) for path in _sources())
    mutants = [mutant for path in paths for mutant in mutants_of(path, (ROOT / path).read_text("utf-8"))]
    if list(_survivors([_unchanged(paths[0])])) == []:
        sys.exit("The tests fail without any mutant: there is nothing to be learned from them.")
    survivors = list(_survivors(mutants))
    explained = EXPLAINED.read_text("utf-8")
    for mutant in survivors:
        print(f"{'survived' if mutant.name in explained else 'SURVIVED, and nobody has said why'}: {mutant.name}")
    killed = len(mutants) - len(survivors)
    print(f"\n{killed} of {len(mutants)} mutants were noticed: {killed * 100 // len(mutants)} %")
    return 0 if killed * 100 >= SCORE_PERCENT * len(mutants) else 1


def _unchanged(path: str) -> Mutant:
    return Mutant(path, "nothing", ast.parse((ROOT / path).read_text("utf-8")))


def _sources() -> Iterator[Path]:
    return (path for target in TARGETS for path in (ROOT / target).glob("*.py") if path.name != "__init__.py")


def _survivors(mutants: Sequence[Mutant]) -> Iterator[Mutant]:
    alive: dict[int, Mutant] = {}
    waiting = list(mutants)
    while waiting or alive:
        while waiting and len(alive) < AT_ONCE:
            mutant = waiting.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_life(mutant))
            alive[child] = mutant
        child, status = os.wait()
        mutant = alive.pop(child)
        is_noticed = status != _SURVIVED
        print("." if is_noticed else "S", end="", file=sys.stderr, flush=True)
        if not is_noticed:
            yield mutant


def _life(mutant: Mutant) -> int:
    """Run the tests against one mutant, those of its own file first."""
    os.chdir(ROOT)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    _replace(mutant)
    own = sorted(str(path) for test in TESTS for path in Path(test).glob(f"test_{Path(mutant.path).stem}*.py"))
    arguments = ["-x", "-q", "--timeout=20", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    # Its own tests run first and alone, because they kill most mutants.
    if own and pytest.main([*arguments, *own]) != 0:
        return 1
    return int(pytest.main([*arguments, *TESTS]) != 0)


def _replace(mutant: Mutant) -> None:
    """Replace the module at that path by the mutant."""
    path, original = str(ROOT / mutant.path), importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == path:
            tree: ast.Module = mutant.tree
            return compile(tree, path, "exec")
        return original(loader, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[assignment]  # here alone


if __name__ == "__main__":
    sys.exit(main())
