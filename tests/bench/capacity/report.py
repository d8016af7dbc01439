"""The capacity table, as printed and as in infra/README.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.capacity.creators import MOST, STREAM_SHARDS, Popular
from tests.bench.capacity.measures import FUNCTIONS, Capacity
from tests.bench.capacity.reconcile import PAYMENTS, REFUNDS
from tests.bench.capacity.relay import STREAM_SHARDS as FEW

README: Final = Path(__file__).resolve().parents[3] / "infra" / "README.md"
BEGIN: Final = "<!-- capacity: written by `python -m tests.bench.capacity --readme` -->"
END: Final = "<!-- end of capacity -->"
_COLUMNS: Final = ("worker", "holds", "at 3 x CPU", "limited by", "1/s", "10/s", "100/s", "1,000/s", "messages")
_CASES: Final = ("reconcile: payments", "a second", "requests to Stripe a second", "limited by")
_POPULAR: Final = ("`CreatorLanes`", *(f"{shards} of the stream" for shards in STREAM_SHARDS), "naive design")


def rendered(figures: Any) -> str:
    """Render the figures as Markdown."""
    rows = [Capacity(**row).cells() for row in figures["workers"]]
    reconcile, default = figures["reconcile"], figures["relay_by_default"]
    every, some, none = reconcile["first_run_hours"]
    cases = [[case, f"{rate:,.1f}", f"{requests:.1f}", limit] for case, rate, requests, limit in reconcile["cases"]]
    return "\n".join(
        [
            f"Figures of each worker with {FUNCTIONS} functions at the same time. Limited by: the cost that raises the",
            "rate most, by that much, when it is halved in a smaller run. Columns with rates: the time until it has",
            "made up for an outage of an hour at that rate of entries. Messages: those of an entry that the worker",
            "publishes; the relay publishes the end of a streak. 3 x CPU: the most that was measured (`--calibrate`).",
            "",
            *table(_COLUMNS, rows),
            "",
            "The relay has a function for each shard of the table's stream, times `RelayParallelization`. With the",
            f"default of 1 and {FEW} shards, assumed for a small table, it holds {default:,.0f} entries a second.",
            "",
            *table(_CASES, cases),
            "",
            f"{REFUNDS:,} lost refund events take {reconcile['refunds_minutes']:.1f} minutes. A first run over 30 days",
            f"with {PAYMENTS:,} payments takes {none:.1f} h; {some:.1f} h if a twentieth of them was refunded,",
            f"{every:.1f} h if all were.",
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
