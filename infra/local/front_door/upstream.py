"""HTTP exchanges with a server behind the front door; bodies are not modified.

UpstreamError
├── UnreachableError   no response, or one that is too large
├── TimedOutError      no response in time; the request may have been processed
└── UnsendableError    the request is not valid HTTP
"""

import select
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from queue import LifoQueue
from urllib.parse import unquote, urlsplit

MAX_BODY_BYTES = 1024 * 1024
MAX_IN_FLIGHT = 8
TIMEOUT_SECONDS = 30.0
# Servers close idle connections after five seconds or more. Closing first avoids a race with the next request.
MAX_IDLE_SECONDS = 2.0

Headers = Iterable[tuple[str, str]]


class UpstreamError(Exception):
    """The exchange has no response."""


class UnreachableError(UpstreamError):
    """The server cannot be reached, the connection broke, or the response is larger than 1 MB."""


class TimedOutError(UpstreamError):
    """The response did not come in time."""


class UnsendableError(UpstreamError):
    """The target or a header is not valid in HTTP, or the target leaves the base URL."""


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """A response. `headers` keep their order and repeats; `body` is not decoded."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class _PooledConnection:
    """A kept connection. `used_at` is in seconds of the monotonic clock."""

    connection: HTTPConnection
    used_at: float = 0.0

    def close_if_stale(self) -> None:
        """Close the connection if it was idle for too long or the server closed it, which makes it readable."""
        if self.connection.sock is None:
            return
        poller = select.poll()
        poller.register(self.connection.sock, select.POLLIN)
        if time.monotonic() - self.used_at > MAX_IDLE_SECONDS or poller.poll(0):
            self.connection.close()


class Upstream:
    """A server at a base URL, with a fixed pool of connections. Callers wait while all are in use."""

    def __init__(
        self, base_url: str, *, in_flight: int = MAX_IN_FLIGHT, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        parts = urlsplit(base_url)
        self._host, self._prefix = parts.netloc, parts.path.rstrip("/")
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        # Last in, first out, so that few connections stay in use and the others close.
        self._pool: LifoQueue[_PooledConnection] = LifoQueue()
        for _ in range(in_flight):
            self._pool.put(_PooledConnection(connect(parts.netloc, timeout=timeout_seconds)))
        self._in_flight = in_flight

    def exchange(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> UpstreamResponse:
        """Send one request and read the whole response. Requests are never retried.

        Args:
            method: the HTTP method.
            target: path and query below the base URL, percent-encoded; begins with `/`.
            headers: all but Host and Content-Length, which are set here.
            body: the raw body.

        Raises:
            UpstreamError: one of the subclasses at the top of this module.
        """
        if not target.startswith("/") or ".." in unquote(target.partition("?")[0]).split("/"):
            raise UnsendableError("the target leaves the base URL")
        pooled = self._pool.get()
        try:
            pooled.close_if_stale()
            return self._exchange(pooled.connection, method, target, headers, body)
        except BaseException:  # the connection may be in the middle of a message, and cannot be used again
            pooled.connection.close()
            raise
        finally:
            pooled.used_at = time.monotonic()
            self._pool.put(pooled)

    def close(self) -> None:
        """Wait for the exchanges in flight, then close the connections. Call it once, at the end."""
        for _ in range(self._in_flight):
            self._pool.get().connection.close()

    def _exchange(
        self, connection: HTTPConnection, method: str, target: str, headers: Headers, body: bytes
    ) -> UpstreamResponse:
        try:
            connection.putrequest(method, self._prefix + target, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", self._host), *headers]:
                connection.putheader(name, value)
            if body or method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            return _read_response(connection)
        except TimeoutError as error:
            raise TimedOutError(str(error)) from error
        except (ValueError, InvalidURL) as error:
            raise UnsendableError("the request is not valid HTTP") from error
        except (OSError, HTTPException) as error:
            raise UnreachableError(type(error).__name__) from error


def _read_response(connection: HTTPConnection) -> UpstreamResponse:
    response = connection.getresponse()
    body = response.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise UnreachableError("the response is larger than 1 MB")
    return UpstreamResponse(response.status, response.getheaders(), body)
