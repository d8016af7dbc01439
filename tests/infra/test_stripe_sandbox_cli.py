"""The sandbox's process: one JSON line when it serves, and a clean exit on signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from infra.local.stripe_sandbox import StripeSandbox

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "infra.local.stripe_sandbox", "--port", "0"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_prints_its_url_and_exits_on_signal(number: signal.Signals) -> None:
    command = [*COMMAND, "--webhook-secret", "whsec_x", "--account", "acct_x", "--event", "refund.*"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert url.startswith("http://127.0.0.1:")
            with urlopen(f"{url}/_sandbox/health", timeout=5) as answer:
                assert json.load(answer) == {"ok": True}
            with urlopen(f"{url}/_sandbox/knobs", timeout=5) as answer:
                assert json.load(answer)["enabled_events"] == ["refund.*"]
        finally:
            os.kill(process.pid, number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_process_rejects_secret_without_prefix() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        StripeSandbox.start(webhook_secret="secret")
