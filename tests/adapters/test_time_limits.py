"""Client time-outs fit into the function's time-out."""

import json
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws import secrets
from chalicelib.adapters.dynamodb import models
from chalicelib.adapters.stripe.client import NETWORK_RETRIES, TIMEOUTS_SECONDS
from chalicelib.adapters.stripe.keys import LAST_CALL_SECONDS
from chalicelib.adapters.tokens.issuer_keys import KEYS_TIMEOUT_SECONDS

ROOT = Path(__file__).parents[2]
GATEWAY_SECONDS = 29
"""The longest that API Gateway waits for a function."""


def longest_call_seconds(config: Any) -> float:
    """The longest time that a call can take, without the pauses between attempts."""
    return float((config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"])


def test_slowest_checkout_ends_before_its_function() -> None:
    ledger = (models.Row.Meta.connect_timeout_seconds + models.Row.Meta.read_timeout_seconds) * (
        1 + models.Row.Meta.max_retry_attempts
    )
    stripe = LAST_CALL_SECONDS + sum(TIMEOUTS_SECONDS) * (1 + NETWORK_RETRIES)
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    for stage in config["stages"].values():
        limit = stage.get("lambda_timeout", config.get("lambda_timeout"))
        first_secrets = secrets.TRIES_SECONDS + longest_call_seconds(secrets.SSM_CONFIG)
        assert KEYS_TIMEOUT_SECONDS + first_secrets + ledger + stripe < limit - 2
        assert limit < GATEWAY_SECONDS
