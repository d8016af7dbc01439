"""The HTTP server: connections stay open between requests, as at Stripe, and can be found dead."""

import socket
from contextlib import suppress
from io import BytesIO
from typing import cast

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

IS_REUSED = "sandbox.is_reused"
"""The key of the request's environment that is true for every request on a connection but the first."""


class KeepAliveHandler(WSGIRequestHandler):
    """Serves requests until the client or the server closes. Werkzeug's own handler closes after each request.

    No logs: request lines contain ids, and stdout is reserved for the one JSON line.
    """

    protocol_version = "HTTP/1.1"
    # Else the body of each response waits for the client to acknowledge its headers, which takes 40 ms (RFC 1122).
    disable_nagle_algorithm = True
    timeout = 60
    requests = 0

    def setup(self) -> None:
        """Register the connection at the server."""
        super().setup()
        cast("KeepAliveServer", self.server).connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        cast("KeepAliveServer", self.server).connections.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Serve one request. Its body is read first, because the next request follows it on the connection."""
        self.requests += 1
        environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0)))
        environ[IS_REUSED] = self.requests > 1
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        content = b"".join(chunks)
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        headers.setdefault("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Do nothing."""


class KeepAliveServer(ThreadedWSGIServer):
    """Serves an application, each connection in a thread."""

    def __init__(self, host: str, port: int, app: Flask) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(host, port, app, handler=KeepAliveHandler)

    def server_close(self) -> None:
        """Close the listener and every connection."""
        super().server_close()
        for connection in list(self.connections):
            drop(connection)


def drop(connection: socket.socket) -> None:
    """Break a connection. Later writes to it are lost."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
