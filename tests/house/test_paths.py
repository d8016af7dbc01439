"""Every path of the repository that a source, a document or the Makefile names exists."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT, nodes, tracked_files

CREATED = (".local", "build", "chalicelib/__pycache__", "chalicelib/.DS_Store", "chalicelib/catalogues/ours.json")
"""Paths that exist only at run time or in examples."""
ACCEPTED = {
    "infra/bench/programs/bare_stack.py": "a path in the checkout of the first release",
    ".chalice/policy-": "the start of a name",
}
_READ = {"", ".css", ".html", ".js", ".json", ".md", ".mjs", ".py", ".toml", ".yaml", ".yml"}
_PLACES = "|".join(map(re.escape, ("chalicelib", "infra", "tests", ".chalice", ".ci", ".github")))
_PATH = re.compile(rf"(?<![\w./-])((?:{_PLACES})/[\w./-]*[\w/-])(?![\w*{{<\\-])")


def missing_paths(name: str, text: str) -> list[str]:
    """List the paths that a file names and that do not exist, each with its line."""
    named = _in_python(text) if name.endswith(".py") else _in_text(text)
    return [f"{name}:{line}: {path}" for line, path in named if not _is_there(path)]


def _in_text(text: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    for line, content in enumerate(text.splitlines(), first_line):
        yield from ((line, path) for path in _PATH.findall(content))


def _in_python(source: str) -> Iterator[tuple[int, str]]:
    for text in nodes(source, ast.Constant):
        if isinstance(text.value, str):
            yield from _in_text(text.value, text.lineno)
    for node in nodes(source, ast.BinOp):
        if path := _joined(node):
            yield node.lineno, path


def _joined(node: ast.AST) -> str | None:
    """Return the path that `ROOT / "infra" / "local"` joins; None for anything else."""
    if isinstance(node, ast.Name) and node.id == "ROOT":
        return ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
        before, name = _joined(node.left), node.right.value
        return None if before is None or not isinstance(name, str) else f"{before}/{name}".lstrip("/")
    return None


def _is_there(path: str) -> bool:
    return (ROOT / path).exists() or path.startswith(CREATED) or path in ACCEPTED


def test_named_paths_exist() -> None:
    # tests/house has examples of paths, figures_before.json the rooms of the first release.
    texts = {
        name: file.read_text("utf-8")
        for file in tracked_files()
        if file.suffix in _READ and not (name := str(file.relative_to(ROOT))).startswith(("tests/house/", ".gitignore"))
    }
    assert [missing for name, text in texts.items() for missing in missing_paths(name, text)] == []


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        (
            "a.py",
            'FILE = ROOT / "infra" / "faults" / "survivors.txt"\n',
            ["infra/faults", "infra/faults/survivors.txt"],
        ),
        ("a.py", 'FILES = ("tests/http", "tests/web")\n', ["tests/web"]),
        ("Makefile", "\t@python infra/boot.py infra/bootstrap.py infra/*.py\n", ["infra/boot.py"]),
        ("a.md", "`infra/README.md`, `infra/local/x.py`, `.chalice/policy-<function>.json`\n", ["infra/local/x.py"]),
    ],
)
def test_missing_path_is_found(name: str, text: str, missing: list[str]) -> None:
    assert sorted(found.split(": ")[1] for found in missing_paths(name, text)) == missing
