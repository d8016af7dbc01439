"""The command line of `make serve`."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from infra.local.facts import StackFacts
from infra.local.processes import ROOT, StartError
from infra.local.registry import DIRECTORY, running_stack
from infra.local.serve import process, reload
from infra.local.servers import loopback_url, set_port

PORT_VARIABLE = "COINPURSE_SERVE_PORT"


def main() -> int:
    """Serve until Ctrl-C, SIGTERM, or the end of the stack. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.serve",
        description="Serve the API in one process against the running local cloud, reloading it when its code changes.",
    )
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="directory of the stack's files")
    parser.add_argument("--no-reload", action="store_true", help="serve in this process, for a debugger")
    parser.add_argument("--fd", type=int, help="file descriptor of the bound socket; set by the parent process")
    options = parser.parse_args()
    directory = options.dir.resolve()
    signal.signal(signal.SIGTERM, _leave)
    if options.fd is not None:
        process.serve(socket.socket(fileno=options.fd), directory)
        return 0
    try:
        _serve(directory, in_this_process=options.no_reload)
    except KeyboardInterrupt:
        return 130
    except StartError as failure:
        print(failure)
        return 1
    return 0


def _serve(directory: Path, *, in_this_process: bool) -> None:
    facts = running_stack(directory)
    with socket.create_server(("127.0.0.1", set_port(PORT_VARIABLE) or 0), backlog=128) as listener:
        url = loopback_url(listener.getsockname()[1])
        with _serve_url(directory, url):
            print(f"The API serves {url}/v1, one request at a time. Ctrl-C stops it.", flush=True)
            if in_this_process:
                process.serve(listener, directory)
                return
            places = [ROOT / "app.py", ROOT / "chalicelib"]
            places += [Path(facts.catalogue_file)] if facts.catalogue_file else []
            command = [sys.executable, "-m", "infra.local.serve", "--dir", str(directory)]
            reload.supervise(
                [*command, "--fd", str(listener.fileno())],
                places,
                is_wanted=lambda: StackFacts.read(directory) is not None,
                say=lambda text: print(text, flush=True),
                pass_fds=[listener.fileno()],
            )
            print("The local cloud was stopped.")


@contextmanager
def _serve_url(directory: Path, url: str) -> Iterator[None]:
    """Set `serve_url` in stack.json during the block."""
    _write(directory, None, url)
    try:
        yield
    finally:
        _write(directory, url, None)


def _write(directory: Path, before: str | None, after: str | None) -> None:
    facts = StackFacts.read(directory)
    if facts is not None and before in (None, facts.serve_url):
        replace(facts, serve_url=after).write(directory)


def _leave(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
