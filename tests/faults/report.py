"""Report of the proof: its table, which tests/README.md shows, and the expected time to its end."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from tests.faults.jobs import Job
from tests.faults.work import Piece

KINDS: Final = ("lost", "doubled", "unhandled", "broken")
SHOWN: Final = 20

_TABLE: Final = re.compile(r"^[^\n]* took [\d,]+ s:\n\n```text\n.*?\n```$", re.DOTALL | re.MULTILINE)
"""The table in tests/README.md, and the line with its time."""


def added_up(pieces: Iterable[Piece]) -> list[Piece]:
    """Group the pieces by heading, the longest heading first."""
    sums: dict[str, Piece] = {}
    for piece in pieces:
        total = sums.setdefault(piece.heading, Piece(piece.heading))
        total.tried += piece.tried
        total.points += piece.points
        total.sampled += piece.sampled
        total.seconds += piece.seconds
        total.by_kind += piece.by_kind
        total.seeds += piece.seeds
        total.skipped = piece.skipped
    return sorted(sums.values(), key=lambda piece: piece.seconds, reverse=True)


def table(pieces: Sequence[Piece]) -> str:
    """Write a line for each heading, and the sums."""
    lines = [f"{'':<34}{'tried':>10}" + "".join(f"{kind:>11}" for kind in KINDS)]
    for piece in pieces:
        counts = "".join(f"{piece.by_kind[kind]:>11}" for kind in KINDS)
        points = f"  ({piece.points} calls, each hit)" if piece.points else ""
        points += f"  ({piece.sampled} triples sampled)" if piece.sampled else ""
        lines.append(f"{piece.heading:<34}" + (piece.skipped or f"{piece.tried:>10,}{counts}{points}"))
    total: Counter[str] = sum((piece.by_kind for piece in pieces), Counter())
    lost, doubled, unhandled, broken = (total[kind] for kind in KINDS)
    lines += ["", f"{lost} lost, {doubled} doubled, {unhandled} unhandled, {broken} invariants broken"]
    return "\n".join(lines)


def durations(pieces: Sequence[Piece], seconds: float) -> str:
    """Write the time of each heading and of the whole run."""
    each = ", ".join(f"{piece.heading} {piece.seconds:.0f}" for piece in pieces)
    return f"{seconds:.0f} s; by heading, in one process: {each}"


def with_table(readme: str, table: str, seconds: float) -> str:
    """Replace the table and the line with its time in the text of tests/README.md."""
    renewed, times = _TABLE.subn(f"A whole run on two cores took {seconds:,.0f} s:\n\n```text\n{table}\n```", readme)
    assert times == 1
    return renewed


def seconds_left(finished: Iterable[Job], others: Iterable[Job], elapsed: float, processes: int) -> float:
    """Estimate the time until the end from the expected seconds of the jobs and the pace so far."""
    expected = sum(job.seconds for job in finished)
    pace = elapsed / expected if expected else 1 / processes
    return pace * sum(job.seconds for job in others)
