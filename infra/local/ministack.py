"""MiniStack: the AWS services of the local cloud in one process, on loopback."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.processes import ROOT, Process, end, free_ports, start, wait_until_ready
from infra.local.removal import remove_behind

REGION = "us-east-1"

_EXECUTABLE = ROOT / ".venv-cloud" / "bin" / "ministack"
_SETTINGS: Mapping[str, str] = {
    "BIND_HOST": "127.0.0.1",
    # Its MQTT and SFTP servers would listen on every interface, on ports that two stacks cannot share.
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "MINISTACK_REGION": REGION,
    # A stack that idled over lunch should not answer its next visitor with a cold start.
    "LAMBDA_WARM_TTL_SECONDS": "86400",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@contextmanager
def ministack(directory: Path) -> Iterator[str]:
    """A bare MiniStack with nothing deployed on it. Yields its endpoint URL; leaves nothing behind.

    Args:
        directory: for its log and temporary files; created, and removed in the end.

    Raises:
        StartError: it did not come up.
    """
    (port,) = free_ports(1)
    process = start_ministack(directory, port)
    try:
        wait_for_ministack(process, directory, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        end([process])
        remove_behind([directory])


def start_ministack(directory: Path, port: int, extra: Mapping[str, str] | None = None) -> Process:
    """Start it, without waiting. `extra` are variables for its environment and that of the functions it runs."""
    temporary = directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    environment = {
        **inherited,
        **_SETTINGS,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(temporary),
        **(extra or {}),
    }
    return start("ministack", [str(_EXECUTABLE)], log_of(directory), environment)


def wait_for_ministack(process: Process, directory: Path, port: int) -> None:
    """Wait until it answers.

    Raises:
        StartError: it does not.
    """
    url = f"http://127.0.0.1:{port}/_ministack/health"
    wait_until_ready(process, log_of(directory), lambda: answers(url))


def log_of(directory: Path) -> Path:
    """Where it writes."""
    return directory / "logs" / "ministack.log"


def answers(url: str) -> bool:
    """Whether something at the URL answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # loopback, built above
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


_UNWANTED = frozenset({"AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH", "SERVICES", "VIRTUAL_ENV"})
"""Of a developer's shell: they would point the functions at somebody else's cloud, or at our own packages."""
