"""Schedules of the background workers in the deployed template."""

import json

import pytest

from chalicelib.domain.journal import JOURNAL_SHARDS
from tests.infra.packaged import Template, of_type


@pytest.mark.parametrize(
    ("name", "minutes", "parts"), [("Sweep", 5, JOURNAL_SHARDS), ("Reconcile", 15, 0), ("Audit", 5, JOURNAL_SHARDS)]
)
def test_worker_times_out_before_its_next_run(transformed: Template, name: str, minutes: int, parts: int) -> None:
    function = of_type(transformed, "AWS::Lambda::Function")[name]
    rules = [
        found
        for found in of_type(transformed, "AWS::Events::Rule").values()
        if found["Targets"][0]["Arn"] == {"Fn::GetAtt": [name, "Arn"]}
    ]
    every = "rate(1 hour)" if minutes == 60 else f"rate({minutes} minutes)"
    assert {rule["ScheduleExpression"] for rule in rules} == {every}
    inputs = [json.loads(rule["Targets"][0]["Input"]) for rule in rules if "Input" in rule["Targets"][0]]
    assert sorted(each["part"] for each in inputs) == list(range(parts))
    assert len(rules) == max(parts, 1)
    assert function["Timeout"] < minutes * 60
    retries = [
        found
        for found in of_type(transformed, "AWS::Lambda::EventInvokeConfig").values()
        if found["FunctionName"] == {"Ref": name}
    ]
    assert [found["MaximumRetryAttempts"] for found in retries] == [0]
