"""Recompute the whole ledger from its entries: `make rebuild-check STAGE=prod`.

Runs the rules of `rebuild/*.sql` over a full export: one that is written from a scan of the table, a downloaded one
(`--export DIR`), or one in S3 that Athena reads (`--bucket NAME`, not run on AWS so far). None is a snapshot, so each
wrong figure is computed again from its partitions before it counts. Writes nothing to the table. `local` is the stack
of `make up`; for the other stages boto3's default credentials, region and AWS_ENDPOINT_URL are used. Exits with 1 on a
mismatch.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import boto3

from infra.deploy import stack_outputs
from infra.local.facts import StackFacts, aws_session
from infra.operations.athena import AthenaLedger, export_table
from infra.operations.exports import BadExport, DataFile, Export, write_export, write_file, write_manifest
from infra.operations.ledger_rules import (
    MAX_LISTED,
    Ledger,
    Totals,
    WrongFigure,
    duck_ledger,
    find_wrong_figures,
    read_totals,
)
from infra.operations.table_reads import TableReader
from infra.package import ROOT, STAGES

TRANSIT_TIME: Final = timedelta(minutes=30)
"""The time for a gift to reach its creator: seconds, or until the second sweep if the stream lost it."""
_MAX_READINGS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a check."""

    totals: Totals
    candidates: int
    """Figures that did not match in the export."""
    breaches: Sequence[WrongFigure] = ()
    """Those of them that do not match now either."""
    moving: Sequence[WrongFigure] = ()
    """Those whose partitions changed at each reading."""
    unlisted: int = 0
    """Those that were not read again, because there are too many."""

    @property
    def is_clean(self) -> bool:
        """True if every figure was found right."""
        return not self.breaches and not self.moving and not self.unlisted

    def lines(self) -> Iterator[str]:
        """Format the result for an operator."""
        totals = self.totals
        yield f"{totals.wallets} wallets hold {totals.coins_held} coins by {totals.entries} posted entries"
        yield (
            f"{totals.creators} creators earned {totals.coins_earned} coins in {totals.shards} shards "
            f"by {totals.gifts} gifts"
        )
        if totals.in_transit > 0:
            yield f"{totals.in_transit} gifts are in transit to their creators"
        yield from map(str, self.breaches)
        yield from (f"{figure} (its partition changes at each reading)" for figure in self.moving)
        if self.candidates:
            yield (
                f"{self.candidates} figures did not match in the export; of those read again, "
                f"{len(self.breaches)} do not match, {len(self.moving)} are undecided."
            )
        if self.unlisted:
            yield f"{self.unlisted} of them were not read again: the first {MAX_LISTED} of a rule are."
        if self.is_clean:
            yield "All figures match the entries."


def check_export(export: Export, reader: TableReader) -> Report:
    """Check an export, and look again at the table. Raises BadExport for an incomplete one."""
    settled = export.began_at - TRANSIT_TIME
    with duck_ledger(export, settled) as ledger:
        return check_ledger(ledger, reader, settled)


def check_ledger(ledger: Ledger, reader: TableReader, settled: datetime) -> Report:
    """Run the rules in an engine, and look again at the table."""
    totals, findings = read_totals(ledger), find_wrong_figures(ledger)
    breaches, moving = look_again(findings.listed, reader, settled)
    return Report(
        totals=totals,
        candidates=findings.total,
        breaches=breaches,
        moving=moving,
        unlisted=findings.total - len(findings.listed),
    )


def look_again(
    found: Sequence[WrongFigure], reader: TableReader, settled: datetime
) -> tuple[list[WrongFigure], list[WrongFigure]]:
    """Compute wrong figures again from the present state of their partitions.

    Returns:
        Those that are wrong still, and those that are wrong in a partition that changed at each reading. A figure that
        comes from no partition in particular is of entries that rest, and is wrong still.
    """
    keys = sorted({key for figure in found for key in figure.partitions})
    if not keys:
        return list(found), []
    with tempfile.TemporaryDirectory(prefix="coinpurse-look-") as directory:
        export, moved = _read_partitions(reader, keys, Path(directory))
        with duck_ledger(export, settled) as ledger:
            findings = find_wrong_figures(ledger, among={figure.name for figure in found})
    now = {figure.name: figure for figure in findings.listed}
    still = [now.get(figure.name, figure) for figure in found if figure.name in now or not figure.partitions]
    return (
        [figure for figure in still if not figure.partitions & moved],
        [figure for figure in still if figure.partitions & moved],
    )


def _read_partitions(reader: TableReader, keys: Iterable[str], directory: Path) -> tuple[Export, set[str]]:
    """Read each partition until two readings agree. Returns the keys of those that never did.

    Shards sort before wallets, so that a gift that was read in a shard is in the wallet that is read later.
    """
    files: list[DataFile] = []
    moved = set()
    for number, key in enumerate(keys):
        readings = [write_file(directory, number, reader.partition(key))]
        while len(readings) < _MAX_READINGS and readings[-1:] != readings[-2:-1]:
            readings.append(write_file(directory, number, reader.partition(key)))
        if readings[-1:] != readings[-2:-1]:
            moved.add(key)
        files.append(readings[-1])
    return write_manifest(directory, files, datetime.now(UTC)), moved


def _reader(stage: str) -> TableReader:
    if stage != "local":
        return TableReader(boto3.client("dynamodb"), stack_outputs(stage)["TableName"])
    facts = StackFacts.read(ROOT / ".local")
    if facts is None:
        raise SystemExit("The local cloud is not running. Start it with: make up")
    client = aws_session(facts.aws_region).client("dynamodb", endpoint_url=facts.aws_endpoint_url)
    return TableReader(client, facts.table_name)


def main() -> int:
    """Run the command. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.operations.rebuild_check", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--bucket", help="export the table to this S3 bucket, and let Athena check it there")
    parser.add_argument("--export", type=Path, metavar="DIR", help="check this full export, copied from S3")
    arguments = parser.parse_args()
    reader = _reader(arguments.stage)
    if arguments.bucket:
        return _end(_check_in_athena(reader, arguments.bucket))
    with tempfile.TemporaryDirectory(prefix="coinpurse-export-") as directory:
        try:
            export = (
                Export.read(arguments.export)
                if arguments.export
                else write_export(reader.scan(), Path(directory), datetime.now(UTC))
            )
            report = check_export(export, reader)
        except BadExport as error:
            raise SystemExit(f"{error}.") from error
    return _end(report)


def _check_in_athena(reader: TableReader, bucket: str) -> Report:
    location, exported_at = export_table(reader.client, reader.name, bucket)
    ledger, settled = AthenaLedger(boto3.client("athena"), bucket), exported_at - TRANSIT_TIME
    ledger.load(location, settled)
    return check_ledger(ledger, reader, settled)


def _end(report: Report) -> int:
    print("\n".join(report.lines()))
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
