"""`make demo`: follow a purchase and a gift through a temporary local cloud."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from infra.local.client import Fan, UnexpectedError
from infra.local.facts import StackFacts
from infra.local.options import Options
from infra.local.processes import StartError
from infra.local.progress import ProgressConsole
from infra.local.stack import temporary_stack
from infra.local.story import STEPS, Step, Story
from infra.local.subscriber import subscriber

_WORKERS = 3

_INTRODUCTION = """\
This starts the whole system on this machine, follows a coin from the payment to the creator, and removes it all again.
It takes about half a minute, on a busy machine a few. Step 7 waits on purpose: a streak ends when its taps pause."""


def main() -> int:
    """Run the demo. Returns the exit code: 0, 1 after a failure (printed), or 130 after Ctrl-C."""
    signal.signal(signal.SIGTERM, _leave)
    with ProgressConsole() as console:
        console.print(_INTRODUCTION)
        try:
            with temporary_stack("demo", console.step, Options(workers=_WORKERS)) as facts, _new_story(facts) as story:
                console.print(f"The local cloud is up after {console.elapsed_seconds:.1f} s.\n", "bold")
                for number, step in enumerate(STEPS, 1):
                    _run_step(number, step, story, console)
        except KeyboardInterrupt:
            return 130
        except (StartError, UnexpectedError) as failure:
            console.print(f"\nFailed: {failure}", "bold red")
            return 1
        console.print(f"\nAll invariants hold. Finished in {console.elapsed_seconds:.1f} s.", "bold green")
    return 0


@contextmanager
def _new_story(facts: StackFacts) -> Iterator[Story]:
    with subscriber(facts) as overlay:
        yield Story(facts, overlay, fan=Fan(facts, "ada"), creator_id="grace")


def _run_step(number: int, step: Step, story: Story, console: ProgressConsole) -> None:
    console.print(f"{number}  {step.__doc__}", "bold")
    started = time.monotonic()
    for line in step(story):
        console.print(f"   {line}")
    console.print(f"   {(time.monotonic() - started) * 1000:.0f} ms", "dim")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
