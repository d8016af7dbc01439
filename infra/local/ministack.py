"""MiniStack: the AWS services of the local cloud in one process, on loopback."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.processes import ROOT, Process, end, free_ports, start, wait_until_ready
from infra.local.removal import remove_in_background
from infra.local.scratch import make_scratch, scratch_places
from infra.local.variables import NAMES

REGION = "us-east-1"

_COMMAND = (str(ROOT / ".venv-cloud" / "bin" / "python"), "-P", str(ROOT / "infra" / "local" / "ministack_server.py"))
_SETTINGS: Mapping[str, str] = {
    "BIND_HOST": "127.0.0.1",
    # MiniStack's MQTT and SFTP servers listen on every interface, on fixed ports that two stacks cannot share.
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "MINISTACK_REGION": REGION,
    # A day, so that an idle stack does not cold start.
    "LAMBDA_WARM_TTL_SECONDS": "86400",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@contextmanager
def ministack(directory: Path) -> Iterator[str]:
    """Run an empty MiniStack. Yields its endpoint URL.

    Args:
        directory: for its log and temporary files; created, and removed after the block.

    Raises:
        StartError: it did not start.
    """
    (port,) = free_ports(1)
    process = start_ministack(directory, port)
    try:
        wait_for_ministack(process, directory, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        end([process])
        remove_in_background([*scratch_places(directory), directory])


def start_ministack(directory: Path, port: int, extra: Mapping[str, str] | None = None) -> Process:
    """Start MiniStack without waiting. `extra` are environment variables for it and for the functions it runs."""
    temporary = make_scratch(directory)
    inherited = {name: value for name, value in os.environ.items() if name not in _DROPPED_VARIABLES}
    environment = {
        **inherited,
        **_SETTINGS,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(temporary),
        **(extra or {}),
    }
    return start("ministack", _COMMAND, log_path(directory), environment)


def wait_for_ministack(process: Process, directory: Path, port: int) -> None:
    """Wait until MiniStack's health check succeeds.

    Raises:
        StartError: it ended, or is not ready after 30 s.
    """
    url = f"http://127.0.0.1:{port}/_ministack/health"
    wait_until_ready(process, log_path(directory), lambda: is_healthy(url))


def log_path(directory: Path) -> Path:
    """Return the path of MiniStack's log."""
    return directory / "logs" / "ministack.log"


def is_healthy(url: str) -> bool:
    """Check if a GET of the URL returns 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # loopback, built above
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


_DROPPED_VARIABLES = frozenset(
    {
        "AWS_ENDPOINT_URL",
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "MAKEFLAGS",
        "PYTHONPATH",
        "SERVICES",
        "VIRTUAL_ENV",
        *NAMES,
    }
)
"""Variables of a developer's shell that would point the functions at another cloud or at other packages.

The options of `make up` are among them: functions get settings by CloudFormation, and secrets by SSM only.
"""
