"""The token issuer: tokens, keys and process."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from infra.local import loopback, token_issuer


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    with loopback.running(token_issuer.create_app) as url:
        yield url


def ask(issuer_url: str, **form: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{issuer_url}/token", urlencode(form).encode(), timeout=10) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        answered: dict[str, Any] = json.load(answer)
        return answered


def verify(issuer_url: str, token: str, algorithm: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{issuer_url}/.well-known/jwks.json", timeout=10) as answer:
        keys = jwt.PyJWKSet.from_dict(json.load(answer))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], audience="coinpurse", issuer=issuer_url)
    return claims


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_tokens_verify_with_published_keys(issuer_url: str, algorithm: str) -> None:
    answer = ask(issuer_url, sub="ann", scope="creator operator", alg=algorithm)

    claims = verify(issuer_url, answer["access_token"], algorithm)

    assert answer["token_type"] == "Bearer"
    assert (claims["sub"], claims["scope"]) == ("ann", "creator operator")
    assert claims["exp"] - claims["iat"] == answer["expires_in"]


def test_rs256_without_scope_is_the_default(issuer_url: str) -> None:
    assert verify(issuer_url, ask(issuer_url, sub="ann")["access_token"], "RS256")["scope"] == ""


@pytest.mark.parametrize("form", [{}, {"sub": ""}, {"sub": "ann", "alg": "none"}, {"sub": "ann", "alg": "HS256"}])
def test_token_request_invalid_form_is_rejected(issuer_url: str, form: dict[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(issuer_url, **form)
    with refusal.value as answer:
        assert answer.code == 400
        assert json.load(answer)["error"] == "invalid_request"


def test_key_set_has_no_private_members(issuer_url: str) -> None:
    with urllib.request.urlopen(f"{issuer_url}/.well-known/jwks.json", timeout=10) as answer:
        keys = json.load(answer)["keys"]
    assert [key["alg"] for key in keys] == ["RS256", "ES256"]
    assert not any({"d", "p", "q", "dp", "dq", "qi"} & key.keys() for key in keys)


def test_each_start_has_new_keys() -> None:
    assert not {key.key_id for key in token_issuer.make_keys().values()} & {
        key.key_id for key in token_issuer.make_keys().values()
    }


def test_process_prints_one_line_and_exits_on_sigterm() -> None:
    command = [sys.executable, "-m", "infra.local.token_issuer", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        assert verify(url, ask(url, sub="ann")["access_token"], "RS256")["sub"] == "ann"

        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
