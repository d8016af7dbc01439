"""The parent of the server process: holds the port, and starts the process again when a source file changes."""

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_POLL_SECONDS = 0.5
_GRACE_SECONDS = 3.0
_SUFFIXES = frozenset({".css", ".html", ".js", ".json", ".py", ".svg"})

Snapshot = dict[Path, int]


def snapshot(places: Iterable[Path]) -> Snapshot:
    """Map the source files in folders, and single files, to their times of modification in nanoseconds."""
    files = (
        file
        for place in places
        for file in (place.rglob("*") if place.is_dir() else [place])
        if file.suffix in _SUFFIXES and file.is_file()
    )
    return {file: file.stat().st_mtime_ns for file in files}


def supervise(
    command: Sequence[str],
    places: Sequence[Path],
    *,
    is_wanted: Callable[[], bool],
    say: Callable[[str], None],
    pass_fds: Sequence[int] = (),
) -> None:
    """Run a command, and again after each change of a source file, while `is_wanted()`.

    A process that ends by itself, such as by a syntax error, is started again after the next change. The command
    shares this process's terminal, for breakpoints.
    """
    seen, has_failed = snapshot(places), False
    child = subprocess.Popen(command, pass_fds=pass_fds)
    try:
        while is_wanted():
            time.sleep(_POLL_SECONDS)
            child.poll()
            if child.returncode and not has_failed:
                has_failed = True
                say(f"It ended with {child.returncode}, and starts again after the next change.")
            current = snapshot(places)
            if current == seen:
                continue
            changed = sorted(file.name for file, _ in current.items() ^ seen.items())
            say(f"Reloading: {', '.join(dict.fromkeys(changed))} changed.")
            _end(child)
            seen, has_failed = current, False
            child = subprocess.Popen(command, pass_fds=pass_fds)
    finally:
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:  # a request is in flight, or stopped at a breakpoint
        child.kill()
        child.wait()
