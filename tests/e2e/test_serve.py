"""`make serve` runs the API on the deployed stack: same table, same tokens, same secrets."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from infra.local.client import Fan, UnexpectedError, Wallet, call, wait_until
from infra.local.facts import StackFacts
from infra.local.processes import end, start, wait_until_ready
from infra.local.registry import DIRECTORY
from infra.local.stripe_side import StripeSide

pytestmark = pytest.mark.cloud


def test_serve_reads_what_the_deployed_function_wrote(
    stack: StackFacts, stripe: StripeSide, fan: Fan, tmp_path: Path
) -> None:
    coins, directory, log = stripe.fund(fan, 1), DIRECTORY / f"e2e-{os.getpid()}", tmp_path / "serve.log"
    serve = start("serve", [sys.executable, "-m", "infra.local.serve", "--dir", str(directory)], log)
    try:
        wait_until_ready(serve, log, lambda: "Ready." in log.read_text())
        facts = StackFacts.read(directory)
        assert facts is not None
        reply = call("GET", f"{facts.serve_url}/v1/wallet", fan.signed_in)
        assert reply.read(200, Wallet) == Wallet(coins=coins, owed=0)
        assert call("GET", f"{facts.serve_url}/v1/offers").status == 200  # signed by a secret in SSM
    finally:
        # It may take longer on a busy machine than the grace period of `end`, which kills it then.
        os.killpg(serve.pid, signal.SIGTERM)
        with suppress(UnexpectedError):
            wait_until("serve ended", lambda: not serve.is_alive())
        end([serve])
    facts = StackFacts.read(directory)
    assert facts is not None
    assert (facts.serve_url, facts.api_url) == (None, stack.api_url)
