"""HTTP serving for the local cloud's own servers: on loopback, one JSON line when ready, stopped by SIGTERM."""

import json
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
POLL_SECONDS = 0.05


class _QuietHandler(WSGIRequestHandler):
    """A request handler that adds no headers, and logs nothing because request lines contain ids."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line alone. A forwarded response has its own Server and Date headers."""
        self.send_response_only(code, message)

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002  # named so by http.server
        """Drop the messages about malformed requests."""


def listen(make_app: Callable[[str], "WSGIApplication"], port: int = 0) -> BaseWSGIServer:
    """Bind a server without serving yet.

    Args:
        make_app: builds the application for its base URL (`http://127.0.0.1:<port>`).
        port: the port to bind; 0 picks a free one.

    Raises:
        SystemExit: the port is in use.
    """
    server = make_server(HOST, port, _not_ready, threaded=True, request_handler=_QuietHandler)
    server.app = make_app(url_of(server))
    return server


def url_of(server: BaseWSGIServer) -> str:
    """Return the base URL of a server, without a trailing slash."""
    return f"http://{HOST}:{server.port}"


def run(make_app: Callable[[str], "WSGIApplication"], port: int) -> None:
    """Print one line `{"url": ...}`, then serve until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    server = listen(make_app, port)
    print(json.dumps({"url": url_of(server)}), flush=True)
    try:
        server.serve_forever(POLL_SECONDS)
    finally:
        server.server_close()


@contextmanager
def running(make_app: Callable[[str], "WSGIApplication"]) -> Iterator[str]:
    """Serve in a thread on a free port during the block. Yields the base URL."""
    server = listen(make_app)
    thread = Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield url_of(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def port_parser(description: str | None) -> ArgumentParser:
    """Build a command line parser with the option `--port`."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    return parser


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _not_ready(*_: object) -> NoReturn:
    raise AssertionError("served before the application was set")
