"""Events that Lambda functions are called with: of API Gateway and of the table's stream."""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from stripe import WebhookSignature
from uuid_utils import uuid7

from infra.local.client import post_form
from infra.local.facts import aws_session
from tests.bench.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams.type_defs import RecordTypeDef

Call = Mapping[str, Any]


class _Token(msgspec.Struct):
    access_token: str


class Fan:
    """A signed-in user. Every call has a new idempotency key unless one is given."""

    def __init__(self, stack: Stack, user_id: str) -> None:
        reply = post_form(f"{stack.facts.issuer_url}/token", {"sub": user_id})
        self._bearer = f"Bearer {reply.read(200, _Token).access_token}"

    def checkout(self, bundle_id: str) -> Call:
        """Build a call that opens a checkout in US dollars on the web."""
        return self._post("/v1/checkout-sessions", {"bundle_id": bundle_id})

    def gift(self, creator_id: str, item_id: str = "rose", key: str = "", **fields: str | int) -> Call:
        """Build a call that sends one gift."""
        return self._post("/v1/gifts", {"creator_id": creator_id, "item_id": item_id, **fields}, key)

    def coins(self, kind: str, creator_id: str, coins: int, message: str = "") -> Call:
        """Build a call that sends a cheer or a super chat."""
        return self._post("/v1/gifts", {"creator_id": creator_id, "kind": kind, "coins": coins, "message": message})

    def budget(self, **coins: int) -> Call:
        """Build a call that sets budgets of a day, a week or a month."""
        return self._request("PUT", "/v1/budgets", {"zone": "UTC", "coins": coins})

    def _post(self, path: str, fields: Mapping[str, object], key: str = "") -> Call:
        return self._request("POST", path, fields, {"Idempotency-Key": key or str(uuid7())})

    def _request(
        self, method: str, path: str, fields: Mapping[str, object], more: Mapping[str, str] = MappingProxyType({})
    ) -> Call:
        headers = {"Authorization": self._bearer, "Content-Type": "application/json", **more}
        return request(method, path, headers, json.dumps(fields))


def webhook(stack: Stack, payload: str) -> Call:
    """Build a call with an event of Stripe. Its signature is valid for five minutes."""
    signature = WebhookSignature.generate_signature_header(payload, stack.facts.stripe_webhook_secret, int(time.time()))
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    return request("POST", "/v1/webhooks/stripe", headers, payload)


def request(method: str, path: str, headers: Mapping[str, str], body: str) -> Call:
    """Build API Gateway's event of a request to a path without parameters."""
    every = {"Accept": "application/json", "Host": "bench.invalid", "X-Forwarded-Proto": "https", **headers}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": every,
        "multiValueHeaders": {name: [value] for name, value in every.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "path": f"/local{path}",
            "httpMethod": method,
            "stage": "local",
            "apiId": "bench",
            "requestId": str(uuid7()),
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "bench"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def stream_records(stack: Stack) -> list[Call]:
    """Read all records of the table's stream in order, in the form that Lambda passes on."""
    client = aws_session(stack.facts.aws_region).client("dynamodbstreams", endpoint_url=stack.facts.aws_endpoint_url)
    records: list[Call] = []
    for shard in client.describe_stream(StreamArn=stack.stream_arn)["StreamDescription"]["Shards"]:
        following: str | None = client.get_shard_iterator(
            StreamArn=stack.stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while following:
            page = client.get_records(ShardIterator=following)
            records += [_record(record) for record in page["Records"]]
            # An open shard always has a next page; an empty page means that no record is left.
            following = page.get("NextShardIterator") if page["Records"] else None
    return records


def gifts_to(creator_id: str, records: Iterable[Call]) -> Call:
    """Select the batch of new gifts to a creator."""
    gifts = [
        record
        for record in records
        if record["eventName"] == "INSERT"
        and record["dynamodb"]["NewImage"].get("creator_id") == {"S": creator_id}
        and record["dynamodb"]["Keys"]["SK"]["S"].startswith("ENTRY#")
    ]
    return {"Records": gifts}


def _record(record: "RecordTypeDef") -> Call:
    plain: Call = json.loads(json.dumps(record, default=_seconds))
    return plain


def _seconds(value: object) -> float:
    assert isinstance(value, datetime), "only times are no JSON"
    return value.timestamp()
