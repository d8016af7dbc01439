"""Full exports of the table: DynamoDB's own, and those written from a scan in the same format.

The format is DYNAMODB_JSON: gzipped lines `{"Item": {...}}` in `data/`, with `manifest-summary.json` and
`manifest-files.json` beside it.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TypedDict

from chalicelib.domain.ids import iso
from infra.operations.table_reads import RawItem

SUMMARY: Final = "manifest-summary.json"
FILES: Final = "manifest-files.json"
ITEMS_PER_FILE: Final = 250_000
"""Several files, because DuckDB reads one gzipped file with one thread."""
_FORMAT, _TYPE = "DYNAMODB_JSON", "FULL_EXPORT"


class DataFile(TypedDict):
    """A line of the manifest of files."""

    itemCount: int  # DynamoDB's name, as the others
    md5Checksum: str
    etag: str
    dataFileS3Key: str


class BadExport(Exception):
    """Raised for a directory that holds no complete full export. The message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A full export in a directory."""

    directory: Path
    began_at: datetime
    """All items are at least as new as this."""
    items: int

    @property
    def data(self) -> str:
        """The pattern of the data files."""
        return f"{self.directory}/data/*.json.gz"

    @classmethod
    def read(cls, directory: Path) -> "Export":
        """Read the manifest of an export, such as one that `aws s3 sync` has copied.

        Raises:
            BadExport: there is none, it is incremental, or files are missing.
        """
        try:
            summary: dict[str, Any] = json.loads((directory / SUMMARY).read_text())
            lines = (directory / FILES).read_text().splitlines()
        except FileNotFoundError as missing:
            raise BadExport(f"{directory} has no {Path(missing.filename).name}") from missing
        # Exports from before incremental ones existed do not name their type.
        if (summary["outputFormat"], summary.get("exportType", _TYPE)) != (_FORMAT, _TYPE):
            raise BadExport(f"{directory} is no full export in {_FORMAT}")
        names = {Path(json.loads(line)["dataFileS3Key"]).name for line in lines}
        if missing_files := names - {path.name for path in (directory / "data").glob("*.json.gz")}:
            raise BadExport(f"{directory}/data lacks {len(missing_files)} of {len(names)} files")
        began_at = datetime.fromisoformat(summary["exportTime"])
        return cls(directory=directory, began_at=began_at, items=summary["itemCount"])


def write_export(items: Iterable[RawItem], directory: Path, began_at: datetime) -> Export:
    """Write items as an export. `began_at` is a time before the first read."""
    files = (write_file(directory, number, part) for number, part in enumerate(_parts(items)))
    return write_manifest(directory, list(files), began_at)


def write_file(directory: Path, number: int, items: Iterable[RawItem]) -> DataFile:
    """Write a data file. The same items make the same file."""
    path, count = directory / "data" / f"{number:05}.json.gz", 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as file:
        for item in items:
            file.write(json.dumps({"Item": item}, default=_base64, sort_keys=True).encode() + b"\n")
            count += 1
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, lambda: hashlib.md5(usedforsecurity=False))
    return {
        "itemCount": count,
        "md5Checksum": base64.b64encode(digest.digest()).decode(),
        "etag": digest.hexdigest(),
        "dataFileS3Key": f"data/{path.name}",
    }


def write_manifest(directory: Path, files: Sequence[DataFile], began_at: datetime) -> Export:
    """Write the manifest of the data files."""
    began = iso(began_at)
    summary = {
        "version": "2020-06-30",
        "startTime": began,
        "exportTime": began,
        "manifestFilesS3Key": FILES,
        "itemCount": sum(each["itemCount"] for each in files),
        "outputFormat": _FORMAT,
        "exportType": _TYPE,
    }
    (directory / FILES).write_text("".join(json.dumps(each) + "\n" for each in files))
    (directory / SUMMARY).write_text(json.dumps(summary) + "\n")
    return Export.read(directory)


def _parts(items: Iterable[RawItem]) -> Iterator[Iterable[RawItem]]:
    """Split the items into those of each file, at least one."""
    rest = iter(items)
    yield islice(rest, ITEMS_PER_FILE)
    for first in rest:
        yield chain([first], islice(rest, ITEMS_PER_FILE - 1))


def _base64(value: bytes) -> str:
    """Encode a binary attribute as an export does."""
    return base64.b64encode(value).decode()
