"""Parsed sources for the house rules; never imported."""

import ast
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

ROOT = Path(__file__).parents[2]
NodeT = TypeVar("NodeT", bound=ast.AST)


@dataclass(frozen=True)
class Import:
    """One imported name, in full. `is_lazy`: inside a function; `is_for_types`: the type checker alone sees it."""

    name: str
    line: int
    is_lazy: bool
    is_for_types: bool

    def is_of(self, *packages: str) -> bool:
        """Check for one of these packages or modules, or a name in them."""
        return any(self.name == package or self.name.startswith(f"{package}.") for package in packages)


@cache
def parsed(source: str) -> ast.Module:
    """Parse a source. Rules share the tree and never change it."""
    return ast.parse(source)


def nodes(source: str, kind: type[NodeT]) -> list[NodeT]:
    """List the nodes of one kind in a source, the outer ones first. Callers must not change the list."""
    return cast("list[NodeT]", _nodes_by_kind(source).get(kind, []))


@cache
def _nodes_by_kind(source: str) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    waiting: list[ast.AST] = [parsed(source)]
    for node in waiting:  # as `ast.walk` does, in half of its time
        found.setdefault(type(node), []).append(node)
        for value in vars(node).values():
            if isinstance(value, ast.AST):
                waiting.append(value)  # the walk goes on there
            elif isinstance(value, list):
                waiting += [each for each in value if isinstance(each, ast.AST)]
    gc.freeze()  # the nodes stay until the end, and the collector need not traverse hundreds of thousands again
    return found


def imports(source: str) -> list[Import]:
    """List the imports of a source."""
    return list(_imports(parsed(source), is_lazy=False, is_for_types=False))


def _imports(node: ast.AST, *, is_lazy: bool, is_for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, is_lazy, is_for_types)
        elif isinstance(child, ast.ImportFrom):
            # A relative import gets a name that no room allows.
            module = "." * child.level + (child.module or "")
            for alias in child.names:
                yield Import(f"{module}.{alias.name}", child.lineno, is_lazy, is_for_types)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            is_guard = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from _imports(child, is_lazy=is_lazy or is_function, is_for_types=is_for_types or is_guard)


def python_files(*places: str) -> dict[str, str]:
    """Read Python sources of folders and files, by path from the root."""
    paths = [
        path
        for place in places
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
    ]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


@cache
def tracked_files() -> tuple[Path, ...]:
    """List the tracked files; none without git."""
    if not (ROOT / ".git").exists():
        return ()
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file())
