"""The four ledger stores that run one contract suite, with access for tests to data that the ports do not show."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml
from botocore.model import OperationModel

from chalicelib.adapters.dynamodb.journal import DynamoJournal
from chalicelib.adapters.dynamodb.keys import entry_key, shard_key, wallet_key
from chalicelib.adapters.dynamodb.ledger import DynamoLedger
from chalicelib.adapters.dynamodb.memberships import DynamoMemberships
from chalicelib.adapters.dynamodb.models import Row
from chalicelib.adapters.dynamodb.operators import DynamoOperators
from chalicelib.domain.ids import iso
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.shards import MAX_ACTIONS_PER_TRANSACTION
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger
from infra.recorder import Recorder
from infra.service_models import OPERATIONS
from tests.fake_memberships import FakeMemberships
from tests.fake_operators import FakeJournal, FakeOperators
from tests.fake_shards import ShardState
from tests.fakes import START, FakeLedger

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
RESOURCES = Path(__file__).resolve().parents[1] / "infra" / "resources.yaml"
Item = dict[str, dict[str, Any]]

TEST_OPERATIONS = frozenset({"CreateTable", "DeleteItem", "Scan"})
"""Operations that only tests call; the packaged client has none of them."""


def require_packaged(model: OperationModel, **_: object) -> None:
    """Check that an operation is in the packaged client's service model or in TEST_OPERATIONS."""
    assert model.name in OPERATIONS["dynamodb"] | TEST_OPERATIONS, f"add {model.name} to infra/service_models.py"


class Store(ABC):
    """A ledger with its operator and journal ports, and methods that read and corrupt stored data.

    `max_gifts` is the largest batch that `receive_gifts` takes.
    """

    ledger: Ledger
    operators: OperatorLedger
    journal: Journal
    memberships: Memberships
    max_gifts: int = MAX_ACTIONS_PER_TRANSACTION
    is_misreporting_transactions: bool = False

    @abstractmethod
    def freeze(self, user_id: str) -> None:
        """Freeze the wallet, creating it if necessary."""

    @abstractmethod
    def has_wallet(self, user_id: str) -> bool:
        """Tell apart a wallet without coins from one that is not stored."""

    @abstractmethod
    def published_at(self, purchase: Purchase) -> datetime | None:
        """Return the time at which the entry was marked as published."""

    @abstractmethod
    def count_reviews(self, payment_id: str) -> int:
        """Count the stored reviews of a payment."""

    @abstractmethod
    def stamp_grant(self, purchase: Purchase, payment: str) -> None:
        """Mark the purchase as one for whose payment the first release granted coins."""

    @abstractmethod
    def shard(self, creator_id: str, shard: int) -> ShardState:
        """Read a shard and check that its total is the sum of its entries."""

    @abstractmethod
    def snapshot(self, user_id: str) -> object:
        """Return everything stored under the user id, for a comparison before and after."""

    @abstractmethod
    def put_coins(self, user_id: str, coins: int) -> None:
        """Overwrite a wallet's coins, bypassing the ledger."""

    @abstractmethod
    def put_shard_coins(self, creator_id: str, shard: int, coins: int) -> None:
        """Overwrite the coins of a shard's total, bypassing the ledger."""

    @abstractmethod
    def put_sequence(self, creator_id: str, shard: int, event_id: str, sequence: int) -> None:
        """Overwrite the sequence of a received gift, bypassing the ledger."""


@dataclass
class FakeStore(Store):
    """The fake ledger of the use cases' tests."""

    ledger: FakeLedger

    def __post_init__(self) -> None:
        self.journal: FakeJournal = FakeJournal(self.ledger)
        self.memberships: FakeMemberships = FakeMemberships(self.ledger)
        self.operators: FakeOperators = FakeOperators(self.ledger, self.memberships)

    def freeze(self, user_id: str) -> None:
        self.ledger.frozen.add(user_id)

    def has_wallet(self, user_id: str) -> bool:
        return self.ledger.has_wallet(user_id)

    def published_at(self, purchase: Purchase) -> datetime | None:
        return self.ledger.published_entries.get(purchase.purchase_id)

    def count_reviews(self, payment_id: str) -> int:
        return sum(review.payment_id == payment_id for review in self.ledger.reviews.values())

    def stamp_grant(self, purchase: Purchase, payment: str) -> None:
        self.ledger.granted_for[purchase.purchase_id] = payment

    def shard(self, creator_id: str, shard: int) -> ShardState:
        return self.ledger.shards.get((creator_id, shard), ShardState())

    def snapshot(self, user_id: str) -> object:
        known = dict(self.ledger.entries.get(user_id, {}))
        reversals = {act for (fan, _), act in self.operators.reversed_by.items() if fan == user_id}
        memberships = self.memberships.list_memberships(user_id)
        return self.ledger.read_wallet(user_id), known, reversals, memberships

    def put_coins(self, user_id: str, coins: int) -> None:
        self.ledger.coins[user_id] = coins

    def put_shard_coins(self, creator_id: str, shard: int, coins: int) -> None:
        self.ledger.shards[creator_id, shard].coins = coins

    def put_sequence(self, creator_id: str, shard: int, event_id: str, sequence: int) -> None:
        self.ledger.shards[creator_id, shard].sequences[event_id] = sequence


class DynamoStore(Store):
    """The ledger in DynamoDB or one of its doubles."""

    ledger: DynamoLedger
    operators: DynamoOperators
    journal: DynamoJournal
    memberships: DynamoMemberships

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.table_name = table_name
        Row._connection = None  # PynamoDB caches one connection per class, here perhaps another store's
        self.ledger = DynamoLedger(table_name, pause)
        self.operators = DynamoOperators(table_name, pause)
        self.journal = DynamoJournal(table_name)
        self.memberships = DynamoMemberships(table_name, pause)
        self._connection = Row._connection
        self.client.meta.events.register("before-parameter-build.dynamodb", require_packaged)

    def bind(self) -> None:
        """Point the models at this store: PynamoDB keeps the table name and connection on the class."""
        Row.Meta.table_name = self.table_name
        Row._connection = self._connection

    @cached_property
    def recorder(self) -> Recorder:
        """A recorder of the requests that the ledger sends."""
        recorder = Recorder()
        recorder.attach(self.client)
        return recorder

    @property
    def client(self) -> "DynamoDBClient":
        """The ledger's botocore client. Tests register hooks on it and read items through it."""
        return cast("DynamoDBClient", self.ledger._connection.client)

    def freeze(self, user_id: str) -> None:
        self.put(wallet_key(user_id), "WALLET", "frozen_at", iso(START))

    def has_wallet(self, user_id: str) -> bool:
        return bool(self.item(wallet_key(user_id), "WALLET"))

    def published_at(self, purchase: Purchase) -> datetime | None:
        item = self.item(wallet_key(purchase.user_id), entry_key(purchase.purchase_id))
        return datetime.fromisoformat(item["announced_at"]["S"]) if "announced_at" in item else None

    def stamp_grant(self, purchase: Purchase, payment: str) -> None:
        self.put(wallet_key(purchase.user_id), entry_key(purchase.purchase_id), "granted_for", payment)

    def count_reviews(self, payment_id: str) -> int:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table_name,
            FilterExpression="PK = :review AND SK = :payment",
            ExpressionAttributeValues={":review": {"S": f"REVIEW#{payment_id}"}, ":payment": {"S": "payment"}},
        )
        return sum(page["Count"] for page in pages)

    def shard(self, creator_id: str, shard: int) -> ShardState:
        items = self.items(shard_key(creator_id, shard))
        entries = [item for item in items if item["SK"]["S"].startswith("GIFT#")]
        entries.sort(key=lambda item: int(item["sequence"]["N"]))
        sequences = {item["SK"]["S"].removeprefix("GIFT#"): int(item["sequence"]["N"]) for item in entries}
        held = ShardState(coins=sum(int(item["coins"]["N"]) for item in entries), sequences=sequences)
        totals = accumulate(int(item["coins"]["N"]) for item in entries)
        assert [int(item["total"]["N"]) for item in entries] == list(totals), "a running total is not the sum so far"
        total = self.item(shard_key(creator_id, shard), "LANE")
        assert [int(total.get(name, {"N": "0"})["N"]) for name in ("coins", "gifts", "sequence")] == [
            held.coins,
            sum("item_id" in item for item in entries),
            max(sequences.values(), default=0),
        ], "the total of the shard is not the sum of its entries"
        return held

    def snapshot(self, user_id: str) -> object:
        return self.items(wallet_key(user_id))

    def put_coins(self, user_id: str, coins: int) -> None:
        self.put(wallet_key(user_id), "WALLET", "coins", coins)

    def put_shard_coins(self, creator_id: str, shard: int, coins: int) -> None:
        self.put(shard_key(creator_id, shard), "LANE", "coins", coins)

    def put_sequence(self, creator_id: str, shard: int, event_id: str, sequence: int) -> None:
        self.put(shard_key(creator_id, shard), f"GIFT#{event_id}", "sequence", sequence)

    def item(self, pk: str, sk: str) -> Item:
        """Read an item. Returns an empty dict if there is none."""
        key: Item = {"PK": {"S": pk}, "SK": {"S": sk}}
        answer = self.client.get_item(TableName=self.table_name, Key=key, ConsistentRead=True)
        return cast("Item", answer.get("Item", {}))

    def items(self, pk: str) -> list[Item]:
        """Read all items of a partition."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table_name,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [cast("Item", item) for page in pages for item in page["Items"]]

    def put(self, pk: str, sk: str, name: str, value: str | int) -> None:
        """Set one attribute of an item, creating the item if necessary."""
        self.client.update_item(
            TableName=self.table_name,
            Key={"PK": {"S": pk}, "SK": {"S": sk}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": value} if isinstance(value, str) else {"N": str(value)}},
        )


@contextmanager
def cloud_at(endpoint_url: str | None) -> Iterator[None]:
    """Set the environment in which SDKs find AWS at `endpoint_url`, or at their default endpoints if it is None."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")  # gitleaks:allow
        environment.setenv("AWS_REGION", REGION)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        if endpoint_url is not None:
            environment.setenv("AWS_ENDPOINT_URL", endpoint_url)
        yield


def create_table(store: DynamoStore) -> None:
    """Create the store's table as the template defines it."""
    store.client.create_table(**table_definition(), TableName=store.table_name)


@cache
def table_definition() -> Any:
    """Read the table's keys, index and stream from the template, as arguments of CreateTable."""
    template = yaml.load(RESOURCES.read_text(), _TemplateLoader)
    properties: Mapping[str, Any] = template["Resources"]["Table"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    stream = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return {name: properties[name] for name in wanted} | {"StreamSpecification": stream}


class _TemplateLoader(yaml.SafeLoader):
    """A YAML loader that ignores the tags of CloudFormation's functions."""


_TemplateLoader.add_multi_constructor("!", lambda _loader, _tag, _node: None)
