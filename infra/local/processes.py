"""Server processes of the local cloud: started in a group of their own, known again later, surely ended."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project's directory: where every server is started."""

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 3.0


class StartError(Exception):
    """A part of the local cloud did not come up; the message says which, why, and how its log ends."""


@dataclass(frozen=True, slots=True)
class Process:
    """A server. Its pid alone would not do: once the server is gone, somebody else may get the number."""

    name: str
    pid: int
    born: str
    """When the kernel says it started, in its own words: only ever compared."""

    def is_alive(self) -> bool:
        """Whether this server, and not a later bearer of its pid, still runs."""
        child = _children.get(self.pid)
        return (child is None or child.poll() is None) and birth(self.pid) == self.born


_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this very program started, and so has to reap."""


def start(name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a server in the background, in a session of its own, its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[popen.pid] = popen
    return Process(name, popen.pid, birth(popen.pid) or "")


def wait_until_ready(process: Process, log: Path, ready: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until the server says that it is ready.

    Raises:
        StartError: it ended, or said nothing for `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (ready() and process.is_alive()):
        if not process.is_alive():
            raise StartError(f"{process.name} ended while starting.\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"{process.name} was not ready after {seconds:.0f} s.\n{tail(log)}")
        time.sleep(_POLL_SECONDS)


def end(processes: Iterable[Process]) -> list[str]:
    """End servers and whatever they started: asked first, then made to. Returns the names of those that ran."""
    ours = [process for process in processes if process.is_alive()]
    for process in ours:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(process.is_alive() for process in ours) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for process in ours:
        # The leader was ours a moment ago, so the group of its number still is: stray workers go too.
        _signal_group(process, signal.SIGKILL)
        if child := _children.pop(process.pid, None):
            child.wait()
    return [process.name for process in ours]


def birth(pid: int) -> str | None:
    """When the process started, in the kernel's words. None when there is none, or only its corpse."""
    try:
        # The second field is the command in parentheses, and may hold spaces: count from its end.
        state, *facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state == "Z" else facts[18]
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _birth_by_ps(pid)
    except ProcessLookupError:
        return None


def free_ports(count: int) -> list[int]:
    """So many different ports that nobody listens on, on loopback."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def tail(log: Path, lines: int = 15) -> str:
    """How a log ends."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([f"--- {log}", *text.splitlines()[-lines:]])


def _signal_group(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _birth_by_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS)."""
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
