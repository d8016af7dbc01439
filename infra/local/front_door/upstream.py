"""One HTTP exchange with a server behind the front door, byte for byte.

UpstreamError
├── UnreachableError   no answer, or none that can be passed on
├── TimedOutError      no answer in time; what became of the request is unknown
└── UnsendableError    the request itself cannot be written as HTTP
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
# Servers hang up on idle connections after five seconds or more. We do so first, or a request could meet the hang-up.
KEPT_SECONDS = 2.0

Headers = Iterable[tuple[str, str]]


class UpstreamError(Exception):
    """The exchange did not come to an answer."""


class UnreachableError(UpstreamError):
    """Nobody answers there, the connection broke, or the answer is larger than 1 MB."""


class TimedOutError(UpstreamError):
    """The answer did not come in time."""


class UnsendableError(UpstreamError):
    """The target or a header holds what HTTP does not allow, or the target climbs out of the base URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` keep their order and repeats; `body` is as it was sent, encodings included."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class _Line:
    """One kept connection. `used_at` is by the monotonic clock, in seconds."""

    connection: HTTPConnection
    used_at: float = 0.0

    def hang_up_if_stale(self) -> None:
        """Close what was idle for too long, or was hung up on meanwhile: then it is readable, and reads as ended."""
        if self.connection.sock is None:
            return
        poller = select.poll()
        poller.register(self.connection.sock, select.POLLIN)
        if time.monotonic() - self.used_at > KEPT_SECONDS or poller.poll(0):
            self.connection.close()


class Upstream:
    """A server at a base URL. Connections are kept open, and there are only so many: who finds none free waits."""

    def __init__(
        self, base_url: str, *, in_flight: int = MAX_IN_FLIGHT, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        parts = urlsplit(base_url)
        self._host, self._prefix = parts.netloc, parts.path.rstrip("/")
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        # Last in, first out: a few warm connections rather than eight lukewarm ones.
        self._lines: LifoQueue[_Line] = LifoQueue()
        for _ in range(in_flight):
            self._lines.put(_Line(connect(parts.netloc, timeout=timeout_seconds)))
        self._in_flight = in_flight

    def exchange(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Send one request and read the whole answer. Nothing is sent twice.

        Args:
            method: the HTTP method.
            target: path and query below the base URL, as they stand on the wire; begins with `/`.
            headers: all but Host and Content-Length, which are set here.
            body: the raw body.

        Raises:
            UpstreamError: see the tree above.
        """
        if not target.startswith("/") or ".." in unquote(target.partition("?")[0]).split("/"):
            raise UnsendableError("the target leaves the base URL")
        line = self._lines.get()
        try:
            line.hang_up_if_stale()
            return self._exchange(line.connection, method, target, headers, body)
        except BaseException:  # whatever it is, this process must not go on as its parent would
            line.connection.close()
            raise
        finally:
            line.used_at = time.monotonic()
            self._lines.put(line)

    def close(self) -> None:
        """Wait for what is in flight, and hang up. To be called once, at the end."""
        for _ in range(self._in_flight):
            self._lines.get().connection.close()

    def _exchange(self, connection: HTTPConnection, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        try:
            connection.putrequest(method, self._prefix + target, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", self._host), *headers]:
                connection.putheader(name, value)
            if body or method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            return _read_answer(connection)
        except TimeoutError as error:
            raise TimedOutError(str(error)) from error
        except (ValueError, InvalidURL) as error:
            raise UnsendableError("the request cannot be written as HTTP") from error
        except (OSError, HTTPException) as error:
            raise UnreachableError(type(error).__name__) from error


def _read_answer(connection: HTTPConnection) -> Answer:
    response = connection.getresponse()
    body = response.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise UnreachableError("the answer is larger than 1 MB")
    return Answer(response.status, response.getheaders(), body)
