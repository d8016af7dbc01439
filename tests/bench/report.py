"""Rows of figures with their limits, as a table and as JSON."""

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
_COLUMNS = ("figure", "value", "unit", "limit", "")


@dataclass(frozen=True, slots=True)
class Limit:
    """The value that a figure must have (`=`) or must not exceed (`<=`)."""

    relation: str
    value: float

    def is_met(self, value: float) -> bool:
        """Check a figure's value."""
        return _HOLDS[self.relation](value, self.value)

    def __str__(self) -> str:
        return f"{self.relation} {number(self.value)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure."""

    title: str
    value: float
    unit: str
    is_counted: bool
    """It is the same in every run. Other figures depend on the machine."""
    limit: Limit | None = None
    name: str = ""
    """Its name among the figures of the house; "" if it is none of them."""
    path: str = ""
    """The path whose time it compares with its limit; "" for other figures."""

    @property
    def verdict(self) -> str:
        """Return `ok`, `NOT MET`, or "" without a limit."""
        if self.limit is None:
            return ""
        return "ok" if self.limit.is_met(self.value) else "NOT MET"

    @property
    def is_failure(self) -> bool:
        """Check if a count misses its limit. CPU time may miss one because of the machine."""
        return self.is_counted and self.verdict == "NOT MET"

    def cells(self) -> tuple[str, ...]:
        """Format the row for the table."""
        return (self.title, number(self.value), self.unit, str(self.limit or ""), self.verdict)

    def to_json(self) -> dict[str, object]:
        """Convert the row to a JSON object."""
        fields: dict[str, object] = {"title": self.title, "value": self.value, "unit": self.unit}
        fields |= {"counted": self.is_counted, "limit": str(self.limit) if self.limit else None}
        return fields | {"verdict": self.verdict or None}


def count(title: str, value: float, unit: str, exactly: float | None = None) -> Row:
    """Make a row of a count. Its limit is exact."""
    limit = None if exactly is None else Limit("=", exactly)
    return Row(title=title, value=value, unit=unit, is_counted=True, limit=limit)


def measure(
    title: str, value: float, unit: str, at_most: float | None = None, *, name: str = "", path: str = ""
) -> Row:
    """Make a row that depends on the machine."""
    limit = None if at_most is None else Limit("<=", at_most)
    return Row(title=title, value=value, unit=unit, is_counted=False, limit=limit, name=name, path=path)


def figures(sections: Mapping[str, Iterable[Row]]) -> dict[str, float]:
    """Select the figures of the house, by name."""
    return {row.name: round(row.value, 2) for rows in sections.values() for row in rows if row.name}


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """Divide the medians."""
    return median(times) / median(base)


def number(value: float) -> str:
    """Format whole numbers as they are, others with three digits."""
    return str(int(value)) if value == int(value) else f"{value:.3g}"


def show(sections: Mapping[str, Sequence[Row]]) -> None:
    """Print the table, with colors if stdout is a terminal."""
    if sys.stdout.isatty():
        _show_rich(sections)
    else:
        print("\n".join(plain(sections)))


def plain(sections: Mapping[str, Sequence[Row]]) -> list[str]:
    """Format the table as lines of text."""
    table = [row.cells() for rows in sections.values() for row in rows] + [_COLUMNS]
    widths = [max(len(cells[place]) for cells in table) for place in range(len(_COLUMNS))]
    lines: list[str] = []
    for title, rows in sections.items():
        lines += ["", title, _line(_COLUMNS, widths), _line(["-" * width for width in widths], widths)]
        lines += [_line(row.cells(), widths) for row in rows]
    return lines


def write_json(sections: Mapping[str, Sequence[Row]]) -> str:
    """Convert all sections to JSON."""
    return json.dumps({title: [row.to_json() for row in rows] for title, rows in sections.items()}, indent=2) + "\n"


def exit_code(sections: Mapping[str, Iterable[Row]]) -> int:
    """Return 1 if a count misses its limit, else 0."""
    return int(any(row.is_failure for rows in sections.values() for row in rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    # Align values to the right, all other columns to the left.
    aligned = [
        cell.rjust(width) if place == 1 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _show_rich(sections: Mapping[str, Sequence[Row]]) -> None:
    for title, rows in sections.items():
        table = Table(title=title, title_justify="left", expand=False)
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column == "value" else "left")
        for row in rows:
            table.add_row(*row.cells(), style="bold red" if row.verdict == "NOT MET" else "")
        Console().print(table)
