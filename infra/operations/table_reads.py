"""Consistent reads of the table in DynamoDB's own form of an item: `{"PK": {"S": ...}, "coins": {"N": ...}}`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

RawItem = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TableReader:
    """A table, read page by page."""

    client: "DynamoDBClient"
    name: str

    def scan(self) -> Iterator[RawItem]:
        """Read all items."""
        for page in self.client.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True):
            yield from page["Items"]

    def partition(self, key: str) -> Iterator[RawItem]:
        """Read the items of one partition."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            ConsistentRead=True,
            KeyConditionExpression="PK = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )
        for page in pages:
            yield from page["Items"]
