"""`make demo`: tell the way of a coin on a stack of its own, and clear it away again."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console

from infra.local.client import Fan, UnexpectedError
from infra.local.facts import StackFacts
from infra.local.processes import StartError
from infra.local.stack import borrowed_stack
from infra.local.story import STEPS, Step, Story
from infra.local.subscriber import subscriber

_WORKERS = 3

_console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Exit code 0 when the story ended well; else 1, and what broke was said."""
    signal.signal(signal.SIGTERM, _leave)
    started = time.monotonic()
    try:
        with borrowed_stack("demo", _progress, _WORKERS) as facts, _opening(facts) as story:
            _console.print(f"The local cloud is up after {time.monotonic() - started:.1f} s.\n", style="bold")
            for number, step in enumerate(STEPS, 1):
                _tell(number, step, story)
    except KeyboardInterrupt:
        return 130
    except (StartError, UnexpectedError) as failure:
        _console.print(f"\nThis broke: {failure}", style="bold red", markup=False)
        return 1
    _console.print(f"\nAll invariants hold. Told in {time.monotonic() - started:.1f} s.", style="bold green")
    return 0


@contextmanager
def _opening(facts: StackFacts) -> Iterator[Story]:
    with subscriber(facts) as overlay:
        yield Story(facts, overlay, fan=Fan(facts, "ada"), creator_id="grace")


def _tell(number: int, step: Step, story: Story) -> None:
    _console.print(f"{number}  {step.__doc__}", style="bold", markup=False)
    started = time.monotonic()
    for line in step(story):
        _console.print(f"   {line}", markup=False)
    _console.print(f"   [dim]{(time.monotonic() - started) * 1000:.0f} ms[/dim]")


def _progress(step: str) -> None:
    _console.print(f"  {step} ...", style="dim")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
