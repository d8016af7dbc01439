"""The Markdown files of the project, and how their parts are read: sections, tables, links, commands."""

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house.source import ROOT

PROGRAMS = frozenset(
    {"aws", "cat", "cp", "curl", "grep", "make", "openssl", "pre-commit", "rm", "sed", "stripe", "tee"}
)
"""Programs that a reader has, or is asked to install."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_FUNCTION = re.compile(r"^\s*(\w+)\(\) \{", re.MULTILINE)
_WORD = re.compile(r"^\s*(?:\w+\(\) \{ )?([\w./-]+)(?= |$)")


@cache
def documents() -> dict[str, str]:
    """Read every Markdown file, by its path from the root."""
    folders = (ROOT / name for name in ("chalicelib", "infra", "tests"))
    paths = [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted(paths)}


def section(path: str, heading: str) -> str:
    """Return the text below a heading of the second level."""
    return documents()[path].split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def table(path: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its header."""
    lines = section(path, heading).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    end = next((place for place in range(start, len(lines)) if not lines[place].startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[start + 2 : end]]


def first_column(path: str, heading: str) -> list[str]:
    """Return the first cells of that table, without backticks."""
    return [row[0].strip("` ") for row in table(path, heading)]


def without_blocks(text: str) -> str:
    """Return a document with its fenced blocks blanked out, line by line."""
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def shell_blocks(text: str) -> list[str]:
    """Return the fenced blocks that a reader copies into a shell."""
    return [body for _, language, body in _FENCE.findall(text) if language == "sh"]


def broken_links(path: str, text: str) -> list[str]:
    """List the relative links whose file or heading does not exist."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)) if not _resolves(path, link)]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unknown_commands(text: str) -> Iterator[str]:
    """Find what the shell blocks start that does not exist, and functions that hide a program."""
    blocks = shell_blocks(text)
    functions = {name for block in blocks for name in _FUNCTION.findall(block)}
    yield from (f"{name} hides a program" for name in functions if name in PROGRAMS or shutil.which(name))
    for line in (line for block in blocks for line in block.splitlines()):
        found = _WORD.match(line.split("; ", 1)[0])
        if "=" not in line.split(" ")[0] and found and not _is_known(found[1], functions):
            yield found[1]
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = re.findall(r"(?:`|^\s*)make ([a-z][a-z-]*)", text, re.MULTILINE)
    yield from (f"make {target}" for target in made if target not in targets)
    for module in re.findall(r"python -m ([\w.]+)", text):
        place = ROOT / module.replace(".", "/")
        if module != "pytest" and not (place.with_suffix(".py").exists() or (place / "__main__.py").exists()):
            yield f"python -m {module}"


def _is_known(command: str, functions: set[str]) -> bool:
    return command in PROGRAMS | functions or command == ".venv/bin/python"


def _resolves(path: str, link: str) -> bool:
    if link.startswith(("https://", "mailto:")):
        return True
    name, _, anchor = link.partition("#")
    target = (ROOT / Path(path).parent / name).resolve() if name else ROOT / path
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target.read_text("utf-8")))
