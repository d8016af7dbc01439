"""`make up`: start the local cloud and leave it running. `make down` ends it."""

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from infra.local.facts import StackFacts
from infra.local.narrator import Narrator
from infra.local.processes import StartError
from infra.local.registry import Registry, StackInUseError
from infra.local.stack import DIRECTORY, start_stack, stop_stack

WORKERS = 4


def main() -> int:
    """Bring the stack up, unless it is. Exit code 1 when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.up", description=__doc__)
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="where the stack keeps its files")
    parser.add_argument("--workers", type=int, choices=range(1, 9), default=WORKERS, help="how many to have warm")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    with Narrator() as narrator:
        try:
            _bring_up(options.dir.resolve(), options.workers, narrator)
        except KeyboardInterrupt:
            return 130
        except (StartError, StackInUseError) as failure:
            narrator.print(f"The local cloud did not come up: {failure}", "red")
            return 1
    return 0


def _bring_up(directory: Path, workers: int, narrator: Narrator) -> None:
    registry, facts = Registry(directory), StackFacts.read(directory)
    if facts and all(process.is_alive() for process in registry.processes()):
        _show("The local cloud is already up", facts, narrator)
        return
    if registry.is_claimed():
        if registry.owner_lives():
            raise StackInUseError(f"another program is starting it in {directory}")
        narrator.print("Cleaning up after a stack that ended badly ...")
        stop_stack(directory)
    facts = start_stack(directory, narrator.step, workers)
    _show(f"The local cloud is up after {narrator.elapsed_seconds:.0f} s", facts, narrator)


def _show(headline: str, facts: StackFacts, narrator: Narrator) -> None:
    narrator.print(headline, "bold green")
    narrator.print(f"  shop   {facts.shop_url}\n  API    {facts.api_url}/v1\n  Stripe {facts.stripe_api_url}")
    narrator.print("A token for a fan called ada:", "bold")
    narrator.print(f"  curl -s -d sub=ada {facts.issuer_url}/token")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
