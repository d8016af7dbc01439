"""Alarms of the packaged template: each has a runbook, a metric that is counted, and periods that fit it."""

import json
import re
from typing import Any

import pytest

from chalicelib import telemetry
from chalicelib.adapters.aws.secrets import STALE_SECONDS
from chalicelib.adapters.tokens.issuer_keys import STALE_KEYS_SECONDS
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.work import PAUSES
from infra.package import ROOT
from tests.infra.packaged import Template, of_type
from tests.infra.test_template import WORKERS

PASSING = (
    *("ApiLatencyAlarm", "RelayLagAlarm", "StreaksErrorAlarm", "StreakQueueFullAlarm", "StreakQueueAgeAlarm"),
    *("SweptAlarm", "ReconcileBehindAlarm", "SweepBehindAlarm", "AuditBehindAlarm", "RelayIdleAlarm"),
)
"""Alarms of states that may pass by themselves. The others are of events that each need someone, of queues that only an
operator empties, of every run of an hour, or roll a deployment back."""

SOURCES = "".join(path.read_text() for path in (ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")))


def outcomes() -> set[str]:
    """Return the metric names that telemetry counts for outcomes."""
    counted: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telemetry, "count", lambda name, _amount: counted.add(name))
        for outcome in (Outcome.IN_REVIEW, Outcome.UNKNOWN_STATUS):
            telemetry.count_outcome(outcome)
    return counted


def test_alarms_have_a_runbook(template: Template) -> None:
    runbooks = re.findall(r"^### (\w+)$", (ROOT / "infra/runbooks.md").read_text(), re.MULTILINE)
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) >= 7
    assert sorted(runbooks) == sorted(alarms)


def test_alarms_notify_the_topic(template: Template) -> None:
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name


def test_descriptions_of_alarms_name_the_runbook(template: Template) -> None:
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmDescription"].endswith(f". infra/runbooks.md, {name}"), name


@pytest.mark.parametrize("name", PASSING)
def test_alarms_of_what_may_pass_need_two_of_three_periods(template: Template, name: str) -> None:
    alarm = template["Resources"][name]["Properties"]
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 2)


@pytest.mark.parametrize("name", ["ParkedAlarm", "CouldNotTellAlarm"])
def test_alarms_of_items_ring_for_a_failed_retry_of_a_worker_that_has_work_each_hour(
    template: Template, name: str
) -> None:
    alarm = template["Resources"][name]["Properties"]
    assert alarm["DatapointsToAlarm"] == 2
    assert (alarm["EvaluationPeriods"] - 1) * alarm["Period"] >= 3600 + PAUSES[0].total_seconds()


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("PaymentInReviewAlarm", "PaymentInReview"),
        ("OpenReviewsAlarm", "OpenReviews"),
        ("LateFailureAlarm", "LateFailure"),
        ("UnknownStatusAlarm", "WebhookUnknownStatus"),
        ("MismatchAlarm", "Mismatch"),
        ("HealedAlarm", "Healed"),
        ("ReconcileBehindAlarm", "ReconcileBehind"),
        ("UnforeseenAlarm", "Unforeseen"),
        ("StaleKeysAlarm", "StaleKeys"),
        ("StaleSecretsAlarm", "StaleSecrets"),
        ("PaymentUnavailableAlarm", "PaymentUnavailable"),
        ("SweptAlarm", "Swept"),
        ("SweepBehindAlarm", "SweepBehind"),
        ("AuditBehindAlarm", "AuditBehind"),
        ("ParkedAlarm", "Parked"),
        ("ParkedGoneAlarm", "ParkedGone"),
        ("CouldNotTellAlarm", "CouldNotTell"),
    ],
)
def test_alarm_metrics_are_those_of_telemetry(
    template: Template, capsys: pytest.CaptureFixture[str], name: str, metric: str
) -> None:
    assert f'"{metric}"' in SOURCES or metric in outcomes()
    with telemetry.invocation("request"):
        telemetry.count(metric)
    emitted = json.loads(capsys.readouterr().out.splitlines()[-1])
    [directive] = emitted["_aws"]["CloudWatchMetrics"]
    alarm = template["Resources"][name]["Properties"]
    assert directive["Namespace"] == alarm["Namespace"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [alarm["MetricName"]]
    dimensions = {found["Name"]: found["Value"]["Fn::Sub"].replace("${Stage}", "test") for found in alarm["Dimensions"]}
    assert {name: emitted[name] for names in directive["Dimensions"] for name in names} == dimensions


@pytest.mark.parametrize(
    ("name", "stale_seconds"), [("StaleKeysAlarm", STALE_KEYS_SECONDS), ("StaleSecretsAlarm", STALE_SECONDS)]
)
def test_alarms_of_stale_values_ignore_one_failure_and_leave_time_to_act(
    template: Template, name: str, stale_seconds: int
) -> None:
    alarm = template["Resources"][name]["Properties"]
    assert alarm["DatapointsToAlarm"] > 1
    assert alarm["EvaluationPeriods"] * alarm["Period"] <= stale_seconds / 2


@pytest.mark.parametrize("name", ["SweepBehindAlarm", "AuditBehindAlarm", "ReconcileBehindAlarm"])
def test_alarms_of_positions_ring_after_an_hour(template: Template, name: str) -> None:
    alarm = template["Resources"][name]["Properties"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
        "Maximum",
        60,
        "GreaterThanThreshold",
    )


@pytest.mark.parametrize(
    ("invocations", "posted", "rings"),
    [(None, 5, True), (0, 1, True), (3, 5, False), (3, None, False), (None, None, False)],
)
def test_alarm_of_an_idle_relay_rings_while_entries_are_posted(
    template: Template, invocations: int | None, posted: int | None, *, rings: bool
) -> None:
    """Neither metric has data while nothing happens."""
    alarm = template["Resources"]["RelayIdleAlarm"]["Properties"]
    idle, *metrics = alarm["Metrics"]
    values: dict[str, Any] = {"invocations": invocations, "posted": posted}
    values["FILL"] = lambda value, other: other if value is None else value
    values["CHOOSE"] = lambda condition, one, other: one if condition else other
    result = eval(idle["Expression"].replace("IF(", "CHOOSE("), values)  # our own template
    assert (result > alarm["Threshold"]) is rings
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert [(metric["Id"], metric["ReturnData"]) for metric in metrics] == [("invocations", False), ("posted", False)]


def test_alarm_of_an_idle_relay_reads_invocations_and_writes_of_the_index(template: Template) -> None:
    resources = template["Resources"]
    _, invocations, posted = resources["RelayIdleAlarm"]["Properties"]["Metrics"]
    [index] = resources["Table"]["Properties"]["GlobalSecondaryIndexes"]
    assert invocations["MetricStat"]["Metric"] == {
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Relay"}}],
    }
    assert posted["MetricStat"]["Metric"] == {
        "Namespace": "AWS/DynamoDB",
        "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [
            {"Name": "TableName", "Value": {"Ref": "Table"}},
            {"Name": "GlobalSecondaryIndexName", "Value": index["IndexName"]},
        ],
    }
    assert {(each["MetricStat"]["Period"], each["MetricStat"]["Stat"]) for each in (invocations, posted)} == {
        (300, "Sum")
    }
    # A note of the publication is no posted entry: the index does not have its attribute.
    assert "announced_at" not in index["Projection"]["NonKeyAttributes"]


@pytest.mark.parametrize("name", WORKERS)
def test_worker_errors_have_an_alarm(template: Template, name: str) -> None:
    alarm = template["Resources"][f"{name}ErrorAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
    # A schedule that stops causes no errors, only missing data. Queue consumers may be idle.
    assert (alarm["TreatMissingData"] == "breaching") is (name not in {"Redrive", "Streaks"})


@pytest.mark.parametrize("name", ["Sweep", "Audit"])
def test_worker_of_many_shards_has_an_alarm_for_a_single_one(template: Template, name: str) -> None:
    alarm = template["Resources"][f"{name}ErrorAlarm"]["Properties"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["Period"]) == ("Sum", 1, 600)
    assert "DatapointsToAlarm" not in alarm


def test_api_alarms_have_the_name_of_the_api(template: Template) -> None:
    title = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["info"]["title"]
    dimensions = template["Resources"]["ApiErrorAlarm"]["Properties"]["Dimensions"]
    assert {"Name": "ApiName", "Value": title} in dimensions
