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
    arguments = parser.parse_args()
    # What was started has to be ended, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="coinpurse-bench-") as directory:
        sections = run(Path(directory))
    show(sections)
    if arguments.json:
        arguments.json.write_text(write_json(sections))
    return exit_code(sections)


def run(directory: Path) -> Mapping[str, Sequence[Row]]:
    """Everything that is measured, section by section.

    Args:
        directory: for whatever is needed on the way.
    """
    _say("packaging, and as Chalice alone would")
    package = build("local")
    ours = _unpack(package.code, directory / "ours")
    packages = cold.Packages(ours, _unpack(chalice_alone("local", directory), directory / "alone"))
    with world(directory, package) as stores, stores.entered():
        flows = Flows(stores, "bench-fan")
        children = Children(stores.environment, directory / "children")
        _say("counting")
        counted = counts.rows(stores, flows)
        imported = list(modules.rows(stores, flows, children, ours))
        _say(f"measuring cold starts, {cold.ROUNDS} rounds")
        started = cold.rows(flows, children, packages)
        _say(f"measuring {warm.WEBHOOKS} warm webhooks")
        warmed = list(warm.rows(flows, children, ours, directory))
    return {
        "Counted": counted,
        "Imported by the first answer, out of the package": imported,
        f"CPU, user and system, median of {cold.ROUNDS} fresh processes": started,
        f"CPU, median of {warm.WEBHOOKS} in one process": warmed,
    }


def _unpack(archive: Path, target: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
    return target


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
