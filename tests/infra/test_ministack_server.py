"""The copy of the functions' code that MiniStack's workers share."""

import tempfile
import zipfile
from pathlib import Path

import pytest

from infra.local.ministack_server import CodeFile


def test_code_file_is_unpacked_once_per_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, text in (("first", "one"), ("repeat", "one"), ("other", "two")):
        (tmp_path / name / "code").mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / name / "code.zip", "w") as written:
            written.writestr(zipfile.ZipInfo("package/module.py"), text)
        with CodeFile(tmp_path / name / "code.zip") as code:
            code.extractall(tmp_path / name / "code")

    read = [(tmp_path / name / "code/package/module.py").read_text() for name in ("first", "repeat", "other")]
    assert read == ["one", "one", "two"]
    first, repeat, other = ((tmp_path / name / "code").readlink() for name in ("first", "repeat", "other"))
    assert first == repeat != other
    assert {first.parent, other.parent} == {tmp_path}
