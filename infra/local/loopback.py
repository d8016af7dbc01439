"""How a stand-in of the local cloud serves: on loopback only, one JSON line once it does, gone on SIGTERM."""

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
    """Adds nothing to an answer, and keeps requests to itself: their lines carry ids that belong in no log."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status line only: an answer that is passed on has its own Server and Date."""
        self.send_response_only(code, message)

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002  # named so by http.server
        """Say nothing of malformed requests."""


def listen(make_app: Callable[[str], "WSGIApplication"], port: int = 0) -> BaseWSGIServer:
    """A server that is bound but not serving yet.

    Args:
        make_app: makes the application, given its own base URL (`http://127.0.0.1:<port>`).
        port: where to listen; 0 picks a free one.

    Raises:
        SystemExit: the port is taken.
    """
    server = make_server(HOST, port, _not_ready, threaded=True, request_handler=_QuietHandler)
    server.app = make_app(url_of(server))
    return server


def url_of(server: BaseWSGIServer) -> str:
    """The base URL of a server, without a trailing slash."""
    return f"http://{HOST}:{server.port}"


def run(make_app: Callable[[str], "WSGIApplication"], port: int) -> None:
    """Serve until SIGTERM or Ctrl-C, after one line `{"url": ...}` on stdout."""
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
    """Serve in a thread of this process, on a free port, for as long as the block lasts; gives the base URL."""
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
    """The command line that every stand-in has: `--port`."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    return parser


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _not_ready(*_: object) -> NoReturn:
    raise AssertionError("served before the application was there")
