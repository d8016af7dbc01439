"""Imports by function: stripe is slow, so only checkouts and webhooks load it."""

import os
import subprocess
import sys

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
RELAY = [*WALLET_AND_GIFTS, "publisher", "redrive_queue", "streak_timer"]


def modules_after(statements: str, **settings: str) -> set[str]:
    """List the modules loaded after a fresh interpreter ran the statements."""
    program = f"{statements}\nimport sys\nprint(*sys.modules)"
    environment = SETTINGS | {"PATH": os.environ["PATH"], "HOME": os.devnull} | settings
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def building(*adapters: str) -> str:
    return "\n".join(
        ["import app", "from chalicelib.services import services", *(f"services.{name}" for name in adapters)]
    )


def test_the_module_of_the_app_imports_no_sdk() -> None:
    # Powertools reads botocore's version, which is cheap; a session is not.
    assert {"stripe", "pynamodb", "boto3", "botocore.session", "jwt"}.isdisjoint(modules_after("import app"))


@pytest.mark.parametrize("adapters", [WALLET_AND_GIFTS, RELAY], ids=["wallet and gifts", "relay"])
def test_only_buying_imports_stripe(adapters: list[str]) -> None:
    found = modules_after(building(*adapters) + "\nservices.stream.posted_records([])")
    assert "pynamodb" in found
    assert "stripe" not in found


@pytest.mark.parametrize("handler", ["app.app", "chalicelib.workers.relay"])
def test_a_function_starts_without_stripe(handler: str) -> None:
    found = modules_after("import app", _HANDLER=handler)
    assert "pynamodb" in found
    assert "stripe" not in found


def test_a_checkout_and_a_webhook_do_import_it() -> None:
    assert "stripe" in modules_after(building("gateway"))


@pytest.mark.parametrize(
    "url",
    [
        "/v1/top-up?for=100",
        "/v1/prices",
        "/v1/gift-catalogue?currency=eur",
        "/v1/worth?coins=5",
        "/v1/offers/verify?url=https://shop.example/",
        "/v1/offers/verify?coins=70&amount_minor=74",
    ],
)
def test_to_read_prices_imports_nothing_that_asks_anybody(url: str) -> None:
    event = proxy_event("GET", url, fan=None)
    found = modules_after(f"import app\nassert app.app({event!r}, None)['statusCode'] == 200")
    assert {"stripe", "boto3", "jwt", "cryptography"}.isdisjoint(found)


def test_to_sign_offers_imports_what_reads_the_key_and_no_more() -> None:
    found = modules_after(building("catalogue", "offer_signer"))
    assert {"botocore.session", "jwt"} <= found
    assert {"stripe", "pynamodb"}.isdisjoint(found)


def test_to_verify_tokens_imports_no_certificates() -> None:
    found = modules_after(building("tokens"))
    assert "cryptography.hazmat.primitives.asymmetric.ec" in found
    assert "cryptography.x509.name" not in found


@pytest.mark.parametrize(
    "statement",
    [
        "from cryptography import x509\nassert x509.Name",
        "from cryptography.x509 import Name\nassert Name",
        "import cryptography.x509.oid\nassert cryptography.x509.Name",
        "from jwt.algorithms import x509\nassert x509.load_der_x509_certificate",
    ],
)
def test_certificates_can_still_be_imported(statement: str) -> None:
    assert "cryptography.x509.name" in modules_after(f"{building('tokens')}\n{statement}")
