"""`make demo`: tell the way of a coin on a stack of its own, and clear it away again."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from infra.local.client import Fan, UnexpectedError
from infra.local.facts import StackFacts
from infra.local.narrator import Narrator
from infra.local.processes import StartError
from infra.local.stack import borrowed_stack
from infra.local.story import STEPS, Step, Story
from infra.local.subscriber import subscriber

_WORKERS = 3

_INTRODUCTION = """\
This starts the whole system on this machine, follows a coin from the payment to the creator, and removes it all again.
It takes about half a minute, on a busy machine a few. The streak waits on purpose: it ends when its taps pause."""


def main() -> int:
    """Exit code 0 when the story ended well; else 1, and what broke was said."""
    signal.signal(signal.SIGTERM, _leave)
    with Narrator() as narrator:
        narrator.print(_INTRODUCTION)
        try:
            with borrowed_stack("demo", narrator.step, _WORKERS) as facts, _opening(facts) as story:
                narrator.print(f"The local cloud is up after {narrator.elapsed_seconds:.1f} s.\n", "bold")
                for number, step in enumerate(STEPS, 1):
                    _tell(number, step, story, narrator)
        except KeyboardInterrupt:
            return 130
        except (StartError, UnexpectedError) as failure:
            narrator.print(f"\nThis broke: {failure}", "bold red")
            return 1
        narrator.print(f"\nAll invariants hold. Told in {narrator.elapsed_seconds:.1f} s.", "bold green")
    return 0


@contextmanager
def _opening(facts: StackFacts) -> Iterator[Story]:
    with subscriber(facts) as overlay:
        yield Story(facts, overlay, fan=Fan(facts, "ada"), creator_id="grace")


def _tell(number: int, step: Step, story: Story, narrator: Narrator) -> None:
    narrator.print(f"{number}  {step.__doc__}", "bold")
    started = time.monotonic()
    for line in step(story):
        narrator.print(f"   {line}")
    narrator.print(f"   {(time.monotonic() - started) * 1000:.0f} ms", "dim")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
