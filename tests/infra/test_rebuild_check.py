"""The rebuild check on items that the adapters wrote, and with one figure changed at a time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.dynamodb.ledger import DynamoLedger
from chalicelib.adapters.dynamodb.models import Row
from chalicelib.adapters.dynamodb.operators import DynamoOperators
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.operators import Act, GrantOrder
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import DisputeHold, Purchase
from chalicelib.domain.reviews import Settlement
from chalicelib.ports.results import Posted
from chalicelib.usecases.operators import grant_coins
from infra.operations.books import Books, Item, read_partition, read_table
from infra.operations.rebuild_check import TRANSIT_TIME, rebuild_check, report
from tests.adapters.samples import a_credit, a_gift, a_purchase, a_review, new_id
from tests.fakes import START, FakeClock, session_of
from tests.recorded.record import read
from tests.stores import cloud_at, table_definition

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

TABLE = "books"
NOW = START + timedelta(hours=1)
FAN, SHARD = "WALLET#ann", "CREATOR#grace#3"
WITH_ITEMS = pytest.mark.usefixtures("gift")
"""Fills the table with the items of the `gift` fixture."""


@pytest.fixture(scope="module")
def _table() -> Iterator["Table"]:
    """The table's resource and the connection of its models, for all tests: they take as long as a test to make."""
    Row._connection = None
    with cloud_at(None), mock_aws():
        resource = boto3.resource("dynamodb").Table(TABLE)
    yield resource
    Row._connection = None


@pytest.fixture
def table(_table: "Table") -> Iterator["Table"]:
    with cloud_at(None), mock_aws():
        _table.meta.client.create_table(**table_definition(), TableName=TABLE)
        yield _table


@pytest.fixture
def ledger(table: "Table") -> DynamoLedger:
    return DynamoLedger(table.name)


def an_adjustment(kind: Kind, coins: int, **changes: Any) -> Adjustment:
    values = {"user_id": "ann", "posted_at": START, "event_id": new_id(), "reason": "asked for", **changes}
    return Adjustment(entry_id=new_id(), kind=kind, coins=coins, **values)


def post(ledger: DynamoLedger, payment_intent: str = "pi_1") -> Purchase:
    """Post a purchase of 500 coins for 5.29 USD."""
    purchase = a_purchase("ann")
    ledger.open_purchase(purchase)
    session = session_of(purchase, payment_intent=payment_intent)
    assert ledger.post_purchase(session, Posting(posted_at=START, event_id=new_id())) == Posted()
    return purchase


def give(ledger: DynamoLedger, **changes: Any) -> Gift:
    gift = a_gift("ann", creator_id="grace", **changes)
    assert ledger.post_gift(gift) == Posted()
    return gift


@pytest.fixture
def gift(ledger: DynamoLedger) -> Gift:
    """A received gift, beside a half refunded purchase, a reversed gift and a settled review."""
    purchase, operators = post(ledger), DynamoOperators(TABLE)
    posted = ledger.find_entry("ann", purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert (
        ledger.update_kept_amount(posted, 265, an_adjustment(Kind.CLAWBACK, -250, about=purchase.purchase_id))
        == Posted()
    )
    gift, reversed_gift = give(ledger), give(ledger)
    reversal = an_adjustment(Kind.GIFT_REVERSAL, 60, about=reversed_gift.gift_id, creator_id="grace", shard=3)
    assert operators.reverse_gift(reversal) == Posted()
    ledger.receive_gifts("grace", 3, [gift, reversed_gift, reversal])
    review = a_review(payment_id="pi_2")
    ledger.file_review(review)
    settlement = Settlement(key=new_id(), decision="credit", reason="right", actor="op", settled_at=START)
    assert operators.settle_review(review, settlement, a_credit(review)) == Posted()
    return gift


def breaches_of(table: "Table") -> list[str]:
    return [str(breach) for breach in rebuild_check(table, NOW)[1]]


def falsify(table: "Table", partition: str, sort_key: str, **changes: object) -> None:
    for name, value in changes.items():
        table.update_item(
            Key={"PK": partition, "SK": sort_key},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": cast("Any", value)},
        )


def test_rebuild_check_reports_consistent_ledger(table: "Table", gift: Gift) -> None:
    books, breaches = rebuild_check(table, NOW)
    assert list(report(books, breaches, NOW)) == [
        "1 wallets hold 690 coins by 6 posted entries",
        "1 creators earned 60 coins in 1 shards by 2 gifts",
        "All figures match the entries.",
    ]
    assert gift.event_id in books.event_ids


def test_rebuild_check_operator_clawback_is_of_no_purchase(table: "Table") -> None:
    operators, clock = DynamoOperators(TABLE), FakeClock(START)
    for coins in (-40, 90):
        order = GrantOrder(user_id="ann", coins=coins, act=Act(key=clock.new_id(), reason="asked for", actor="op"))
        grant_coins(order, operators=operators, clock=clock)
    books, breaches = rebuild_check(table, NOW)
    assert (breaches, books.wallets) == ([], {FAN: 50})


def recorded_items() -> Iterator[Item]:
    """Read the rows of the first release's recording, which has every kind of entry."""
    for key, attributes in read()["rows"].items():
        partition, sort_key = (part.removeprefix("S:") for part in key.split(" | "))
        values = {name: value[2:].replace("<time>", START.isoformat()) for name, value in attributes.items()}
        yield {"PK": partition, "SK": sort_key, **values}


def test_books_hold_every_kind_of_recorded_entry() -> None:
    kinds = {str(item["kind"]) for item in recorded_items() if "kind" in item}
    assert kinds >= {*Kind, "purchase", "gift", "cheer", "super_chat", "streak_end", "membership_end"}
    assert [str(breach) for breach in Books(recorded_items()).breaches()] == []


def test_rebuild_check_empty_table_has_no_breaches(table: "Table") -> None:
    assert breaches_of(table) == []


@WITH_ITEMS
def test_rebuild_check_wrong_wallet_is_reported_with_both_figures(table: "Table") -> None:
    falsify(table, FAN, "WALLET", coins=700)
    books, breaches = rebuild_check(table, NOW)
    lines = list(report(books, breaches, NOW))
    assert lines[-2:] == ["I1 WALLET#ann: stored 700, computed 690", "1 figures do not match."]


@WITH_ITEMS
def test_rebuild_check_missing_wallet_is_reported(table: "Table") -> None:
    table.delete_item(Key={"PK": FAN, "SK": "WALLET"})
    assert breaches_of(table) == ["I1 WALLET#ann: stored 0, computed 690"]


def hold(ledger: DynamoLedger, purchase_id: str, *holds: DisputeHold | None) -> None:
    """Follow the disputes of a purchase, whose coins stay."""
    for each in holds:
        purchase = ledger.find_entry("ann", purchase_id)
        assert isinstance(purchase, Purchase)
        assert ledger.update_kept_amount(purchase, 529, None, each) == Posted()


def test_rebuild_check_counts_the_purchases_with_disputes(table: "Table", ledger: DynamoLedger) -> None:
    first, second, third = (post(ledger, payment_intent=f"pi_{number}").purchase_id for number in range(3))
    hold(ledger, first, DisputeHold.OPEN)
    hold(ledger, second, DisputeHold.OPEN, DisputeHold.LOST)
    hold(ledger, third, DisputeHold.LOST, DisputeHold.OPEN, None)
    assert breaches_of(table) == []
    falsify(table, FAN, "WALLET", d=1_000_000)
    assert breaches_of(table) == ["disputes WALLET#ann: stored 1000000, computed 1000001"]


@pytest.mark.parametrize("payment", ["pi_1", "pi_2"])
@WITH_ITEMS
def test_rebuild_check_payment_credited_twice_is_reported(table: "Table", ledger: DynamoLedger, payment: str) -> None:
    post(ledger, payment_intent=payment)
    assert breaches_of(table) == [f"I2 payment {payment}: stored 2, computed 1"]


def test_rebuild_check_free_purchases_need_no_payment(table: "Table", ledger: DynamoLedger) -> None:
    post(ledger, payment_intent="")
    post(ledger, payment_intent="")
    assert breaches_of(table) == []


@WITH_ITEMS
def test_rebuild_check_unreceived_gift_is_reported(table: "Table", ledger: DynamoLedger) -> None:
    unreceived = give(ledger)
    assert breaches_of(table) == [f"I3 {SHARD} gift {unreceived.event_id}: stored 0, computed 60"]


@WITH_ITEMS
def test_rebuild_check_recent_gift_may_be_in_transit(table: "Table", ledger: DynamoLedger) -> None:
    give(ledger, posted_at=NOW - TRANSIT_TIME)
    books, breaches = rebuild_check(table, NOW)
    assert breaches == []
    assert "1 gifts are in transit to their creators" in report(books, breaches, NOW)


@WITH_ITEMS
def test_rebuild_check_wrong_received_coins_are_reported(table: "Table", ledger: DynamoLedger) -> None:
    new = give(ledger, posted_at=NOW)
    ledger.receive_gifts("grace", 3, [new])
    falsify(table, SHARD, f"GIFT#{new.event_id}", coins=59)
    assert breaches_of(table) == [
        f"I3 {SHARD} gift {new.event_id}: stored 59, computed 60",
        f"I3 {SHARD}: stored 120, computed 119",
    ]


@WITH_ITEMS
def test_rebuild_check_unsent_gift_is_reported(table: "Table", ledger: DynamoLedger) -> None:
    ledger.receive_gifts("grace", 3, [unsent := a_gift("ben", creator_id="grace")])
    assert breaches_of(table) == [f"I3 {SHARD} gift {unsent.event_id}: stored 60, computed 0"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"coins": 61}, f"I3 {SHARD}: stored 61, computed 60"),
        ({"gifts": 3}, f"I3 {SHARD} gifts: stored 3, computed 2"),
        ({"sequence": 4}, f"I3 {SHARD} sequence: stored 4, computed 3"),
    ],
)
@WITH_ITEMS
def test_rebuild_check_wrong_shard_total_is_reported(table: "Table", changes: Mapping[str, int], line: str) -> None:
    falsify(table, SHARD, "LANE", **changes)
    assert breaches_of(table) == [line]


def test_rebuild_check_sequence_gap_is_reported(table: "Table", gift: Gift) -> None:
    falsify(table, SHARD, f"GIFT#{gift.event_id}", sequence=2)
    assert breaches_of(table) == [f"I3 {SHARD} sequence: stored 3, computed 3"]


@WITH_ITEMS
def test_rebuild_check_wrong_grant_is_reported(table: "Table", ledger: DynamoLedger) -> None:
    purchase = post(ledger, payment_intent="pi_3")
    falsify(table, FAN, f"ENTRY#{purchase.purchase_id}", kept_minor=0)
    assert breaches_of(table) == [f"I8 WALLET#ann purchase {purchase.purchase_id}: stored 0, computed 500"]


@WITH_ITEMS
def test_rebuild_check_invalid_number_is_named(table: "Table") -> None:
    falsify(table, FAN, "WALLET", coins="many")
    with pytest.raises(ValueError, match="WALLET#ann WALLET: coins is not a whole number: 'many'"):
        rebuild_check(table, NOW)


class MovingTable:
    """A table that changes between the scan and the query of a partition. Its pages hold one item."""

    def __init__(self, scanned: Sequence[Item], queried: Sequence[Item]) -> None:
        self._scanned, self._queried = scanned, queried

    def scan(self, **options: Any) -> dict[str, Any]:
        return self._page(self._scanned, **options)

    def query(self, **options: Any) -> dict[str, Any]:
        return self._page(self._queried, **options)

    def _page(self, items: Sequence[Item], **options: Any) -> dict[str, Any]:
        assert options["ConsistentRead"]
        place = options.get("ExclusiveStartKey", 0)
        rest = {"LastEvaluatedKey": place + 1} if place + 1 < len(items) else {}
        return {"Items": items[place : place + 1], **rest}


@WITH_ITEMS
def test_rebuild_check_concurrent_change_is_no_breach(table: "Table") -> None:
    now = list(read_table(table))
    before = [item | {"coins": 750} if item["SK"] == "WALLET" else item for item in map(dict, now)]
    partition = list(read_partition(table, FAN))
    assert [str(breach) for breach in Books(before).breaches()] == ["I1 WALLET#ann: stored 750, computed 690"]
    assert breaches_of(cast("Table", MovingTable(before, partition))) == []
