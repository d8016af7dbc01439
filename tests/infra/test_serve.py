"""`make serve` calls the handler with events as API Gateway makes them, one at a time, and reloads it."""

import json
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

import app
from infra.local.client import wait_until
from infra.local.serve import reload
from infra.local.serve.gateway import MAX_BODY_BYTES, Gateway, HttpRequest, HttpResponse
from infra.local.serve.process import RequestQueue, make_server
from tests.http.api import Api, put_in_place, token_of

FANS, REQUESTS = 8, 64
PROBLEM = {
    "StatusCode": 404,
    "ResponseParameters": {"Headers": {"Cache-Control": "'no-store'", "X-Request-Id": "context.requestId"}},
    "ResponseTemplates": {"application/json": '{"request_id": "$context.requestId"}'},
}
RESPONSES = {"MISSING_AUTHENTICATION_TOKEN": PROBLEM, "REQUEST_TOO_LARGE": PROBLEM | {"StatusCode": 413}}
GATEWAY = Gateway({"/": ["GET"], "/v1/{id}": ["GET"], "/v1/gifts": ["POST"]}, ["image/png"], RESPONSES)
Json = dict[str, Any]


def event_of(method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Json:
    event = GATEWAY.event_of(HttpRequest(method, target, headers, body))
    assert isinstance(event, dict)
    return event


@contextmanager
def serving(gateway: Gateway, handle: Callable[[Json], Mapping[str, Any]]) -> Iterator[int]:
    """Serve on a free port, with a thread in the place of the server process's main thread."""
    requests = RequestQueue(handle)
    server = make_server(gateway, requests, socket.create_server(("127.0.0.1", 0), backlog=128))
    threads = [
        threading.Thread(target=requests.run),
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}),
    ]
    for thread in threads:
        thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        requests.stop()
        for thread in threads:
            thread.join()
        server.server_close()


def send(port: int, method: str, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_parallel_requests_of_several_fans_never_cross(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    put_in_place(api, monkeypatch)
    for number in range(FANS):
        api.fund(f"fan-{number}", 1000 + number)
    at_once = threading.Barrier(REQUESTS)
    gateway = Gateway({path: list(methods) for path, methods in app.app.routes.items()}, [], RESPONSES)

    def read_wallet(number: int) -> tuple[int, str, int]:
        at_once.wait(30)
        token = f"Bearer {token_of(f'fan-{number % FANS}')}"
        status, headers, body = send(port, "GET", "/v1/wallet", Authorization=token)
        return status, headers["x-request-id"], json.loads(body)["coins"]

    with serving(gateway, lambda event: app.app(event, None)) as port, ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(read_wallet, range(REQUESTS)))

    assert [(status, coins) for status, _, coins in answers] == [
        (200, 1000 + number % FANS) for number in range(REQUESTS)
    ]
    assert len({request_id for _, request_id, _ in answers}) == REQUESTS


def test_handler_is_never_entered_twice_at_once() -> None:
    inside = threading.Lock()

    def handle(_event: Json) -> Mapping[str, Any]:
        assert inside.acquire(blocking=False)
        threading.Event().wait(0.01)
        inside.release()
        return {"statusCode": 204, "body": ""}

    with serving(GATEWAY, handle) as port, ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: send(port, "GET", "/")[0], range(16)))

    assert statuses == [204] * 16


def test_event_of_has_the_fields_of_a_proxy_event() -> None:
    event = event_of("GET", "/v1/a%20b?for=1&for=2&empty=&x=%C3%A9", ("Accept", "a"), ("accept", "b"), ("Accept", "c"))
    context = event.pop("requestContext")

    assert event == {
        "resource": "/v1/{id}",
        "path": "/v1/a%20b",
        "httpMethod": "GET",
        "headers": {"Accept": "c", "accept": "b"},
        "multiValueHeaders": {"Accept": ["a", "c"], "accept": ["b"]},
        "queryStringParameters": {"for": "2", "empty": "", "x": "é"},
        "multiValueQueryStringParameters": {"for": ["1", "2"], "empty": [""], "x": ["é"]},
        "pathParameters": {"id": "a%20b"},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    assert (context["resourcePath"], context["httpMethod"], context["path"]) == ("/v1/{id}", "GET", "/local/v1/a%20b")
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": None}


def test_event_of_prefers_a_resource_without_parameters() -> None:
    event = event_of("POST", "/v1/gifts", ("User-Agent", "x"), body="é".encode())
    assert (event["resource"], event["pathParameters"], event["body"]) == ("/v1/gifts", None, "é")
    assert event["requestContext"]["identity"]["userAgent"] == "x"


def test_event_of_has_a_binary_body_in_base64() -> None:
    event = event_of("POST", "/v1/gifts", ("content-type", "image/PNG; x=y"), body=b"\xff")
    assert (event["body"], event["isBase64Encoded"]) == (b64encode(b"\xff").decode(), True)


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("GET", "/v1/a/b", b"", 404),
        ("DELETE", "/v1/gifts", b"", 404),
        ("POST", "/v1/gifts", bytes(MAX_BODY_BYTES + 1), 413),
    ],
)
def test_event_of_a_request_without_a_route_is_the_gateways_own_response(
    method: str, target: str, body: bytes, status: int
) -> None:
    response = GATEWAY.event_of(HttpRequest(method, target, [], body))
    assert isinstance(response, HttpResponse)
    headers = dict(response.headers)
    assert (response.status, headers["Cache-Control"]) == (status, "no-store")
    assert json.loads(response.body) == {"request_id": headers["X-Request-Id"]}


def test_response_of_renames_and_repeats_headers_as_the_gateway_does() -> None:
    response = GATEWAY.response_of(
        {
            "statusCode": 401,
            "headers": {"WWW-Authenticate": "Bearer", "Set-Cookie": "lost=1"},
            "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
            "body": b64encode(b"\xff").decode(),
            "isBase64Encoded": True,
        }
    )
    assert response == HttpResponse(
        401,
        [("x-amzn-Remapped-WWW-Authenticate", "Bearer"), ("set-cookie", "a=1"), ("set-cookie", "b=2")],
        b"\xff",
    )


def test_failing_handler_is_a_502_and_the_next_request_is_served() -> None:
    results: Iterator[Json] = iter([{"statusCode": 200, "body": "fine"}])
    failures = iter([RuntimeError("broken")])

    def handle(_event: Json) -> Mapping[str, Any]:
        for failure in failures:
            raise failure
        return next(results)

    with serving(GATEWAY, handle) as port:
        assert send(port, "GET", "/")[0] == 502
        assert send(port, "GET", "/")[::2] == (200, b"fine")


def test_head_request_has_the_length_and_no_body() -> None:
    gateway = Gateway({"/": ["HEAD"]}, [], RESPONSES)
    with serving(gateway, lambda _: {"statusCode": 200, "body": "four"}) as port:
        status, headers, body = send(port, "HEAD", "/")
    assert (status, headers["content-length"], body) == (200, "4", b"")


def test_supervise_starts_the_process_again_after_a_change(tmp_path: Path) -> None:
    source, log, said = tmp_path / "app.py", tmp_path / "log", list[str]()
    source.write_text("one")
    script = f"""
import sys, time
text = open({str(source)!r}).read()
open({str(log)!r}, "a").write(text + "\\n")
sys.exit(3) if text == "one" else time.sleep(60)
"""
    stopping = threading.Event()
    supervisor = threading.Thread(
        target=reload.supervise,
        args=([sys.executable, "-c", script], [tmp_path]),
        kwargs={"is_wanted": lambda: not stopping.is_set(), "say": said.append},
    )
    supervisor.start()
    try:
        wait_until("the first process has ended", lambda: len(said) == 1)
        source.write_text("two")
        wait_until("the second process has started", lambda: log.read_text() == "one\ntwo\n")
    finally:
        stopping.set()
        supervisor.join()
    assert said == ["It ended with 3, and starts again after the next change.", "Reloading: app.py changed."]


def test_snapshot_has_sources_only(tmp_path: Path) -> None:
    for name in ("a.py", "b.json", "c.pyc", "d.md"):
        (tmp_path / name).write_text("")
    assert {path.name for path in reload.snapshot([tmp_path, tmp_path / "gone.json"])} == {"a.py", "b.json"}
