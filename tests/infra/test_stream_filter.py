"""The event filter of the relay: posted entries, and wallets with a budget."""

import json
from typing import Any

import pytest

Template = dict[str, Any]


def matches(pattern: dict[str, Any], record: dict[str, Any]) -> bool:
    """Match a record like Lambda's event filtering, for the operators that the template uses."""
    for key, rule in pattern.items():
        value = record.get(key)
        if isinstance(rule, dict):
            if not isinstance(value, dict) or not matches(rule, value):
                return False
        elif not any(_fits(choice, value) for choice in rule):
            return False
    return True


def _fits(choice: Any, value: Any) -> bool:
    if not isinstance(choice, dict):
        return bool(choice == value)
    [(operator, operand)] = choice.items()
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if operator == "exists":
        return not isinstance(value, dict) and (value is not None) is operand
    assert operator == "anything-but"
    return value is not None and value not in operand


def image(status: str | None) -> dict[str, Any]:
    return {"status": {"S": status}} if status else {"coins": {"N": "1"}}


@pytest.fixture(scope="module")
def patterns(template: Template) -> list[dict[str, Any]]:
    source = template["Resources"]["Relay"]["Properties"]["Events"]["RelayDynamodbEventSource"]["Properties"]
    return [json.loads(found["Pattern"]) for found in source["FilterCriteria"]["Filters"]]


@pytest.mark.parametrize(
    ("event", "sort_key", "old", "new", "is_matched"),
    [
        ("INSERT", "ENTRY#1", None, "posted", True),
        ("MODIFY", "ENTRY#1", "pending", "posted", True),
        ("MODIFY", "ENTRY#1", "processing", "posted", True),
        ("MODIFY", "ENTRY#1", "expired", "posted", True),
        ("MODIFY", "ENTRY#1", "failed", "posted", True),
        ("MODIFY", "ENTRY#1", "posted", "posted", False),
        ("INSERT", "ENTRY#1", None, "pending", False),
        ("MODIFY", "ENTRY#1", "pending", "processing", False),
        ("REMOVE", "ENTRY#1", "pending", None, False),
        ("REMOVE", "ENTRY#1", "posted", None, False),
        ("MODIFY", "WALLET", None, None, False),
        ("INSERT", "GIFT#1", None, "posted", False),
        ("INSERT", "LANE", None, None, False),
    ],
)
def test_filter_matches_entries_when_posted(
    patterns: list[dict[str, Any]], event: str, sort_key: str, old: str | None, new: str | None, is_matched: bool
) -> None:
    images: dict[str, Any] = {"Keys": {"PK": {"S": "WALLET#fan"}, "SK": {"S": sort_key}}}
    if event != "INSERT":
        images["OldImage"] = image(old)
    if event != "REMOVE":
        images["NewImage"] = image(new)
    record = {"eventName": event, "dynamodb": images}
    assert any(matches(pattern, record) for pattern in patterns) is is_matched


@pytest.mark.parametrize(
    ("event", "sort_key", "new", "is_matched"),
    [
        ("MODIFY", "WALLET", {"budget": {"S": "[]"}}, True),
        ("MODIFY", "WALLET", {"coins": {"N": "1"}}, False),
        ("INSERT", "WALLET", {"budget": {"S": "[]"}}, False),
        ("REMOVE", "WALLET", {}, False),
        ("MODIFY", "ENTRY#1", {"budget": {"S": "[]"}}, False),
        ("MODIFY", "LANE", {"budget": {"S": "[]"}}, False),
    ],
)
def test_filter_matches_wallets_with_a_budget(
    patterns: list[dict[str, Any]], event: str, sort_key: str, new: dict[str, Any], is_matched: bool
) -> None:
    images = {"Keys": {"PK": {"S": "WALLET#fan"}, "SK": {"S": sort_key}}, "NewImage": new, "OldImage": {}}
    record = {"eventName": event, "dynamodb": images}
    assert any(matches(pattern, record) for pattern in patterns) is is_matched


def test_mapping_keeps_failed_records(template: Template) -> None:
    source = template["Resources"]["Relay"]["Properties"]["Events"]["RelayDynamodbEventSource"]["Properties"]
    assert source["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BisectBatchOnFunctionError"] is True
    assert source["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["RelayFailureQueue", "Arn"]}
