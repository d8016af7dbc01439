"""The ledger's rules through doubles of Athena's and DynamoDB's clients, which answer as their documentation shows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.operations.athena import AthenaLedger, export_table

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Athena:
    """Each statement is queued, runs, and ends in `state`; each has the same result, in two pages."""

    def __init__(self, state: str = "SUCCEEDED") -> None:
        self.statements: list[str] = []
        self._states = ["QUEUED", "RUNNING", state]

    def start_query_execution(self, **query: Any) -> dict[str, Any]:
        assert query["ResultConfiguration"] == {"OutputLocation": "s3://bucket/coinpurse/athena/"}
        self.statements.append(query["QueryString"])
        return {"QueryExecutionId": "q"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "a line is damaged"}}}

    def get_paginator(self, name: str) -> "Athena":
        assert name == "get_query_results"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for cells in ([{"VarCharValue": "subject"}, {"VarCharValue": "stored"}], [{"VarCharValue": "w"}, {}]):
            yield {"ResultSet": {"Rows": [{"Data": cells}]}}


class DynamoDB:
    def __init__(self, status: str) -> None:
        self._status = status

    def describe_table(self, **_: Any) -> dict[str, Any]:
        return {"Table": {"TableArn": "arn:table"}}

    def export_table_to_point_in_time(self, **request: Any) -> dict[str, Any]:
        assert (request["ExportFormat"], request["ExportType"]) == ("DYNAMODB_JSON", "FULL_EXPORT")
        return {"ExportDescription": {"ExportStatus": "IN_PROGRESS", "ExportArn": "arn:export"}}

    def describe_export(self, **_: Any) -> dict[str, Any]:
        manifest = "coinpurse/AWSDynamoDB/01-ab/manifest-summary.json"
        ended = {"ExportStatus": self._status, "ExportManifest": manifest, "ExportTime": AT, "FailureMessage": "denied"}
        return {"ExportDescription": ended}


def test_athena_rows_are_those_below_the_header() -> None:
    pauses: list[float] = []
    assert list(AthenaLedger(Athena(), "bucket", pauses.append).rows("SELECT")) == [["w", None]]
    assert len(pauses) == 2


def test_athena_load_runs_each_statement_of_the_prologue() -> None:
    athena = Athena()
    AthenaLedger(athena, "bucket", lambda _: None).load("s3://bucket/x", AT)
    begins = [next(line for line in each.splitlines() if line and line[:2] != "--") for each in athena.statements]
    assert [begin.split(" (")[0] for begin in begins] == [
        "CREATE DATABASE IF NOT EXISTS coinpurse_ledger",
        "DROP TABLE IF EXISTS ledger_export",
        "CREATE EXTERNAL TABLE ledger_export",
        "CREATE OR REPLACE VIEW items AS",
    ]
    assert "LOCATION 's3://bucket/x/data/'" in athena.statements[2]
    assert "'2026-11-28T12:00:00.000Z'" in athena.statements[3]


def test_athena_failure_is_reported_with_its_reason() -> None:
    with pytest.raises(SystemExit, match="a line is damaged"):
        list(AthenaLedger(Athena("FAILED"), "bucket", lambda _: None).rows("SELECT"))


def test_export_table_waits_for_the_export() -> None:
    assert export_table(DynamoDB("COMPLETED"), "ledger", "bucket", lambda _: None) == (
        "s3://bucket/coinpurse/AWSDynamoDB/01-ab",
        AT,
    )
    with pytest.raises(SystemExit, match="denied"):
        export_table(DynamoDB("FAILED"), "ledger", "bucket", lambda _: None)
