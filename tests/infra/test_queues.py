"""Queues and the functions that they feed."""

import re
from collections.abc import Callable
from typing import Any

from chalicelib.usecases.streaks import MAX_DELIVERIES
from infra.package import ROOT
from infra.policies import statements
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
