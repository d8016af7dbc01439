"""Terminal output of the long commands: lines as they come, and a sign of life in between."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console


class Narrator:
    """A console that prints the elapsed time whenever nothing else was printed for a while."""

    def __init__(self, console: Console | None = None, quiet_seconds: float = 4) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._quiet_seconds = quiet_seconds
        self._started = time.monotonic()
        self._spoke, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_awake, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._spoke.set()
        self._thread.join()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since this console was made."""
        return time.monotonic() - self._started

    def print(self, text: str, style: str = "") -> None:
        """Print a line as it is, without markup."""
        self._console.print(text, style=style, markup=False)
        self._spoke.set()

    def step(self, text: str) -> None:
        """Print the step that begins now."""
        self.print(f"  {text} ...", "dim")

    def _keep_awake(self) -> None:
        while not self._ended.is_set():
            if self._spoke.wait(self._quiet_seconds):
                self._spoke.clear()
            else:
                self._console.print(f"  ... {self.elapsed_seconds:.0f} s", style="dim", markup=False)
