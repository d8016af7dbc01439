"""The recorder of requests and capacity units."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.recorder import Counts, Recorder, capacity


@pytest.mark.parametrize(
    ("response", "units"),
    [
        ({}, 0),
        ({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}}, 1),
        ({"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 5.0}, {"CapacityUnits": 2.0}]}, 7),
    ],
)
def test_capacity_sums_all_tables(response: dict[str, Any], units: float) -> None:
    assert capacity(response) == units


def test_recorder_counts_requests_by_service_and_units_by_kind() -> None:
    client = Client()
    recorder = Recorder()
    recorder.attach(client)

    def act() -> None:
        for operation, units in (("GetItem", 1.0), ("TransactWriteItems", 5.0)):
            client.emit("provide-client-params.dynamodb.*", params={"Key": operation})
            client.emit("before-send.*.*", event_name=f"before-send.dynamodb.{operation}")
            response = {"ConsumedCapacity": {"CapacityUnits": units}}
            client.emit("after-call.dynamodb.*", event_name=f"after-call.dynamodb.{operation}", parsed=response)
        client.emit("before-send.*.*", event_name="before-send.sns.PublishBatch")

    _, counted = recorder.record(act)
    assert counted.requests == {"dynamodb": 2, "sns": 1}
    assert (counted.read_units, counted.write_units) == (1, 5)
    assert recorder.parameters == {"Key": "TransactWriteItems"}, "without what the recorder adds"
    assert recorder.record(lambda: None) == (None, Counts())


class Client:
    """A botocore client with event hooks only."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}

    @property
    def meta(self) -> "Client":
        return self

    @property
    def events(self) -> "Client":
        return self

    def register(self, event_name: str, handler: Callable[..., None]) -> None:
        self.handlers[event_name] = handler

    def emit(self, event: str, **fields: object) -> None:
        self.handlers[event](**{"event_name": event, **fields})
