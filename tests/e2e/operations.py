"""Access to the deployed stack for its operators: table, functions, schedules and settings."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import Key
from botocore.config import Config

from chalicelib.adapters.dynamodb.keys import WATERMARK, watermark_key
from chalicelib.adapters.dynamodb.models import Row, WatermarkRow, bind
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.usecases.event_slices import Walks
from chalicelib.usecases.reconcile import PART
from chalicelib.usecases.recovery import SETTLE_DELAY
from infra.local.client import Fan, Reply
from infra.local.deployment import Deployer
from infra.local.facts import StackFacts, aws_session
from infra.local.warmup import warm_api
from tests.stores import cloud_at

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

AT_ONCE: Final = 4
"""Concurrent requests of a test, and API workers. Each worker's start takes a second of CPU time."""


def settled_time() -> datetime:
    """Return a time whose hour sweep and audit read next, and that they take for settled.

    A fixed age would sometimes lie in the hour before, which their watermarks have passed.
    """
    return (datetime.now(UTC) - SETTLE_DELAY).replace(minute=0, second=0, microsecond=0)


def grant(operator: Fan, fan: Fan, coins: int, key: str | None = None) -> Reply:
    """Grant coins to a fan."""
    return operator.post(
        "/operator/grants", {"user_id": fan.user_id, "coins": coins, "reason": "a stream broke down"}, key
    )


class Cloud:
    """The resources of the deployed stack."""

    def __init__(self, facts: StackFacts) -> None:
        self._facts, self._session = facts, aws_session(facts.aws_region)
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="coinpurse")
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        self.names = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in summaries}
        self.functions = [
            found["PhysicalResourceId"] for found in summaries if found["ResourceType"].endswith("::Function")
        ]
        resource = self._session.resource("dynamodb", endpoint_url=facts.aws_endpoint_url)
        self.table: Table = resource.Table(facts.table_name)

    def client(self, service: Any) -> Any:
        # A worker may take minutes, and a call that is sent again would be another run.
        config = Config(read_timeout=600, retries={"total_max_attempts": 1})
        return self._session.client(service, endpoint_url=self._facts.aws_endpoint_url, config=config)

    def invoke(self, function: str) -> dict[str, int]:
        """Invoke a worker as its schedule does. Returns its result."""
        event: dict[str, object] = dict.fromkeys(("version", "account", "region", "detail", "detail-type"), "")
        event |= {"source": "aws.events", "time": "", "id": "", "resources": []}
        answer = self.client("lambda").invoke(FunctionName=self.names[function], Payload=json.dumps(event).encode())
        result: dict[str, int] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def rewind_reconcile(self) -> None:
        """Let reconcile read the last hour's events again, as a test does that acts in the past."""
        since = datetime.now(UTC) - timedelta(hours=1)
        with self.local_adapters() as table_name:
            DynamoWorkPositions(table_name).rewind(PART, Walks(events=since, late=since).text)

    def switch_catalogue(self, catalogue: str) -> None:
        """Set the catalogue of every function, as the template's parameter does, and start API and relay."""
        with ThreadPoolExecutor() as pool:  # each function waits for its old workers to end
            list(pool.map(partial(self._switch, self.client("lambda"), catalogue), self.functions))
            relay = pool.submit(Deployer(self._facts.aws_endpoint_url).warm_relay, self.names["Relay"])
            warm_api(self._facts, 1)
            relay.result()

    def _switch(self, client: Any, catalogue: str, function: str) -> None:
        variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        changed = {"Variables": variables | {"CATALOGUE": catalogue}}
        client.update_function_configuration(FunctionName=function, Environment=changed)
        client.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})

    @contextmanager
    def without_relay(self) -> Iterator[None]:
        """Disable the relay's event source mapping within the block."""
        client = self.client("lambda")
        (mapping,) = client.list_event_source_mappings(FunctionName=self.names["Relay"])["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def pass_empty_hours(self) -> None:
        """Let sweep and audit begin with the present hours: a journal of two empty days is a thousand queries."""
        with self.local_adapters() as table_name:
            bind(table_name)
            for worker in ("sweep", "audit"):
                WatermarkRow(watermark_key(worker), WATERMARK, at=settled_time()).save()

    @contextmanager
    def local_adapters(self) -> Iterator[str]:
        """Let this process's DynamoDB adapters use the stack's table within the block. Yields its name."""
        with cloud_at(self._facts.aws_endpoint_url):
            Row._connection = None  # PynamoDB caches one connection per class, here perhaps another store's
            try:
                yield self._facts.table_name
            finally:
                Row._connection = None

    def log_of(self, function: str) -> str:
        """Return the function's log so far."""
        pages = self.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=self.names[f"{function}LogGroup"])
        return "\n".join(event["message"] for page in found for event in page["events"])

    def shard_items(self, creator_id: str, shard: str) -> list[dict[str, Any]]:
        wanted = Key("PK").eq(f"CREATOR#{creator_id}#{shard}")
        return [dict(item) for item in self.table.query(KeyConditionExpression=wanted, ConsistentRead=True)["Items"]]
