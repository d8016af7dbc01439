"""`python -m tests.bench [--json FILE]`: count, measure, report. Exits with 1 if a counted promise is broken."""

import argparse
import signal
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.package import build, chalice_alone
from tests.bench import cold, counts, modules, warm
from tests.bench.children import Children
from tests.bench.flows import Flows
from tests.bench.report import Row, exit_code, show, write_json
from tests.bench.world import world


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--smoke", action="store_true", help="measure once: the times mean nothing, the counts do")
    arguments = parser.parse_args()
    # What was started has to be ended, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="coinpurse-bench-") as directory:
        sections = run(Path(directory), is_smoke=arguments.smoke)
    show(sections)
    if arguments.json:
        arguments.json.write_text(write_json(sections))
    return exit_code(sections)


def run(directory: Path, *, is_smoke: bool) -> Mapping[str, Sequence[Row]]:
    """Everything that is measured, section by section.

    Args:
        directory: for whatever is needed on the way.
        is_smoke: measure everything once, and nothing as Chalice alone packages it: that takes longest to make.
    """
    rounds, webhooks = (1, 1) if is_smoke else (cold.ROUNDS, warm.WEBHOOKS)
    _say("packaging, and as Chalice alone would")
    package = build("local")
    ours = _unpack(package.code, directory / "ours")
    alone = ours if is_smoke else _unpack(chalice_alone("local", directory), directory / "alone")
    packages = cold.Packages(ours, alone)
    with world(directory, package) as stores, stores.entered():
        flows = Flows(stores, "bench-fan")
        children = Children(stores.environment, directory / "children")
        _say("counting")
        counted = counts.rows(stores, flows)
        imported = list(modules.rows(stores, flows, children, ours))
        _say(f"measuring cold starts, {rounds} rounds")
        started = cold.rows(flows, children, packages, rounds)
        _say(f"measuring {webhooks} warm webhooks")
        warmed = list(warm.rows(flows, children, ours, directory, webhooks))
    return {
        "Counted": counted,
        "Imported by the first answer, out of the package": imported,
        f"CPU, user and system, median of {rounds} fresh processes": started,
        f"CPU, median of {webhooks} in one process": warmed,
    }


def _unpack(archive: Path, target: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
    return target


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
