"""Count requests, write units and modules, and measure CPU time as ratios.

`python -m tests.bench [--smoke] [--json FILE]` exits with 1 if a count differs from its limit. A ratio above its limit
is reported only, because CPU time depends on the machine. A full run writes `.local/figures/bench.json`.
"""

import argparse
import json
import signal
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.package import build, chalice_alone
from tests.bench import cold, counts, libraries, modules, warm
from tests.bench.children import Children
from tests.bench.first_release import NotAvailable, first_release
from tests.bench.flows import Flows
from tests.bench.report import Row, exit_code, figures, show, write_json
from tests.bench.stack import running_stack
from tests.house.figures import MEASURED
from tests.house.source import ROOT


@dataclass(frozen=True, slots=True)
class Plan:
    """Repetitions, and if the packages that take a minute to build are measured too. 0 rounds: no cold starts."""

    rounds: int = cold.ROUNDS
    warm_calls: int = warm.CALLS
    warm_up: int = warm.WARM_UP
    has_comparisons: bool = True


SMOKE = Plan(rounds=0, warm_calls=1, warm_up=1, has_comparisons=False)
"""The modules are counted in processes that start as the measured cold starts do."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all rows to FILE")
    parser.add_argument("--smoke", action="store_true", help="checks the counts, and times one call")
    arguments = parser.parse_args()
    # Exit by an exception, which ends the child processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="coinpurse-bench-") as directory:
        sections = run(Path(directory), SMOKE if arguments.smoke else Plan())
    show(sections)
    if arguments.json:
        arguments.json.write_text(write_json(sections))
    if not arguments.smoke:
        (ROOT / MEASURED).mkdir(parents=True, exist_ok=True)
        (ROOT / MEASURED / "bench.json").write_text(json.dumps(figures(sections), indent=2) + "\n")
    return exit_code(sections)


def run(directory: Path, plan: Plan) -> Mapping[str, Sequence[Row]]:
    """Measure everything, in sections.

    Args:
        directory: for temporary files.
        plan: how often to measure.
    """
    _log("packaging")
    package = build("local")
    ours = _unpack(package.code, directory / "ours")
    packages, missing = cold.Packages(ours), ""
    if plan.has_comparisons:
        floor, missing = _floor(directory)
        packages = cold.Packages(ours, floor, _unpack(chalice_alone("local", directory), directory / "alone"))
    sections: dict[str, Sequence[Row]] = {}
    with running_stack(directory, package) as stack, stack.environment_applied():
        flows = Flows(stack, "bench-fan")
        children = Children(stack.environment, directory / "children")
        _log("counting")
        sections["Counts"] = counts.rows(stack, flows)
        imported = list(modules.rows(stack, flows, children, ours))
        sections["Modules imported from the package by the first response"] = imported
        if plan.rounds:
            _log(f"measuring cold starts, {plan.rounds} rounds")
            calls = cold.Calls(stack, flows, plan.rounds)
            started = cold.rows(calls, children, packages, plan.rounds)
            without_floor = f"; no floor: {missing}" if missing else ""
            sections[f"CPU time, median of {plan.rounds} fresh processes{without_floor}"] = started
            for path in _missed(started):
                _log(f"measuring imports of the cold {path}")
                title = f"Import time of the cold {path} by library, whose limit is not met"
                sections[title] = list(libraries.rows(path, calls, children, ours))
        _log(f"measuring {plan.warm_calls} warm calls of each path")
        warmed = list(warm.rows(flows, children, ours, directory, plan.warm_calls, plan.warm_up))
        sections[f"CPU time, median of {plan.warm_calls} calls in one process"] = warmed
        for path in _missed(warmed):
            title = f"Profile of the warm {path} by library, whose limit is not met"
            sections[title] = list(libraries.shares(warm.profile(path, directory), ours))
    return sections


def _missed(rows: Sequence[Row]) -> list[str]:
    return [row.path for row in rows if row.path and row.verdict == "NOT MET"]


def _floor(directory: Path) -> tuple[cold.Floor | None, str]:
    """Package the first release. Returns its floor, or None and the reason."""
    _log("packaging the first release")
    try:
        release = first_release()
    except NotAvailable as error:
        return None, str(error)
    return cold.Floor(_unpack(release.code, directory / "first"), release.program), ""


def _unpack(archive: Path, target: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
    return target


def _log(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
