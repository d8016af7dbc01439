"""Full exports: those that are written from a scan, and directories that hold none."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.operations import exports
from infra.operations.exports import BadExport, Export, write_export
from infra.operations.ledger_rules import duck_ledger
from infra.operations.table_reads import RawItem

BEGAN = datetime(2026, 11, 28, 12, tzinfo=UTC)
ITEMS: list[RawItem] = [
    {"PK": {"S": "WALLET#ann"}, "SK": {"S": "WALLET"}, "coins": {"N": "5"}, "seen": {"B": b"\x00\xff"}},
    {"PK": {"S": "WALLET#ben"}, "SK": {"S": "WALLET"}, "facts": {"M": {"coins": {"N": "9"}}}},
    {"PK": {"S": "WALLET#\u2603"}, "SK": {"S": "WALLET"}, "gone": {"NULL": True}},
]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """An export in two files."""
    monkeypatch.setattr(exports, "ITEMS_PER_FILE", 2)
    return write_export(ITEMS, tmp_path / 'it\'s "an" export', BEGAN)


def test_export_has_dynamodb_files_and_manifest(export: Export) -> None:
    files = [json.loads(line) for line in (export.directory / exports.FILES).read_text().splitlines()]
    assert [(each["itemCount"], each["dataFileS3Key"]) for each in files] == [
        (2, "data/00000.json.gz"),
        (1, "data/00001.json.gz"),
    ]
    summary = json.loads((export.directory / exports.SUMMARY).read_text())
    assert (summary["itemCount"], summary["outputFormat"], summary["exportType"], summary["exportTime"]) == (
        3,
        "DYNAMODB_JSON",
        "FULL_EXPORT",
        "2026-11-28T12:00:00.000Z",
    )
    with gzip.open(export.directory / "data" / "00000.json.gz", "rt") as lines:
        assert json.loads(next(lines)) == {"Item": {**ITEMS[0], "seen": {"B": "AP8="}}}


def test_export_is_read_by_the_engine(export: Export) -> None:
    with duck_ledger(export) as ledger:
        assert list(ledger.rows("SELECT pk, coins FROM items ORDER BY pk")) == [
            ("WALLET#ann", 5),
            ("WALLET#ben", None),
            ("WALLET#\u2603", None),
        ]


def test_export_of_no_items_has_one_file(tmp_path: Path) -> None:
    with duck_ledger(write_export([], tmp_path, BEGAN)) as ledger:
        assert list(ledger.rows("SELECT pk FROM items")) == []


def rewrite(export: Export, **changes: object) -> None:
    path = export.directory / exports.SUMMARY
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_export_without_type_is_full(export: Export) -> None:
    rewrite(export, exportType="FULL_EXPORT")
    assert Export.read(export.directory) == export


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"exportType": "INCREMENTAL_EXPORT"}, "no full export"), ({"outputFormat": "ION"}, "no full export")],
)
def test_export_of_another_kind_is_refused(export: Export, changes: dict[str, object], problem: str) -> None:
    rewrite(export, **changes)
    with pytest.raises(BadExport, match=problem):
        Export.read(export.directory)


def test_export_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match=r"has no manifest-summary.json"):
        Export.read(tmp_path)


def test_export_without_a_file_is_refused(export: Export) -> None:
    (export.directory / "data" / "00001.json.gz").unlink()
    with pytest.raises(BadExport, match="lacks 1 of 2 files"):
        Export.read(export.directory)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(b'{"Item": {}}\n' * 2), "has 4 of 3 items"),
        (gzip.compress(b'{"Item": \n'), "cannot be read"),
        (b"no gzip", "cannot be read"),
    ],
)
def test_export_with_damaged_data_is_refused(export: Export, content: bytes, problem: str) -> None:
    (export.directory / "data" / "00001.json.gz").write_bytes(content)
    with pytest.raises(BadExport, match=problem), duck_ledger(export):
        pass
