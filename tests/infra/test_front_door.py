"""The front door passes requests and responses unchanged, and limits the requests in flight to eight."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Condition, Event
from urllib.parse import urlsplit

import pytest

from infra.local import loopback, token_issuer
from infra.local.front_door.upstream import MAX_BODY_BYTES, MAX_IN_FLIGHT
from tests.infra.front_door_rig import KEY, ORDER, FakeApi, front_door_of, post_form, running_api, send, sign_in


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as fake:
        yield fake


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    with loopback.running(token_issuer.create_app) as url:
        yield url


@pytest.fixture
def front_door(api: FakeApi, issuer_url: str) -> Iterator[str]:
    with front_door_of(api.url, issuer_url) as url:
        yield url


def test_request_passes_byte_for_byte(api: FakeApi, front_door: str) -> None:
    body = bytes(range(256)) + b'{"a": 1,\r\n  "b":\t"\xff\xfe"}\n'
    send(
        front_door, "POST", "/v1/webhooks/stripe?a=%2F&b=%c3%a9+x", body,
        Content_Type="application/json; charset=utf-8",
        Stripe_Signature="t=1,v1=aa,v1=bb", Idempotency_Key=KEY, Authorization="Bearer x.y.z", User_Agent="Stripe/1.0",
    )  # fmt: skip

    [request] = api.requests
    assert (request.method, request.body) == ("POST", body)
    assert request.target == "/restapis/abc/local/_user_request_/v1/webhooks/stripe?a=%2F&b=%c3%a9+x"
    assert sorted((name.lower(), value) for name, value in request.headers) == [
        ("accept-encoding", "identity"),
        ("authorization", "Bearer x.y.z"),
        ("content-length", str(len(body))),
        ("content-type", "application/json; charset=utf-8"),
        ("host", urlsplit(api.url).netloc),
        ("idempotency-key", KEY),
        ("stripe-signature", "t=1,v1=aa,v1=bb"),
        ("user-agent", "Stripe/1.0"),
    ]


def test_response_passes_byte_for_byte(api: FakeApi, front_door: str) -> None:
    headers = [("Content-Type", "application/problem+json"), ("ETag", '"x"'), ("Retry-After", "7"), ("Link", "<a>"),
               ("Link", "<b>"), ("Content-Encoding", "gzip"), ("Date", "Sun, 22 Nov 2026 13:17:37 GMT")]  # fmt: skip
    api.responses.append((418, headers, b"\x1f\x8b\xff not really gzip"))

    response = send(front_door, "GET", "/v1/bundles")

    assert (response.status, response.body) == (418, b"\x1f\x8b\xff not really gzip")
    returned_headers = [pair for pair in response.headers if pair[0] not in {"Content-Length", "Connection"}]
    assert sorted(returned_headers) == sorted(headers)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_passes(api: FakeApi, front_door: str, method: str) -> None:
    assert send(front_door, method, "/v1/x").status == 200
    assert api.requests[0].method == method


def test_head_keeps_content_length(api: FakeApi, front_door: str) -> None:
    api.responses.append((200, [("Content-Length", "1234")], b""))
    assert send(front_door, "HEAD", "/v1/x").header("Content-Length") == "1234"


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b"")])
def test_responses_without_content_pass(api: FakeApi, front_door: str, status: int, body: bytes) -> None:
    api.responses.append((status, [("ETag", '"x"')], body))
    response = send(front_door, "GET", "/v1/bundles", If_None_Match='"x"')
    assert (response.status, response.body, response.header("ETag")) == (status, b"", '"x"')
    assert api.requests[0].header("If-None-Match") == '"x"'


def test_pages_pass(api: FakeApi, front_door: str) -> None:
    for target in ["/", "/?currency=eur", "/success?purchase=1", "/assets/coinpurse.css?v=1", "//double//slash"]:
        assert send(front_door, "GET", target).body == b"ok"
    prefix = "/restapis/abc/local/_user_request_"
    assert [request.target for request in api.requests] == [
        prefix + target
        for target in ["/", "/?currency=eur", "/success?purchase=1", "/assets/coinpurse.css?v=1", "/double//slash"]
    ]


def test_hop_by_hop_headers_are_removed(api: FakeApi, front_door: str) -> None:
    returned = [("Connection", "close, X-Theirs"), ("X-Theirs", "1"), ("Keep-Alive", "timeout=5"), ("X-Kept", "1")]
    api.responses.append((200, returned, b"ok"))
    response = send(
        front_door, "GET", "/v1/x", Connection="X-Ours, keep-alive", X_Ours="1", TE="trailers", Cookie="other=1"
    )

    assert {"x-ours", "te", "connection", "cookie"}.isdisjoint(name.lower() for name, _ in api.requests[0].headers)
    assert (response.header("X-Theirs"), response.header("Keep-Alive"), response.header("X-Kept")) == (None, None, "1")


def test_www_authenticate_is_renamed_as_by_api_gateway(api: FakeApi, front_door: str) -> None:
    api.responses.append((401, [("WWW-Authenticate", "Bearer"), ("X-Request-Id", "1")], b""))
    response = send(front_door, "GET", "/v1/wallet")
    assert response.header("WWW-Authenticate") is None
    assert response.header("x-amzn-Remapped-WWW-Authenticate") == "Bearer"


@pytest.mark.parametrize("target", ["/v1/../../secret", "/v1/%2e%2e/secret", "/caf\xe9"])
def test_target_cannot_leave_the_api_path(api: FakeApi, front_door: str, target: str) -> None:
    connection = HTTPConnection(urlsplit(front_door).netloc, timeout=20)
    connection._encode_request = lambda line: line.encode("latin-1")  # type: ignore[attr-defined]
    connection.request("GET", target)
    response = connection.getresponse()
    assert (response.status, json.load(response)["code"]) == (400, "bad_request")
    connection.close()
    assert api.requests == []


def test_body_over_one_megabyte_is_rejected(api: FakeApi, front_door: str) -> None:
    assert send(front_door, "POST", "/v1/x", b"x" * MAX_BODY_BYTES).status == 200
    response = send(front_door, "POST", "/v1/x", b"x" * (MAX_BODY_BYTES + 1))
    assert (response.status, response.header("Content-Type")) == (413, "application/problem+json")
    assert json.loads(response.body)["code"] == "payload_too_large"
    assert len(api.requests) == 1


def test_response_over_one_megabyte_is_replaced_by_502(api: FakeApi, front_door: str) -> None:
    api.responses.append((200, [], b"x" * (MAX_BODY_BYTES + 1)))
    assert send(front_door, "GET", "/v1/x").status == 502
    assert send(front_door, "GET", "/v1/x").status == 200


def test_at_most_eight_requests_are_in_flight(api: FakeApi, front_door: str) -> None:
    changed, release = Condition(), Event()
    in_flight: list[int] = [0, 0]  # now, maximum

    def wait_for_release() -> None:
        with changed:
            in_flight[0] += 1
            in_flight[1] = max(in_flight)
            changed.notify_all()
        assert release.wait(20)
        with changed:
            in_flight[0] -= 1

    api.on_request = wait_for_release
    with ThreadPoolExecutor(20) as pool:
        responses = [pool.submit(send, front_door, "GET", "/v1/x") for _ in range(20)]
        with changed:
            assert changed.wait_for(lambda: in_flight[0] == MAX_IN_FLIGHT, 20)
            assert not changed.wait_for(lambda: in_flight[0] > MAX_IN_FLIGHT, 0.3)
        release.set()
        assert [response.result().status for response in responses] == [200] * 20
    assert (len(api.requests), in_flight[1]) == (20, MAX_IN_FLIGHT)


def test_unreachable_api_is_502(issuer_url: str) -> None:
    server = loopback.listen(token_issuer.create_app)
    server.server_close()
    with front_door_of(loopback.url_of(server), issuer_url) as front_door:
        response = send(front_door, "GET", "/v1/x")
        assert (response.status, response.header("Content-Type")) == (502, "application/problem+json")
        assert json.loads(response.body)["code"] == "try_again"
        assert response.header("Retry-After") == "1"


def test_slow_api_is_504_and_recovers(api: FakeApi, issuer_url: str) -> None:
    release = Event()
    api.on_request = lambda: release.wait(20)
    with front_door_of(api.url, issuer_url, timeout_seconds=0.2) as front_door:
        response = send(front_door, "GET", "/v1/x")
        assert (response.status, response.header("Content-Type")) == (504, "application/problem+json")
        cookie = sign_in(front_door)
        page = post_form(front_door, "/buy", ORDER, Cookie=cookie)
        assert (page.status, page.header("Content-Type")) == (504, "text/html; charset=utf-8")
        assert f'name="key" value="{KEY}"' in page.text
        release.set()
        assert send(front_door, "GET", "/v1/x").status == 200


def test_closed_connection_is_not_reused(api: FakeApi, front_door: str) -> None:
    for _ in range(3):
        api.responses.append((200, [("Connection", "close")], b"ok"))
        assert send(front_door, "GET", "/v1/x").status == 200


def test_process_prints_one_line_and_exits_on_sigterm(api: FakeApi, issuer_url: str) -> None:
    command = [sys.executable, "-m", "infra.local.front_door", "--api-url", api.url, "--issuer-url", issuer_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        assert send(url, "GET", "/v1/wallet", Cookie=sign_in(url)).status == 200

        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_docs_are_a_page_that_needs_no_other_server(api: FakeApi, front_door: str) -> None:
    page = send(front_door, "GET", "/docs")
    assert (page.status, page.header("Content-Type")) == (200, "text/html; charset=utf-8")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(link.startswith(("/docs/", "/assets/")) for link in links)
    for link in links:
        if link.startswith("/docs/"):
            assert send(front_door, "GET", link).status == 200, link
    assert '"/v1/openapi.json"' in send(front_door, "GET", "/docs/start.js").text
    assert send(front_door, "GET", "/docs/swagger_ui.py").status == 404
    assert api.requests == []
