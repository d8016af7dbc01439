"""Server processes of the local cloud: start in a process group, identify later, end with their children."""

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
"""The project's directory, which is every server's working directory."""

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 2.0


class StartError(Exception):
    """A part of the local cloud did not start; the message has its name, the reason and the end of its log."""


@dataclass(frozen=True, slots=True)
class Process:
    """A server process, identified by pid and start time because the system reuses pids."""

    name: str
    pid: int
    started: str
    """Start time as the kernel writes it; only compared for equality."""

    def is_alive(self) -> bool:
        """Check if the server still runs. A later process with the same pid does not count."""
        child = _children.get(self.pid)
        return (child is None or child.poll() is None) and start_time(self.pid) == self.started


_children: dict[int, subprocess.Popen[bytes]] = {}
"""The children of this program, which has to reap them."""


def start(name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a server in the background, in its own session, with its output in `log`."""
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
    return Process(name, popen.pid, start_time(popen.pid) or "")


def wait_until_ready(process: Process, log: Path, ready: Callable[[], bool], seconds: float = 30) -> None:
    """Poll `ready` until it is true.

    Raises:
        StartError: the server ended, or is not ready after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (ready() and process.is_alive()):
        if not process.is_alive():
            raise StartError(f"{process.name} ended while starting.\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"{process.name} was not ready after {seconds:.0f} s.\n{tail(log)}")
        time.sleep(_POLL_SECONDS)


def end(processes: Iterable[Process]) -> list[str]:
    """End servers with their process groups, by SIGTERM, then SIGKILL. Returns the names of those that ran."""
    running = [process for process in processes if process.is_alive()]
    for process in running:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(process.is_alive() for process in running) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for process in running:
        # The group's id is the leader's pid. It was alive just now, so the group is still its own, workers included.
        _signal_group(process, signal.SIGKILL)
        if child := _children.pop(process.pid, None):
            child.wait()
    return [process.name for process in running]


def start_time(pid: int) -> str | None:
    """Return a process's start time as the kernel writes it. None if it does not exist or is a zombie."""
    try:
        # The second field is the command in parentheses, which may contain spaces: count from its end (proc(5)).
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state == "Z" else fields[18]
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _start_time_by_ps(pid)
    except ProcessLookupError:
        return None


def free_ports(count: int) -> list[int]:
    """Find `count` different free ports on loopback."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def tail(log: Path, lines: int = 15) -> str:
    """Return the path and the last lines of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([f"--- {log}", *text.splitlines()[-lines:]])


def _signal_group(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _start_time_by_ps(pid: int) -> str | None:
    """Return the start time on systems without /proc (macOS)."""
    done = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    if done.returncode:  # ps found no such process
        return None
    state, _, started = done.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
