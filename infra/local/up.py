"""`make up`: start the local cloud and leave it running. `make down` stops it."""

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from infra.local.facts import StackFacts
from infra.local.processes import StartError
from infra.local.progress import ProgressConsole
from infra.local.registry import Registry, StackInUseError
from infra.local.stack import DIRECTORY, start_stack, stop_stack

WORKERS = 4


def main() -> int:
    """Start the stack unless it is running. Returns the exit code: 0, 1 after a failure, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.up", description=__doc__)
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="directory of the stack's files")
    parser.add_argument(
        "--workers", type=int, choices=range(1, 9), default=WORKERS, help="number of function workers to warm"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    with ProgressConsole() as console:
        try:
            _bring_up(options.dir.resolve(), options.workers, console)
        except KeyboardInterrupt:
            return 130
        except (StartError, StackInUseError) as failure:
            console.print(f"The local cloud did not start: {failure}", "red")
            return 1
    return 0


def _bring_up(directory: Path, workers: int, console: ProgressConsole) -> None:
    registry, facts = Registry(directory), StackFacts.read(directory)
    if facts and all(process.is_alive() for process in registry.processes()):
        _show("The local cloud is already up", facts, console)
        return
    if registry.is_claimed():
        if registry.owner_lives():
            raise StackInUseError(f"another program is starting one in {directory}")
        console.print("Cleaning up after a stack that crashed ...")
        stop_stack(directory)
    facts = start_stack(directory, console.step, workers)
    _show(f"The local cloud is up after {console.elapsed_seconds:.0f} s", facts, console)


def _show(headline: str, facts: StackFacts, console: ProgressConsole) -> None:
    console.print(headline, "bold green")
    console.print(f"  shop   {facts.shop_url}\n  API    {facts.api_url}/v1\n  Stripe {facts.stripe_api_url}")
    console.print("A token for a fan called ada:", "bold")
    console.print(f"  curl -s -d sub=ada {facts.issuer_url}/token")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
