"""What passes the front door is unchanged, and there are never more than eight at the API."""

import json
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
def door(api: FakeApi, issuer_url: str) -> Iterator[str]:
    with front_door_of(api.url, issuer_url) as url:
        yield url


def test_a_webhook_passes_byte_for_byte(api: FakeApi, door: str) -> None:
    body = bytes(range(256)) + b'{"a": 1,\r\n  "b":\t"\xff\xfe"}\n'
    send(
        door, "POST", "/v1/webhooks/stripe?a=%2F&b=%c3%a9+x", body, Content_Type="application/json; charset=utf-8",
        Stripe_Signature="t=1,v1=aa,v1=bb", Idempotency_Key=KEY, Authorization="Bearer x.y.z", User_Agent="Stripe/1.0",
    )  # fmt: skip

    [seen] = api.seen
    assert (seen.method, seen.body) == ("POST", body)
    assert seen.target == "/restapis/abc/local/_user_request_/v1/webhooks/stripe?a=%2F&b=%c3%a9+x"
    assert sorted((name.lower(), value) for name, value in seen.headers) == [
        ("accept-encoding", "identity"),
        ("authorization", "Bearer x.y.z"),
        ("content-length", str(len(body))),
        ("content-type", "application/json; charset=utf-8"),
        ("host", urlsplit(api.url).netloc),
        ("idempotency-key", KEY),
        ("stripe-signature", "t=1,v1=aa,v1=bb"),
        ("user-agent", "Stripe/1.0"),
    ]


def test_an_answer_passes_back_byte_for_byte(api: FakeApi, door: str) -> None:
    headers = [("Content-Type", "application/problem+json"), ("ETag", '"x"'), ("Retry-After", "7"), ("Link", "<a>"),
               ("Link", "<b>"), ("Content-Encoding", "gzip"), ("Date", "Sun, 22 Nov 2026 13:17:37 GMT")]  # fmt: skip
    api.answers.append((418, headers, b"\x1f\x8b\xff not really gzip"))

    answer = send(door, "GET", "/v1/bundles")

    assert (answer.status, answer.body) == (418, b"\x1f\x8b\xff not really gzip")
    passed = [pair for pair in answer.headers if pair[0] not in {"Content-Length", "Connection"}]
    assert sorted(passed) == sorted(headers)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_pass(api: FakeApi, door: str, method: str) -> None:
    assert send(door, method, "/v1/x").status == 200
    assert api.seen[0].method == method


def test_head_keeps_the_length_of_what_get_would_answer(api: FakeApi, door: str) -> None:
    api.answers.append((200, [("Content-Length", "1234")], b""))
    assert send(door, "HEAD", "/v1/x").header("Content-Length") == "1234"


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b"")])
def test_answers_without_content_pass(api: FakeApi, door: str, status: int, body: bytes) -> None:
    api.answers.append((status, [("ETag", '"x"')], body))
    answer = send(door, "GET", "/v1/bundles", If_None_Match='"x"')
    assert (answer.status, answer.body, answer.header("ETag")) == (status, b"", '"x"')
    assert api.seen[0].header("If-None-Match") == '"x"'


def test_the_pages_pass(api: FakeApi, door: str) -> None:
    for target in ["/", "/?currency=eur", "/success?purchase=1", "/assets/coinpurse.css?v=1", "//double//slash"]:
        assert send(door, "GET", target).body == b"ok"
    prefix = "/restapis/abc/local/_user_request_"
    assert [seen.target for seen in api.seen] == [
        prefix + target
        for target in ["/", "/?currency=eur", "/success?purchase=1", "/assets/coinpurse.css?v=1", "/double//slash"]
    ]


def test_hop_by_hop_headers_stay_here(api: FakeApi, door: str) -> None:
    back = [("Connection", "close, X-Theirs"), ("X-Theirs", "1"), ("Keep-Alive", "timeout=5"), ("X-Kept", "1")]
    api.answers.append((200, back, b"ok"))
    answer = send(door, "GET", "/v1/x", Connection="X-Ours, keep-alive", X_Ours="1", TE="trailers", Cookie="other=1")

    assert {"x-ours", "te", "connection", "cookie"}.isdisjoint(name.lower() for name, _ in api.seen[0].headers)
    assert (answer.header("X-Theirs"), answer.header("Keep-Alive"), answer.header("X-Kept")) == (None, None, "1")


def test_the_challenge_is_renamed_as_api_gateway_does(api: FakeApi, door: str) -> None:
    api.answers.append((401, [("WWW-Authenticate", "Bearer"), ("X-Request-Id", "1")], b""))
    answer = send(door, "GET", "/v1/wallet")
    assert answer.header("WWW-Authenticate") is None
    assert answer.header("x-amzn-Remapped-WWW-Authenticate") == "Bearer"


@pytest.mark.parametrize("target", ["/v1/../../secret", "/v1/%2e%2e/secret", "/caf\xe9"])
def test_a_target_cannot_climb_out_of_the_api(api: FakeApi, door: str, target: str) -> None:
    connection = HTTPConnection(urlsplit(door).netloc, timeout=20)
    connection._encode_request = lambda line: line.encode("latin-1")  # type: ignore[attr-defined]
    connection.request("GET", target)
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["code"]) == (400, "bad_request")
    connection.close()
    assert api.seen == []


def test_a_body_over_one_megabyte_is_refused_here(api: FakeApi, door: str) -> None:
    assert send(door, "POST", "/v1/x", b"x" * MAX_BODY_BYTES).status == 200
    answer = send(door, "POST", "/v1/x", b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status, answer.header("Content-Type")) == (413, "application/problem+json")
    assert json.loads(answer.body)["code"] == "payload_too_large"
    assert len(api.seen) == 1


def test_an_answer_over_one_megabyte_is_not_passed_back(api: FakeApi, door: str) -> None:
    api.answers.append((200, [], b"x" * (MAX_BODY_BYTES + 1)))
    assert send(door, "GET", "/v1/x").status == 502
    assert send(door, "GET", "/v1/x").status == 200


def test_at_most_eight_are_in_flight(api: FakeApi, door: str) -> None:
    changed, release = Condition(), Event()
    inside: list[int] = [0, 0]  # now, most ever

    def linger() -> None:
        with changed:
            inside[0] += 1
            inside[1] = max(inside)
            changed.notify_all()
        assert release.wait(20)
        with changed:
            inside[0] -= 1

    api.meanwhile = linger
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(send, door, "GET", "/v1/x") for _ in range(20)]
        with changed:
            assert changed.wait_for(lambda: inside[0] == MAX_IN_FLIGHT, 20)
            assert not changed.wait_for(lambda: inside[0] > MAX_IN_FLIGHT, 0.3)
        release.set()
        assert [answer.result().status for answer in answers] == [200] * 20
    assert (len(api.seen), inside[1]) == (20, MAX_IN_FLIGHT)


def test_nobody_there(issuer_url: str) -> None:
    server = loopback.listen(token_issuer.create_app)
    server.server_close()
    with front_door_of(loopback.url_of(server), issuer_url) as door:
        answer = send(door, "GET", "/v1/x")
        assert (answer.status, answer.header("Content-Type")) == (502, "application/problem+json")
        assert json.loads(answer.body)["code"] == "try_again"
        assert answer.header("Retry-After") == "1"


def test_too_slow_and_then_well_again(api: FakeApi, issuer_url: str) -> None:
    release = Event()
    api.meanwhile = lambda: release.wait(20)
    with front_door_of(api.url, issuer_url, timeout_seconds=0.2) as door:
        answer = send(door, "GET", "/v1/x")
        assert (answer.status, answer.header("Content-Type")) == (504, "application/problem+json")
        cookie = sign_in(door)
        page = post_form(door, "/buy", ORDER, Cookie=cookie)
        assert (page.status, page.header("Content-Type")) == (504, "text/html; charset=utf-8")
        assert f'name="key" value="{KEY}"' in page.text
        release.set()
        assert send(door, "GET", "/v1/x").status == 200


def test_a_connection_that_was_hung_up_on_is_not_used_again(api: FakeApi, door: str) -> None:
    for _ in range(3):
        api.answers.append((200, [("Connection", "close")], b"ok"))
        assert send(door, "GET", "/v1/x").status == 200


def test_the_process_says_one_line_and_leaves_on_sigterm(api: FakeApi, issuer_url: str) -> None:
    command = [sys.executable, "-m", "infra.local.front_door", "--api-url", api.url, "--issuer-url", issuer_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        assert send(url, "GET", "/v1/wallet", Cookie=sign_in(url)).status == 200

        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
