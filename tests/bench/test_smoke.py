"""A run of the bench without cold starts, which checks its counts and that its programs work."""

import subprocess
import sys

from infra.local.processes import ROOT


def test_bench_smoke_meets_every_counted_limit() -> None:
    command = [sys.executable, "-m", "tests.bench", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
