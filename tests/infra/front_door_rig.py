"""A fake API behind a front door, and an HTTP client in front of it."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode, urlsplit

from infra.local import loopback
from infra.local.front_door.site import create_app
from infra.local.front_door.upstream import Upstream

KEY = "019aab12-3456-7abc-8def-0123456789ab"
ORDER = {"bundle_id": "coins_70", "currency": "usd", "channel": "web", "key": KEY}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class ApiRequest:
    """A request that reached the API."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class FakeApi:
    """An API with queued responses, which records its requests."""

    url: str = ""
    requests: list[ApiRequest] = field(default_factory=list)
    responses: deque[tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=deque)
    on_request: Callable[[], object] = lambda: None

    def respond_json(self, status: int, document: object) -> None:
        self.responses.append((status, [("Content-Type", "application/json")], json.dumps(document).encode()))

    def take(self, request: ApiRequest) -> tuple[int, list[tuple[str, str]], bytes]:
        self.requests.append(request)
        self.on_request()
        return self.responses.popleft() if self.responses else (200, [("Content-Type", "text/plain")], b"ok")


def handler_of(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = api.take(ApiRequest(self.command, self.path, self.headers.items(), body))
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if not any(name == "Content-Length" for name, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Ignore the broken pipe of a front door that timed out."""


@contextmanager
def running_api() -> Iterator[FakeApi]:
    fake = FakeApi()
    server = QuietServer(("127.0.0.1", 0), handler_of(fake))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/restapis/abc/local/_user_request_"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def front_door_of(api_url: str, issuer_url: str, timeout_seconds: float = 30.0) -> Iterator[str]:
    api, issuer = Upstream(api_url, timeout_seconds=timeout_seconds), Upstream(issuer_url)
    try:
        with loopback.running(lambda _: create_app(api, issuer)) as url:
            yield url
    finally:
        api.close()
        issuer.close()


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def text(self) -> str:
        return self.body.decode()


def send(url: str, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body or None, named)
        response = connection.getresponse()
        return Response(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def post_form(url: str, target: str, form: dict[str, str], **headers: str) -> Response:
    return send(url, "POST", target, urlencode(form).encode(), Content_Type=FORM["Content-Type"], **headers)


def sign_in(url: str, name: str = "ann") -> str:
    """Sign in. Returns the cookie in the form that a browser sends."""
    cookie = post_form(url, "/sign-in", {"name": name}).header("Set-Cookie")
    assert cookie is not None
    return cookie.split(";")[0]
