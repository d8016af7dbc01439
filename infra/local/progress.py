"""Terminal output of long commands: lines of text, and the elapsed time during quiet periods."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console


class ProgressConsole:
    """A console that prints the elapsed time whenever nothing else was printed for `quiet_seconds`."""

    def __init__(self, console: Console | None = None, quiet_seconds: float = 4) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._quiet_seconds = quiet_seconds
        self._started = time.monotonic()
        self._printed, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._print_elapsed, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._printed.set()
        self._thread.join()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the console was created."""
        return time.monotonic() - self._started

    def print(self, text: str, style: str = "") -> None:
        """Print a line, without interpreting markup."""
        self._console.print(text, style=style, markup=False)

    def step(self, text: str) -> None:
        """Print the name of the step that starts."""
        self.print(f"  {text} ...", "dim")

    def _print_elapsed(self) -> None:
        while not self._ended.is_set():
            if self._printed.wait(self._quiet_seconds):
                self._printed.clear()
            else:
                self._console.print(f"  ... {self.elapsed_seconds:.0f} s", style="dim", markup=False)
