"""Queues and the functions that they feed."""

import re
from collections.abc import Callable
from typing import Any

from chalicelib.adapters.aws_session import CONFIG
from chalicelib.domain.economy import MAX_STREAK_SECONDS
from chalicelib.usecases.streaks import MAX_DELIVERIES, RUN_TIME
from infra.package import ROOT
from infra.policies import statements
from tests.adapters.test_time_limits import longest_call_seconds
from tests.faults.streak_timer import MAX_RECEIVE_COUNT, VISIBILITY
from tests.infra.packaged import Template, of_type
from tests.infra.test_policies import FUNCTIONS, as_list


def fed_by(function: dict[str, Any]) -> list[dict[str, str]]:
    """Return the queues that a function reads, as logical ids."""
    return [event["Properties"]["Queue"] for event in function.get("Events", {}).values() if event["Type"] == "SQS"]


def self_feeding(template: dict[str, Any], policy: Callable[[str], list[dict[str, Any]]]) -> set[str]:
    """Return the functions that may send to a queue that they read."""
    functions = {name.lower(): one["Properties"] for name, one in template["Resources"].items() if "Properties" in one}
    return {
        name
        for name in FUNCTIONS
        for statement in policy(name)
        if "sqs:SendMessage" in as_list(statement["Action"])
        for queue in as_list(statement["Resource"])
        if queue in fed_by(functions[name.replace("_", "").lower()])
    }


def test_only_functions_that_allow_it_send_to_a_queue_that_feeds_them(template: dict[str, Any]) -> None:
    # Lambda stops a chain of a function's messages to itself after about 16 rounds, unless its template allows it.
    properties = {name.lower(): one.get("Properties", {}) for name, one in template["Resources"].items()}
    allowed = {name for name, found in properties.items() if found.get("RecursiveLoop") == "Allow"}
    assert self_feeding(template, statements) == allowed == {"streaks"}
    source = (ROOT / "infra/resources.yaml").read_text()
    reasons = re.findall(r"((?: +#.*\n)+) +RecursiveLoop: Allow", source)
    assert len(reasons) == source.count("RecursiveLoop") == len(allowed), "each has its reason above it"


def test_self_feeding_finds_a_planted_function(template: dict[str, Any]) -> None:
    queue = template["Resources"]["Redrive"]["Properties"]["Events"]["RedriveSqsEventSource"]["Properties"]["Queue"]
    planted = [{"Action": "sqs:SendMessage", "Resource": [queue]}]
    assert self_feeding(template, lambda name: planted if name == "redrive" else []) == {"redrive"}


def test_streaks_are_given_up_by_the_function_alone(transformed: Template) -> None:
    queue = transformed["Resources"]["StreakQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVE_COUNT >= MAX_DELIVERIES + 100
    assert queue["VisibilityTimeout"] == VISIBILITY.total_seconds()
    function = of_type(transformed, "AWS::Lambda::Function")["Streaks"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert function["RecursiveLoop"] == "Allow"
    # A wallet is read, a message sent or an end written, and the messages are hidden, each with its retry.
    assert RUN_TIME.total_seconds() + 3 * longest_call_seconds(CONFIG) < function["Timeout"]


def test_queue_of_streaks_is_watched(template: Template) -> None:
    alarms = template["Resources"]
    full, old = (alarms[name]["Properties"] for name in ("StreakQueueFullAlarm", "StreakQueueAgeAlarm"))
    for alarm, metric in ((full, "ApproximateNumberOfMessagesNotVisible"), (old, "ApproximateAgeOfOldestMessage")):
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/SQS", metric, "Maximum")
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["StreakQueue", "QueueName"]}}]
    assert full["Threshold"] == 100_000
    # The age of a message counts until its third delivery. Active streaks hide it for their pause each time.
    assert old["Threshold"] >= 4 * MAX_STREAK_SECONDS


def test_dead_letters_of_streaks_are_moved_to_a_named_queue(template: Template) -> None:
    # The function sends them, so SQS does not know the queue that they come from.
    [command] = re.findall(r"`(.+ <StreakDeadLettersArn> .+)`", (ROOT / "infra/runbooks.md").read_text())
    assert command.endswith("--destination-arn <StreakQueueArn>")
    assert template["Outputs"]["StreakQueueArn"] == {"Value": {"Fn::GetAtt": ["StreakQueue", "Arn"]}}
