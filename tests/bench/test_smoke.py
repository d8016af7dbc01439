"""The bench still runs, and what it counts is what was promised. Its times are those of `make bench` only."""

import subprocess
import sys

from infra.local.processes import ROOT


def test_bench_with_one_round_keeps_every_counted_promise() -> None:
    command = [sys.executable, "-m", "tests.bench", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
