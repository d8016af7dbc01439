"""Imports by function: stripe is slow, so only checkouts and webhooks load it."""

import os
import subprocess
import sys
from functools import cache

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


@cache
def modules_after(statements: str, **settings: str) -> frozenset[str]:
    """List the modules loaded after a fresh interpreter ran the statements."""
    program = f"{statements}\nimport sys\nprint(*sys.modules)"
    environment = SETTINGS | {"PATH": os.environ["PATH"], "HOME": os.devnull} | settings
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return frozenset(done.stdout.splitlines()[-1].split())


def building(*adapters: str) -> str:
    return "\n".join(
        ["import app", "from chalicelib.services import services", *(f"services.{name}" for name in adapters)]
    )


def test_app_module_imports_no_sdk() -> None:
    # Powertools reads botocore's version, which is cheap; a session is not.
    assert {"stripe", "pynamodb", "boto3", "botocore.session", "jwt"}.isdisjoint(modules_after("import app"))


@pytest.mark.parametrize("adapters", [WALLET_AND_GIFTS, RELAY], ids=["wallet and gifts", "relay"])
def test_stripe_is_imported_by_buying_only(adapters: list[str]) -> None:
    found = modules_after(building(*adapters) + "\nservices.stream.posted_records([])")
    assert "pynamodb" in found
    assert "stripe" not in found


@pytest.mark.parametrize("handler", ["app.app", "chalicelib.workers.relay"])
def test_function_starts_without_stripe(handler: str) -> None:
    found = modules_after(FROZEN, _HANDLER=handler)
    assert "pynamodb" in found
    assert "stripe" not in found


def test_relay_imports_nothing_of_other_workers() -> None:
    found = modules_after("from chalicelib import workers", _HANDLER="chalicelib.workers.relay")
    assert {"chalicelib.usecases.relay", "chalicelib.adapters.aws.sns_publisher"} <= found
    others = {f"chalicelib.usecases.{name}" for name in ("audit", "checkout", "reconcile", "recovery")}
    assert (others | {"chalicelib.adapters.aws.streak_timer", "zoneinfo"}).isdisjoint(found)


@pytest.mark.parametrize("handler", ["app.app", "chalicelib.workers.relay", "of.another"])
def test_function_freezes_its_start_and_collects_again(handler: str) -> None:
    modules_after(FROZEN, _HANDLER=handler)


def test_outside_lambda_nothing_is_frozen() -> None:
    modules_after("import app, gc\nassert gc.isenabled()\nassert gc.get_freeze_count() < 1_000")


def test_checkout_and_webhook_import_stripe() -> None:
    assert "stripe" in modules_after(building("gateway"))


def test_to_read_prices_imports_nothing_that_asks_anybody() -> None:
    program = ["import app, sys"]
    for url in PRICES:
        program += [
            f"assert app.app({proxy_event('GET', url, fan=None)!r}, None)['statusCode'] == 200, {url!r}",
            f"assert {{'stripe', 'boto3', 'jwt', 'cryptography'}}.isdisjoint(sys.modules), {url!r}",
        ]
    modules_after("\n".join(program))


def test_to_sign_offers_imports_what_reads_the_key_and_no_more() -> None:
    found = modules_after(building("catalogue", "offer_signer"))
    assert {"botocore.session", "jwt"} <= found
    assert {"stripe", "pynamodb"}.isdisjoint(found)


def test_to_verify_tokens_imports_no_certificates() -> None:
    found = modules_after(building("tokens"))
    assert "cryptography.hazmat.primitives.asymmetric.ec" in found
    assert "cryptography.x509.name" not in found


def test_to_verify_webhooks_imports_no_http_client() -> None:
    assert "requests.sessions" not in modules_after(building("gateway"))


@pytest.mark.parametrize(
    ("attribute", "statement", "module"),
    [
        ("tokens", "from cryptography import x509\nassert x509.Name", "cryptography.x509.name"),
        ("tokens", "from cryptography.x509 import Name\nassert Name", "cryptography.x509.name"),
        ("tokens", "import cryptography.x509.oid\nassert cryptography.x509.Name", "cryptography.x509.name"),
        ("tokens", "from jwt.algorithms import x509\nassert x509.Certificate", "cryptography.x509.name"),
        ("gateway", "import requests\nassert requests.Session", "requests.sessions"),
        ("gateway", "from requests.adapters import HTTPAdapter\nassert HTTPAdapter", "requests.sessions"),
        ("gateway", "services.gateway._http.requests.Session()", "requests.sessions"),
    ],
)
def test_deferred_module_is_imported_at_its_first_use(attribute: str, statement: str, module: str) -> None:
    assert module in modules_after(f"{building(attribute)}\n{statement}")


def test_deferred_module_has_no_file() -> None:
    names = "('cryptography.x509', 'requests')"
    program = f"import sys\nassert not any(hasattr(sys.modules[name], '__file__') for name in {names})"
    assert "requests.sessions" not in modules_after(f"{building('tokens', 'gateway')}\n{program}")
