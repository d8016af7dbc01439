"""kill -9, again and again, of processes that do real work on a store that really is atomic."""

from pathlib import Path

from infra.local.ministack import ministack
from tests.faults.kills import shooting_range


def test_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    """Kill 30 processes; `make faults` kills thousands."""
    with ministack(tmp_path / "ministack") as url, shooting_range(url, tmp_path, seed=1) as place:
        toll = place.kill(30)
    assert toll.wrongs == []
    assert toll.kills == 30
