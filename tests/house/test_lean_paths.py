"""Imports by function: stripe is slow, so only checkouts and webhooks load it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO

import pytest

from tests.house.source import ROOT
from tests.http.api import proxy_event

SETTINGS = {
    "STAGE": "test",
    "LIVEMODE": "false",
    "TABLE_NAME": "coinpurse",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:coinpurse",
    "REDRIVE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/redrive",
    "STREAK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/streaks",
    "STREAK_DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/streaks-dead",
    "TOKEN_ISSUER": "https://issuer.example",
    "TOKEN_AUDIENCE": "coinpurse",
    "JWKS_URL": "https://issuer.example/jwks",
    "STRIPE_API_URL": "https://stripe.example",
    "SUCCESS_URL": "https://shop.example/success",
    "CANCEL_URL": "https://shop.example/cancelled",
    "CATALOGUE": "default",
    "CREATOR_LANES": "8",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
WALLET_AND_GIFTS = ["settings", "clock", "catalogue", "ledger", "tokens"]
FROZEN = "import app, gc\nassert gc.isenabled()\nassert gc.get_freeze_count() > 10_000"
PRICES = (
    "/v1/top-up?for=100",
    "/v1/prices",
    "/v1/gift-catalogue?currency=eur",
    "/v1/worth?coins=5",
    "/v1/offers/verify?url=https://shop.example/",
    "/v1/offers/verify?coins=70&amount_minor=74",
)
RELAY = [*WALLET_AND_GIFTS, "publisher", "redrive_queue", "streak_timer"]


RUN_IN_COPIES = """
import json, os, sys
found = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the statements print metrics and log lines
exec(sys.argv[1])
for line in sys.stdin:
    if not os.fork():
        exec(json.loads(line))
        print(*sys.modules, file=found, flush=True)
        os._exit(0)
    if os.wait()[1]:
        print(file=found, flush=True)
"""


class Interpreter:
    """An interpreter that has run some statements. Others run in copies of its process, without its imports' time."""

    def __init__(self, programs: IO[str], found: IO[str]) -> None:
        self._programs, self._found = programs, found

    def modules_after(self, statements: str = "") -> frozenset[str]:
        """List the modules loaded after a copy ran the statements."""
        self._programs.write(json.dumps(statements) + "\n")
        self._programs.flush()
        found = frozenset(self._found.readline().split())
        assert found, "its error is on stderr"
        return found


@contextmanager
def interpreter_after(statements: str) -> Iterator[Interpreter]:
    """Start a fresh interpreter that runs the statements."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_IN_COPIES, statements],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Interpreter(process.stdin, process.stdout)
        process.stdin.close()
        assert process.wait() == 0


def environment(**settings: str) -> dict[str, str]:
    return SETTINGS | {"PATH": os.environ["PATH"], "HOME": os.devnull} | settings


@cache
def modules_after(statements: str, handler: str) -> frozenset[str]:
    """List the modules loaded after a fresh interpreter, started for a handler, ran the statements."""
    program = f"{statements}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(_HANDLER=handler),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return frozenset(done.stdout.splitlines()[-1].split())


def building(*adapters: str) -> str:
    return "\n".join(
        ["import app", "from chalicelib.services import services", *(f"services.{name}" for name in adapters)]
    )


@pytest.fixture(scope="module")
def app() -> Iterator[Interpreter]:
    with interpreter_after("import app") as started:
        yield started


@pytest.fixture(scope="module")
def tokens() -> Iterator[Interpreter]:
    with interpreter_after(building("tokens")) as started:
        yield started


@pytest.fixture(scope="module")
def gateway() -> Iterator[Interpreter]:
    with interpreter_after(building("gateway")) as started:
        yield started


def test_app_module_imports_no_sdk(app: Interpreter) -> None:
    # Powertools reads botocore's version, which is cheap; a session is not.
    assert {"stripe", "pynamodb", "boto3", "botocore.session", "jwt"}.isdisjoint(app.modules_after())


@pytest.mark.parametrize("adapters", [WALLET_AND_GIFTS, RELAY], ids=["wallet and gifts", "relay"])
def test_stripe_is_imported_by_buying_only(app: Interpreter, adapters: list[str]) -> None:
    found = app.modules_after(building(*adapters) + "\nservices.stream.posted_records([])")
    assert "pynamodb" in found
    assert "stripe" not in found


@pytest.mark.parametrize("handler", ["app.app", "chalicelib.workers.relay"])
def test_function_starts_without_stripe(handler: str) -> None:
    found = modules_after(FROZEN, handler)
    assert "pynamodb" in found
    assert "stripe" not in found


def test_relay_imports_nothing_of_other_workers() -> None:
    found = modules_after("from chalicelib import workers", "chalicelib.workers.relay")
    assert {"chalicelib.usecases.relay", "chalicelib.adapters.aws.sns_publisher"} <= found
    others = {f"chalicelib.usecases.{name}" for name in ("audit", "checkout", "reconcile", "recovery")}
    assert (others | {"chalicelib.adapters.aws.streak_timer", "zoneinfo"}).isdisjoint(found)


@pytest.mark.parametrize("handler", ["app.app", "chalicelib.workers.relay", "of.another"])
def test_function_freezes_its_start_and_collects_again(handler: str) -> None:
    modules_after(FROZEN, handler)


def test_outside_lambda_nothing_is_frozen(app: Interpreter) -> None:
    app.modules_after("import gc\nassert gc.isenabled()\nassert gc.get_freeze_count() < 1_000")


def test_checkout_and_webhook_import_stripe(gateway: Interpreter) -> None:
    assert "stripe" in gateway.modules_after()


def test_to_read_prices_imports_nothing_that_asks_anybody(app: Interpreter) -> None:
    program = ["import app, sys"]
    for url in PRICES:
        program += [
            f"assert app.app({proxy_event('GET', url, fan=None)!r}, None)['statusCode'] == 200, {url!r}",
            f"assert {{'stripe', 'boto3', 'jwt', 'cryptography'}}.isdisjoint(sys.modules), {url!r}",
        ]
    app.modules_after("\n".join(program))


def test_to_sign_offers_imports_what_reads_the_key_and_no_more(app: Interpreter) -> None:
    found = app.modules_after(building("catalogue", "offer_signer"))
    assert {"botocore.session", "jwt"} <= found
    assert {"stripe", "pynamodb"}.isdisjoint(found)


def test_to_verify_tokens_imports_no_certificates(tokens: Interpreter) -> None:
    found = tokens.modules_after()
    assert "cryptography.hazmat.primitives.asymmetric.ec" in found
    assert "cryptography.x509.name" not in found


def test_to_verify_webhooks_imports_no_http_client(gateway: Interpreter) -> None:
    assert "requests.sessions" not in gateway.modules_after()


@pytest.mark.parametrize(
    "statement",
    [
        "from cryptography import x509\nassert x509.Name",
        "from cryptography.x509 import Name\nassert Name",
        "import cryptography.x509.oid\nassert cryptography.x509.Name",
        "from jwt.algorithms import x509\nassert x509.Certificate",
    ],
)
def test_deferred_certificates_are_imported_at_their_first_use(tokens: Interpreter, statement: str) -> None:
    assert "cryptography.x509.name" in tokens.modules_after(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "import requests\nassert requests.Session",
        "from requests.adapters import HTTPAdapter\nassert HTTPAdapter",
        "services.gateway._http.requests.Session()",
    ],
)
def test_deferred_http_client_is_imported_at_its_first_use(gateway: Interpreter, statement: str) -> None:
    assert "requests.sessions" in gateway.modules_after(statement)


def test_deferred_module_has_no_file(tokens: Interpreter, gateway: Interpreter) -> None:
    without = "import sys\nassert not hasattr(sys.modules[{!r}], '__file__')"
    assert "cryptography.x509.name" not in tokens.modules_after(without.format("cryptography.x509"))
    assert "requests.sessions" not in gateway.modules_after(without.format("requests"))
