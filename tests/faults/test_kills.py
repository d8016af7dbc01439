"""Repeated `kill -9` of processes that work on a store with real transactions."""

from pathlib import Path

from infra.local.ministack import ministack
from tests.faults.kills import kill_harness


def test_kill_of_processes_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Kill 30 processes; `make faults` kills thousands."""
    with ministack(tmp_path / "ministack") as url, kill_harness(url, tmp_path, seed=1) as harness:
        totals = harness.kill(30)
    assert totals.breaches == []
    assert totals.kills == 30
