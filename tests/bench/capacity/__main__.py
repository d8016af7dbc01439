"""Capacity of the workers, simulated: `python -m tests.bench.capacity`.

Prints the table. `--readme` stores its figures and writes them into infra/README.md, too. Exits with 1 if a figure
misses its requirement.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.bench.capacity import measures, report
from tests.bench.capacity.audit import audit_capacity
from tests.bench.capacity.creators import popular_creators
from tests.bench.capacity.reconcile import reconciling
from tests.bench.capacity.relay import relay_by_default, relay_capacity, relay_run
from tests.bench.capacity.streaks import streaks_capacity, streaks_run
from tests.bench.capacity.sweep import sweep_capacity

LEAST: Final = 1_200
"""Entries a second that each worker must hold: 10^8 a day. The sweep must pass them: only an outage makes it repair."""
LONGEST: Final = 120
"""Minutes in which an hour's outage at 100 entries a second must be made up for."""

REFUNDS_MINUTES: Final = 10
FIRST_RUN_HOURS: Final = 24


def simulate(entries: int) -> dict[str, Any]:
    """Run every simulation with this number of entries."""
    workers = [relay_capacity(batches=2), sweep_capacity(entries), streaks_capacity(batches=3), audit_capacity(entries)]
    return {
        "workers": measures.to_json(workers),
        "relay_by_default": relay_by_default(),
        "reconcile": reconciling(entries // 4),
        "creators": measures.to_json(popular_creators()),
        "small": small(),
    }


def small() -> dict[str, list[Any]]:
    """Run two small simulations, which a test compares with the stored figures: seconds, messages and costs."""
    runs = {"relay": relay_run(2, 1), "streaks": streaks_run(1, 1, is_active=False)}
    return {name: [run.seconds, run.messages, *sorted(run.costs)] for name, run in runs.items()}


def missed(figures: Any) -> list[str]:
    """List the requirements that are not met."""
    reconcile = figures["reconcile"]
    late = reconcile["refunds_minutes"] > REFUNDS_MINUTES or max(reconcile["first_run_hours"]) > FIRST_RUN_HOURS
    return [f"reconcile: {reconcile}"] * late + [
        f"{row['worker']}: {row['per_second']:,.0f} {row['unit']}, {row['recovery'][2]} min after an hour at 100/s"
        for row in figures["workers"]
        if row["per_second"] < LEAST or row["recovery"][2] is None or row["recovery"][2] > LONGEST
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
    began = time.monotonic()
    figures = simulate(2_000)
    print(report.rendered(figures))
    print(f"\nsimulated in {time.monotonic() - began:.0f} s")
    if options.readme:
        measures.FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        report.update_readme(figures)
    failures = missed(figures)
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
