"""The figures of the house, beside those of an earlier release.

`python -m tests.house.figures --against FILE` prints both and fails if a figure is worse for which
`figures_worse.json` has no reason, or is beyond the limit stated there. `--root DIR` measures another checkout,
`--save FILE` keeps the figures. What takes minutes to measure is read from `.local/figures/*.json`, where `make test`,
`make unit`, `make bench`, `make planted` and `make mutants` write `{"<figure>": <number>, ...}`.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.house import language
from tests.house.source import ROOT, imports

MEASURED = Path(".local/figures")
WORSE = Path(__file__).with_name("figures_worse.json")


@dataclass(frozen=True)
class Figure:
    """A figure's title, its unit, and which direction is an improvement; None where neither is."""

    title: str
    unit: str = ""
    is_more_better: bool | None = False


COUNTED = {
    "modules": Figure("modules of chalicelib, without __init__"),
    "rooms": Figure("rooms at chalicelib's root"),
    "arrows": Figure("import arrows between these rooms"),
    "app_arrows": Figure("import arrows from app to rooms"),
    "use_case_files": Figure("use-case files"),
    "product_lines": Figure("lines of product"),
    "infra_lines": Figure("lines of infra"),
    "tests_lines": Figure("lines of tests"),
    "readme_bytes": Figure("README.md", "bytes"),
    "turns_chalicelib": Figure("literary turns in chalicelib", "per 1,000 words"),
    "turns_infra": Figure("literary turns in infra", "per 1,000 words"),
    "turns_tests": Figure("literary turns in tests", "per 1,000 words"),
    "openers": Figure("docstrings with a forbidden first word", "% of all"),
}
"""Figures that a checkout alone decides."""

TIMED = {
    "test_wall_seconds": Figure("`make test`, wall time", "s"),
    "test_cpu_seconds": Figure("`make test`, CPU", "s"),
    "tests": Figure("tests of `make test`", is_more_better=None),
    "unit_wall_seconds": Figure("`make unit`, wall time", "s"),
    "cold_gift_ratio": Figure("cold gift", "x floor"),
    "cold_webhook_ratio": Figure("cold webhook", "x floor"),
    "cold_relay_ratio": Figure("cold relay", "x floor"),
    "warm_gift_ratio": Figure("warm gift", "x bare write"),
    "warm_webhook_ratio": Figure("warm webhook", "x bare write"),
    "planted_caught": Figure("planted bugs caught", is_more_better=True),
    "planted_missed": Figure("planted bugs missed"),
    "mutation_score": Figure("mutation score", "%", is_more_better=True),
}
"""Figures that other commands measure."""

Figures = Mapping[str, float]
NO_REASON = f"WORSE. Improve it, or state the reason and a limit in {WORSE.relative_to(ROOT)}"


@dataclass(frozen=True)
class Reason:
    """The reason why a figure is worse than before, and the limit up to which it holds."""

    limit: float
    reason: str


def reasons(file: Path = WORSE) -> dict[str, Reason]:
    """Read the reasons for worse figures, by figure."""
    return {name: Reason(**fields) for name, fields in json.loads(file.read_text()).items()}


def measure(root: Path = ROOT) -> dict[str, float]:
    """Measure a checkout, and add what other commands left in its `.local/figures`."""
    found = counted(root)
    for path in sorted((root / MEASURED).glob("*.json")):
        found |= {name: value for name, value in json.loads(path.read_text()).items() if name in TIMED}
    return found


def counted(root: Path = ROOT) -> dict[str, float]:
    """Count what the files of a checkout show."""
    product = {str(path.relative_to(root)): path.read_text() for path in _product(root)}
    found = arrows(product)
    rooms = language.by_room(root)
    docstrings = language.total(rooms.values())
    return {
        "modules": sum(1 for path in product if path != "app.py" and not path.endswith("__init__.py")),
        "rooms": len({room_of(path) for path in product} - {"", "app"}),
        "arrows": sum(1 for source, _ in found if source != "app"),
        "app_arrows": sum(1 for source, _ in found if source == "app"),
        "use_case_files": sum(1 for path in (root / "chalicelib/usecases").rglob("*.py") if path.stem != "__init__"),
        "product_lines": _lines(_product(root)),
        "infra_lines": _lines((root / "infra").rglob("*.py")),
        "tests_lines": _lines((root / "tests").rglob("*.py")),
        "readme_bytes": (root / "README.md").stat().st_size,
        **{f"turns_{area}": _turns(area, rooms) for area in language.AREAS},
        "openers": round(100 * docstrings.openers / max(docstrings.docstrings, 1), 1),
    }


def room_of(path: str) -> str:
    """Name the module or package directly below chalicelib that a file belongs to, or app; "" for the root itself."""
    parts = path.removesuffix(".py").split("/")
    return parts[0] if len(parts) == 1 else parts[1].removeprefix("__init__")


def arrows(sources: Mapping[str, str]) -> set[tuple[str, str]]:
    """Find the pairs of rooms of which the first imports the second, lazily or not."""
    rooms = {room_of(path) for path in sources} - {""}
    found: set[tuple[str, str]] = set()
    for path, source in sources.items():
        for one in (one for one in imports(source) if not one.is_for_types):
            parts = one.name.split(".")
            target = parts[1] if parts[0] == "chalicelib" and len(parts) > 1 else parts[0]
            if target in rooms and room_of(path) not in {"", target} and parts[0] in {"chalicelib", "app"}:
                found.add((room_of(path), target))
    return found


def is_worse(figure: Figure, before: float | None, after: float | None) -> bool:
    """Check whether a figure moved in the wrong direction. An unmeasured figure did not move."""
    if before is None or after is None or figure.is_more_better is None:
        return False
    return after < before if figure.is_more_better else after > before


def unexplained(after: Figures, before: Figures, known: Mapping[str, Reason]) -> list[str]:
    """List the figures that are worse than before without a reason that covers them."""
    worse = {
        name: figure for name, figure in (COUNTED | TIMED).items() if is_worse(figure, *_both(name, before, after))
    }
    return [
        name for name, figure in worse.items() if name not in known or is_worse(figure, known[name].limit, after[name])
    ]


def table(after: Figures, before: Figures | None = None) -> Iterator[str]:
    """Format the figures, with those of an earlier release beside them."""
    yield _row("figure", "" if before is None else "before", "now")
    for name, figure in (COUNTED | TIMED).items():
        old, new = (before or {}).get(name), after.get(name)
        mark = "  WORSE" if is_worse(figure, old, new) else ""
        yield _row(figure.title, "" if before is None else _cell(old), _cell(new)) + f"  {figure.unit}{mark}".rstrip()


def turns_table(after: Figures, before: Figures) -> Iterator[str]:
    """Format the literary turns by room. Rooms that only one of both has are rows of their own."""
    yield _row("literary turns per 1,000 words", "before", "now")
    for room in sorted({*before, *after}):
        old, new = before.get(room), after.get(room)
        yield _row(room, "" if old is None else _cell(old), "" if new is None else _cell(new))


def turns_by_room(root: Path = ROOT) -> dict[str, float]:
    """Measure the literary turns of each room."""
    rooms = language.by_room(root)
    return {room: round(figures.per_thousand, 1) for room, figures in rooms.items()}


def _both(name: str, before: Figures, after: Figures) -> tuple[float | None, float | None]:
    return before.get(name), after.get(name)


def _row(title: str, before: str, after: str) -> str:
    return f"{title:<42}{before:>14}{after:>14}"


def _cell(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,}"


def _product(root: Path) -> list[Path]:
    return [root / "app.py", *sorted((root / "chalicelib").rglob("*.py"))]


def _lines(paths: Iterable[Path]) -> int:
    return sum(path.read_text().count("\n") for path in paths)


def _turns(area: str, rooms: Mapping[str, language.Figures]) -> float:
    return round(language.total(rooms[room] for room in rooms if room.split("/")[0] == area).per_thousand, 1)


def main(arguments: list[str]) -> int:
    """Print the figures. Returns 1 if one is worse without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.figures", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="FILE", help="the figures of an earlier release")
    parser.add_argument("--root", type=Path, metavar="DIR", default=ROOT, help="the checkout to measure")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    after, turns = measure(options.root), turns_by_room(options.root)
    earlier = json.loads(options.against.read_text()) if options.against else {}
    if earlier:
        print(f"Before: {earlier['source']}\n")
    print("\n".join([*table(after, earlier.get("figures")), "", *turns_table(turns, earlier.get("turns", {}))]))
    if options.save:
        kept = {"source": "", "figures": after, "turns": turns}
        options.save.write_text(json.dumps(kept, indent=2) + "\n")
    known, before = reasons(), earlier.get("figures", {})
    failures = unexplained(after, before, known)
    print()
    for name, figure in (COUNTED | TIMED).items():
        if is_worse(figure, *_both(name, before, after)):
            print(f"{figure.title}: {known[name].reason if name not in failures else NO_REASON}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
