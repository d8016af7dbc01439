"""Counts of literary turns and of question-word openings in docstrings and comments.

`python -m tests.house.language` prints the table by room, `--list PLACE` each turn with its line, `--first-words` each
docstring whose first word the law forbids, and `--ratchet` writes the measured figures as the new allowances.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.documents import without_blocks
from tests.house.source import ROOT, nodes

TURNS = Path(__file__).with_name("literary_turns.txt")
ALLOWANCES = Path(__file__).with_name("language_allowances.txt")
FORBIDDEN_OPENERS = ("What", "How", "Whether", "Who", "That", "Where")
COUNTED_OPENERS = (*FORBIDDEN_OPENERS, "Whose", "Whatever", "Whoever")
MOST_PER_THOUSAND = 1.0
AREAS = ("chalicelib", "infra", "tests")

_SUFFIXES = (".py", ".js", ".css", ".yaml", ".html")
_PRAGMA = re.compile(
    r"(type: ignore(\[[\w, -]*\])?|noqa(: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)?|fmt: ?(on|off|skip)|pragma: ?no \w+)"
)
_CODE = re.compile(r"``.*?``|`[^`]*`|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_HASH = re.compile(r"(?:^|(?<=\s))#+[ !]?(.*)$", re.MULTILINE)
_BLOCK = re.compile(r"/\*(.*?)\*/|<!--(.*?)-->|^\s*//(.*?)$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Prose:
    """A docstring or a run of comments, with code spans blanked out. `line` is its first line in the file."""

    path: str
    line: int
    text: str
    is_docstring: bool

    @property
    def first_word(self) -> str:
        """The word that the text opens with."""
        found = re.match(r"\s*([A-Za-z]+)", self.text)
        return found[1] if found else ""


@dataclass(frozen=True)
class Hit:
    """A literary turn at its place."""

    path: str
    line: int
    phrase: str


@dataclass
class Figures:
    """The counts of one room."""

    words: int = 0
    turns: int = 0
    docstrings: int = 0
    openers: int = 0

    @property
    def per_thousand(self) -> float:
        """Literary turns per 1,000 words."""
        return 1000 * self.turns / self.words if self.words else 0.0


@dataclass(frozen=True)
class Allowance:
    """The ceilings of a room whose prose is not rewritten yet."""

    per_thousand: float
    openers: int


def prose_of(path: str, source: str) -> list[Prose]:
    """Read the docstrings and comments out of one file, chosen by its suffix."""
    if path.endswith(".py"):
        return [*_docstrings(path, source), *_python_comments(path, source)]
    if path.endswith((".yaml", "Makefile", "run")):
        return [_comment(path, source, found.start(), found[1]) for found in _HASH.finditer(source)]
    if path.endswith(".md"):
        return [_comment(path, source, 0, without_blocks(source))]
    return [
        _comment(path, source, found.start(), found[1] or found[2] or found[3] or "")
        for found in _BLOCK.finditer(source)
    ]


def turns_in(texts: Iterable[Prose]) -> Iterator[Hit]:
    """Find every literary turn."""
    for prose in texts:
        for found in _turns().finditer(prose.text):
            line = prose.line + prose.text.count("\n", 0, found.start())
            yield Hit(prose.path, line, " ".join(found[0].split()))


def openers_in(texts: Iterable[Prose]) -> list[Prose]:
    """Find the docstrings that open with a forbidden word."""
    return [prose for prose in texts if prose.is_docstring and prose.first_word in FORBIDDEN_OPENERS]


def count(texts: Iterable[Prose]) -> dict[str, Figures]:
    """Add up the figures of each room."""
    rooms: dict[str, Figures] = {}
    for prose in texts:
        figures = rooms.setdefault(room_of(prose.path), Figures())
        figures.words += len(_WORD.findall(prose.text))
        figures.turns += sum(1 for _ in turns_in([prose]))
        figures.docstrings += prose.is_docstring
        figures.openers += len(openers_in([prose]))
    return dict(sorted(rooms.items()))


def room_of(path: str) -> str:
    """Name the room of a file: a folder below an area, a module of chalicelib, or the area itself."""
    parts = path.split("/")
    if parts[0] not in AREAS:
        return path
    if len(parts) > 2:
        return "/".join(parts[:2])
    return path.removesuffix(".py").removesuffix("/__init__") if parts[0] == "chalicelib" else parts[0]


@cache
def by_room(root: Path = ROOT) -> dict[str, Figures]:
    """Count a whole checkout. Callers must not change the result."""
    return count(all_prose(root))


def all_prose(root: Path = ROOT) -> list[Prose]:
    """Read the docstrings and comments of a whole checkout."""
    paths = [root / "app.py", root / "Makefile", root / ".ci/run"]
    paths += [path for area in AREAS for path in sorted((root / area).rglob("*")) if path.suffix in _SUFFIXES]
    return [prose for path in paths for prose in prose_of(str(path.relative_to(root)), path.read_text())]


def allowances() -> dict[str, Allowance]:
    """Read the ceilings of the rooms that are not rewritten yet."""
    lines = [line.split() for line in ALLOWANCES.read_text().splitlines() if line and not line.startswith("#")]
    return {room: Allowance(float(per_thousand), int(openers)) for room, per_thousand, openers in lines}


@cache
def _turns() -> re.Pattern[str]:
    lines = [line for line in TURNS.read_text().splitlines() if line and not line.startswith("#")]
    patterns = [(line if line.startswith("'") else rf"\b{line}").replace(" ", r"\s+") for line in lines]
    return re.compile("|".join(rf"(?:{pattern})\b" for pattern in patterns), re.IGNORECASE)


def _docstrings(path: str, source: str) -> Iterator[Prose]:
    # Attribute docstrings are bare strings, too, which `ast.get_docstring` does not return.
    for node in nodes(source, ast.Expr):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Prose(path, node.lineno, _plain(node.value.value), is_docstring=True)


def _python_comments(path: str, source: str) -> Iterator[Prose]:
    # A sentence over several lines is one text, so that a turn across a line break is found.
    run: list[str] = []
    start = 0
    if "#" not in source:
        return  # the tokenizer is slow
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if run and token.start[0] != start + len(run):
            yield Prose(path, start, _plain("\n".join(run)), is_docstring=False)
            run = []
        if not run:
            start = token.start[0]
        run.append(_PRAGMA.sub(" ", token.string.lstrip("#!")))
    if run:
        yield Prose(path, start, _plain("\n".join(run)), is_docstring=False)


def _comment(path: str, source: str, offset: int, text: str) -> Prose:
    return Prose(path, source.count("\n", 0, offset) + 1, _plain(text), is_docstring=False)


def _plain(text: str) -> str:
    return _CODE.sub(lambda found: " ` " + "\n" * found[0].count("\n"), text)


def table(rooms: dict[str, Figures]) -> Iterator[str]:
    """Format the figures: the rooms of each area, then its sum, then the sum of everything."""
    yield f"{'room':<30}{'words':>7}{'turns':>7}{'per 1,000':>11}{'docstrings':>12}{'openers':>9}{'share':>8}"
    for area in ("", *AREAS):
        inside = {room: figures for room, figures in rooms.items() if area == _area(room)}
        yield from (_row(room, figures) for room, figures in inside.items())
        if area:
            yield _row(f"= {area}", total(inside.values()))
    yield _row("= everything", total(rooms.values()))


def total(rooms: Iterable[Figures]) -> Figures:
    """Add up the figures of several rooms."""
    summed = Figures()
    for figures in rooms:
        summed.words += figures.words
        summed.turns += figures.turns
        summed.docstrings += figures.docstrings
        summed.openers += figures.openers
    return summed


def _area(room: str) -> str:
    return next((area for area in AREAS if room.split("/", maxsplit=1)[0] == area), "")


def _row(name: str, figures: Figures) -> str:
    share = 100 * figures.openers / figures.docstrings if figures.docstrings else 0.0
    return (
        f"{name:<30}{figures.words:>7}{figures.turns:>7}{figures.per_thousand:>11.1f}"
        f"{figures.docstrings:>12}{figures.openers:>9}{share:>7.1f}%"
    )


def _first_words(texts: list[Prose]) -> Iterator[str]:
    shares = Counter(prose.first_word for prose in texts if prose.is_docstring)
    yield ", ".join(f"{word} {shares[word]}" for word in COUNTED_OPENERS)
    for prose in openers_in(texts):
        yield f"{prose.path}:{prose.line}: {prose.text.split(chr(10))[0]}"


def _ratchet(rooms: dict[str, Figures]) -> None:
    comments = [line for line in ALLOWANCES.read_text().splitlines() if line.startswith("#")]
    lines = [
        f"{room} {figures.per_thousand:.1f} {figures.openers}"
        for room, figures in rooms.items()
        if figures.per_thousand >= MOST_PER_THOUSAND or figures.openers
    ]
    ALLOWANCES.write_text("\n".join([*comments, *lines]) + "\n")


def main(arguments: list[str]) -> None:
    """Print what the arguments choose."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.language", description=__doc__)
    parser.add_argument("--list", metavar="PLACE", help="print each turn in a room, a folder or a file")
    parser.add_argument("--first-words", action="store_true", help="print each docstring with a forbidden first word")
    parser.add_argument("--ratchet", action="store_true", help="write the measured figures as the allowances")
    options = parser.parse_args(arguments)
    texts = all_prose()
    if options.list is not None:
        place = options.list.rstrip("/")
        near = [prose for prose in texts if prose.path.startswith(place) or room_of(prose.path) == place]
        lines = [f"{hit.path}:{hit.line}: {hit.phrase}" for hit in turns_in(near)]
    elif options.first_words:
        lines = list(_first_words(texts))
    else:
        lines = list(table(count(texts)))
    if options.ratchet:
        _ratchet(count(texts))
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main(sys.argv[1:])
