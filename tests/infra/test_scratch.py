import os
from pathlib import Path

import pytest

from infra.local import scratch
from infra.local.scratch import make_scratch, ram_disk, scratch_places


def test_make_scratch_in_memory_is_private_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(scratch, "RAM_DISK", tmp_path / "memory")
    monkeypatch.setattr(scratch, "_ENOUGH_BYTES", 0)

    made = make_scratch(tmp_path / "stack")

    assert made == make_scratch(tmp_path / "stack") == scratch_places(tmp_path / "stack")[0]
    assert made != make_scratch(tmp_path / "another")
    assert (made.parent, made.stat().st_mode & 0o777) == (tmp_path / "memory", 0o700)


def test_make_scratch_without_room_in_memory_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_ENOUGH_BYTES", 2**62)
    assert ram_disk() is None
    assert make_scratch(tmp_path / "stack") == tmp_path / "stack" / "tmp"


def test_make_scratch_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "RAM_DISK", tmp_path)
    monkeypatch.setattr(scratch, "_ENOUGH_BYTES", 0)
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert make_scratch(tmp_path / "stack") == tmp_path / "stack" / "tmp"


def test_ram_disk_that_does_not_exist_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "RAM_DISK", tmp_path / "missing")
    assert ram_disk() is None
