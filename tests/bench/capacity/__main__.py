"""Capacity of the workers, simulated: `python -m tests.bench.capacity`.

Prints the table. `--readme` stores its figures and writes them into infra/README.md, too. Exits with 1 if a figure
misses its requirement.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from tests.bench.capacity import measures, report
from tests.bench.capacity.audit import audit_capacity
from tests.bench.capacity.creators import popular_creators
from tests.bench.capacity.reconcile import reconciling
from tests.bench.capacity.relay import relay_capacity
from tests.bench.capacity.streaks import streaks_capacity
from tests.bench.capacity.sweep import sweep_capacity

LEAST: Final = 1_200
"""Entries a second that each worker must hold: 10^8 a day."""
LONGEST: Final = 120
"""Minutes in which an hour's outage at 100 entries a second must be made up for."""

REFUNDS_MINUTES: Final = 10
FIRST_RUN_HOURS: Final = 24


def simulate(entries: int) -> dict[str, Any]:
    """Run every simulation with this number of entries."""
    workers = [relay_capacity(batches=2), sweep_capacity(entries), streaks_capacity(batches=3), audit_capacity(entries)]
    return {
        "workers": measures.to_json(workers),
        "reconcile": asdict(reconciling(entries // 4)),
        "creators": measures.to_json(popular_creators()),
    }


def missed(figures: Any) -> list[str]:
    """List the requirements that are not met."""
    reconcile = figures["reconcile"]
    late = reconcile["refunds_minutes"] > REFUNDS_MINUTES or max(reconcile["first_run_hours"]) > FIRST_RUN_HOURS
    return [f"reconcile: {reconcile}"] * late + [
        f"{row['worker']}: {row['per_second']:,.0f} {row['unit']}, {row['recovery'][2]} min after an hour at 100/s"
        for row in figures["workers"]
        if row["per_second"] < LEAST or not row["recovery"][2] or row["recovery"][2] > LONGEST
    ]


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--readme", action="store_true", help="store the figures, and write infra/README.md")
    parser.add_argument("--calibrate", action="store_true", help="compare calls and times with MiniStack, and end")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    if options.calibrate:
        from tests.bench.capacity.calibration import calibrate

        return 0 if calibrate() else 1
    figures = simulate(2_000)
    print(report.rendered(figures))
    if options.readme:
        measures.write(figures)
        report.update_readme(figures)
    failures = missed(figures)
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
