"""What was measured: rows, each with what was promised where something was, as a table and as JSON."""

import json
import operator
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from rich.console import Console
from rich.table import Table

_HOLDS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType({"=": operator.eq, "<=": operator.le})
_COLUMNS = ("what", "figure", "unit", "promise", "")


@dataclass(frozen=True, slots=True)
class Promise:
    """What a figure must be. `relation` is `=` or `<=`."""

    relation: str
    limit: float

    def is_kept(self, figure: float) -> bool:
        """Whether the figure is as promised."""
        return _HOLDS[self.relation](figure, self.limit)

    def __str__(self) -> str:
        return f"{self.relation} {number(self.limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `counted`: an integer that is the same at every run; the others depend on the machine."""

    what: str
    figure: float
    unit: str
    counted: bool
    promise: Promise | None = None

    @property
    def verdict(self) -> str:
        """`ok`, `NOT MET`, or nothing where nothing was promised."""
        if self.promise is None:
            return ""
        return "ok" if self.promise.is_kept(self.figure) else "NOT MET"

    @property
    def is_broken(self) -> bool:
        """Whether a counted promise is broken: that is a fault, where CPU may be the machine's mood."""
        return self.counted and self.verdict == "NOT MET"

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        return (self.what, number(self.figure), self.unit, str(self.promise or ""), self.verdict)

    def to_json(self) -> dict[str, object]:
        """The row as JSON has it."""
        facts: dict[str, object] = {"what": self.what, "figure": self.figure, "unit": self.unit}
        facts |= {"counted": self.counted, "promise": str(self.promise) if self.promise else None}
        return facts | {"verdict": self.verdict or None}


def count(what: str, figure: float, unit: str, promised: float | None = None) -> Row:
    """A row of the counted part. What is promised is promised exactly."""
    promise = None if promised is None else Promise("=", promised)
    return Row(what=what, figure=figure, unit=unit, counted=True, promise=promise)


def measure(what: str, figure: float, unit: str, at_most: float | None = None) -> Row:
    """A row that depends on the machine."""
    promise = None if at_most is None else Promise("<=", at_most)
    return Row(what=what, figure=figure, unit=unit, counted=False, promise=promise)


def ratio(times: Sequence[float], yardstick: Sequence[float]) -> float:
    """How many times the yardstick's median the median is."""
    return median(times) / median(yardstick)


def number(figure: float) -> str:
    """Whole numbers as such, others with three digits."""
    return str(int(figure)) if figure == int(figure) else f"{figure:.3g}"


def show(sections: Mapping[str, Sequence[Row]]) -> None:
    """Print the table: with colors on a terminal, plain elsewhere."""
    if sys.stdout.isatty():
        _show_rich(sections)
    else:
        print("\n".join(plain(sections)))


def plain(sections: Mapping[str, Sequence[Row]]) -> list[str]:
    """The table's lines."""
    table = [row.cells() for rows in sections.values() for row in rows] + [_COLUMNS]
    widths = [max(len(cells[place]) for cells in table) for place in range(len(_COLUMNS))]
    lines: list[str] = []
    for title, rows in sections.items():
        lines += ["", title, _line(_COLUMNS, widths), _line(["-" * width for width in widths], widths)]
        lines += [_line(row.cells(), widths) for row in rows]
    return lines


def write_json(sections: Mapping[str, Sequence[Row]]) -> str:
    """All sections as JSON."""
    return json.dumps({title: [row.to_json() for row in rows] for title, rows in sections.items()}, indent=2) + "\n"


def exit_code(sections: Mapping[str, Iterable[Row]]) -> int:
    """1 if a counted promise is broken, else 0: a slow machine breaks nothing."""
    return int(any(row.is_broken for rows in sections.values() for row in rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    # Figures stand under each other by their last digit, everything else by its first letter.
    aligned = [
        cell.rjust(width) if place == 1 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _show_rich(sections: Mapping[str, Sequence[Row]]) -> None:
    for title, rows in sections.items():
        table = Table(title=title, title_justify="left", expand=False)
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column == "figure" else "left")
        for row in rows:
            table.add_row(*row.cells(), style="bold red" if row.verdict == "NOT MET" else "")
        Console().print(table)
