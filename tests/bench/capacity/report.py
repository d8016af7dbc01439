"""The capacity table, as printed and as in infra/README.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.capacity.creators import MOST, STREAM_SHARDS, Popular
from tests.bench.capacity.measures import FUNCTIONS, Capacity
from tests.bench.capacity.reconcile import Reconciling

README: Final = Path(__file__).resolve().parents[3] / "infra" / "README.md"
BEGIN: Final = "<!-- capacity: written by `python -m tests.bench.capacity --readme` -->"
END: Final = "<!-- end of capacity -->"
_COLUMNS: Final = ("worker", "holds", "limited by", "1/s", "10/s", "100/s", "1,000/s", "messages per entry")

_POPULAR: Final = ("`CreatorLanes`", *(f"{shards} of the stream" for shards in STREAM_SHARDS), "naive design")


def rendered(figures: Any) -> str:
    """Render the figures as Markdown."""
    rows = [Capacity(**row).cells() for row in figures["workers"]]
    return "\n".join(
        [
            f"Figures of each worker with at most {FUNCTIONS} functions at the same time. Columns with rates: the time",
            "until it has made up for an outage of an hour at that rate of entries.",
            "",
            *table(_COLUMNS, rows),
            "",
            *Reconciling(**figures["reconcile"]).lines(),
            "",
            f"Gifts a second to one creator in a burst of {MOST:,} a second at most (with one shard 700), by the",
            "creator's shards and those of the table's stream. The naive design writes the creator in the sender's",
            "transaction; the fan must repeat a gift that it refuses.",
            "",
            *table(_POPULAR, [Popular(**row).cells() for row in figures["creators"]]),
        ]
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Render a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def section_of(readme: str) -> str:
    """Return the text between the markers."""
    return readme.partition(BEGIN)[2].partition(END)[0].strip()


def update_readme(figures: Any) -> None:
    """Write the figures between the markers."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{rendered(figures)}\n\n{END}{after}")
