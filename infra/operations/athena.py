"""The ledger's rules over an export in S3, run by Athena.

Not run on AWS so far: its test has doubles of the clients.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from chalicelib.domain.ids import iso
from infra.operations.ledger_rules import query

DATABASE: Final = "coinpurse_ledger"
_PREFIX: Final = "coinpurse"
_POLL_SECONDS: Final = 5.0


class AthenaLedger:
    """An export in S3, through Athena's API. Results are written to `bucket`, too."""

    def __init__(self, client: Any, bucket: str, wait: Callable[[float], None] = time.sleep) -> None:  # noqa: ANN401
        self._client, self._wait = client, wait
        self._results = {"OutputLocation": f"s3://{bucket}/{_PREFIX}/athena/"}

    def load(self, location: str, settled: datetime) -> None:
        """Define the view on the export at an address."""
        list(self.rows(f"CREATE DATABASE IF NOT EXISTS {DATABASE}"))
        prologue = query("athena").replace("{location}", location).replace("{settled}", iso(settled))
        for statement in filter(str.strip, prologue.split(";\n")):
            list(self.rows(statement))

    def rows(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a statement, and fetch its rows page by page. Raises SystemExit with Athena's reason if it fails."""
        name = self._client.start_query_execution(
            QueryString=statement,
            QueryExecutionContext={"Database": DATABASE},
            ResultConfiguration=self._results,
        )["QueryExecutionId"]
        while (status := self._status(name))["State"] in {"QUEUED", "RUNNING"}:
            self._wait(_POLL_SECONDS)
        if status["State"] != "SUCCEEDED":
            _fail("Athena", status.get("StateChangeReason"))
        is_header = True
        for page in self._client.get_paginator("get_query_results").paginate(QueryExecutionId=name):
            for row in page["ResultSet"]["Rows"]:
                if not is_header:
                    yield [cell.get("VarCharValue") for cell in row["Data"]]
                is_header = False

    def _status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self._client.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"]
        return status


def export_table(
    client: Any,  # noqa: ANN401
    table: str,
    bucket: str,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[str, datetime]:
    """Export a table to S3 in full. Returns the export's address, and the time of its items.

    Raises:
        SystemExit: the export failed; the message has DynamoDB's reason.
    """
    export = client.export_table_to_point_in_time(
        TableArn=client.describe_table(TableName=table)["Table"]["TableArn"],
        S3Bucket=bucket,
        S3Prefix=_PREFIX,
        ExportFormat="DYNAMODB_JSON",
        ExportType="FULL_EXPORT",
    )["ExportDescription"]
    while export["ExportStatus"] == "IN_PROGRESS":
        wait(_POLL_SECONDS)
        export = client.describe_export(ExportArn=export["ExportArn"])["ExportDescription"]
    if export["ExportStatus"] != "COMPLETED":
        _fail("DynamoDB", export.get("FailureMessage"))
    directory = export["ExportManifest"].rpartition("/")[0]
    return f"s3://{bucket}/{directory}", export["ExportTime"]


def _fail(service: str, reason: str | None) -> NoReturn:
    raise SystemExit(f"{service} failed: {reason}")
