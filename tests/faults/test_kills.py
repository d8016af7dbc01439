"""Repeated `kill -9` of processes that work on a store with real transactions."""

from pathlib import Path

from infra.local.ministack import ministack
from tests.faults.kills import shooting_range


def test_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    """Kill 30 processes; `make faults` kills thousands."""
    with ministack(tmp_path / "ministack") as url, shooting_range(url, tmp_path, seed=1) as place:
        toll = place.kill(30)
    assert toll.wrongs == []
    assert toll.kills == 30
