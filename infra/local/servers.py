"""The local cloud's own servers beside MiniStack. Each prints `{"url": ...}` when it is ready."""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import Process, StartError, free_ports, start, wait_until_ready
from infra.local.variables import PORTS


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a stack, chosen before its servers start because each needs the addresses of others."""

    shop: int
    aws: int
    stripe: int
    issuer: int

    @classmethod
    def pick(cls) -> "Ports":
        """Choose free ports, except for those that environment variables set (COINPURSE_SHOP_PORT ...).

        Raises:
            StartError: a port that is set cannot be bound.
        """
        free = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        return cls(**{part: set_port(name) or free[part] for part, name in PORTS.items()})


@dataclass(frozen=True, slots=True)
class Server:
    """A started server and its log."""

    process: Process
    log: Path

    def wait(self) -> None:
        """Wait until the server prints its URL.

        Raises:
            StartError: it ended, or is not ready after 30 s.
        """
        wait_until_ready(self.process, self.log, lambda: '{"url"' in self.log.read_text(errors="replace"))


def set_port(name: str) -> int | None:
    """Read a port from an environment variable, and check that no other server uses it."""
    setting = os.environ.get(name)
    if not setting:
        return None
    try:
        socket.create_server(("127.0.0.1", int(setting))).close()
    except (ValueError, OverflowError, OSError) as unusable:
        raise StartError(f"{name}={setting} cannot be used: {unusable}") from unusable
    return int(setting)


def start_server(module: str, logs: Path, port: int, *options: str) -> Server:
    """Start `python -m infra.local.<module>` on a port without waiting."""
    log = logs / f"{module}.log"
    command = [sys.executable, "-m", f"infra.local.{module}", "--port", str(port), *options]
    return Server(start(module.replace("_", " "), command, log), log)


def loopback_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
