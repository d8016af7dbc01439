"""The books added up again, on rows that the adapters wrote; then with one figure falsified after the other."""

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
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Settlement
from chalicelib.ports.results import Posted
from infra.operations.books import Books, Item, read_partition, read_table
from infra.operations.rebuild_check import TRANSIT_TIME, rebuild_check, report
from tests.adapters.samples import a_gift, a_purchase, a_review, new_id
from tests.fakes import START, session_of
from tests.stores import cloud_at, table_definition

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

TABLE = "books"
NOW = START + timedelta(hours=1)
FAN, LANE = "WALLET#ann", "CREATOR#grace#3"
USUAL = pytest.mark.usefixtures("gift")
"""The books are not empty."""


@pytest.fixture
def table() -> Iterator["Table"]:
    with cloud_at(None), mock_aws():
        Row._connection = None
        boto3.client("dynamodb").create_table(**table_definition(), TableName=TABLE)
        yield boto3.resource("dynamodb").Table(TABLE)
    Row._connection = None


@pytest.fixture
def ledger(table: "Table") -> DynamoLedger:
    return DynamoLedger(table.name)


def an_adjustment(kind: Kind, coins: int, **changes: Any) -> Adjustment:
    found = {"user_id": "ann", "posted_at": START, "event_id": new_id(), "reason": "asked for", **changes}
    return Adjustment(entry_id=new_id(), kind=kind, coins=coins, **found)


def post(ledger: DynamoLedger, payment_intent: str = "pi_1") -> Purchase:
    """A purchase of 500 coins for 529, paid."""
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
    """Of everything one: a purchase half refunded, a gift received, another one taken back, a review settled."""
    purchase, operators = post(ledger), DynamoOperators(TABLE)
    posted = ledger.find_entry("ann", purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert (
        ledger.update_kept_amount(posted, 265, an_adjustment(Kind.CLAWBACK, -250, about=purchase.purchase_id))
        == Posted()
    )
    gift, regretted = give(ledger), give(ledger)
    taken_back = an_adjustment(Kind.GIFT_REVERSAL, 60, about=regretted.gift_id, creator_id="grace", shard=3)
    assert operators.reverse_gift(taken_back) == Posted()
    ledger.receive_gifts("grace", 3, [gift, regretted, taken_back])
    review = a_review(payment_id="pi_2")
    ledger.file_review(review)
    settlement = Settlement(key=new_id(), decision="credit", reason="right", actor="op", settled_at=START)
    assert operators.settle_review(review, settlement, an_adjustment(Kind.GRANT, 500, about="pi_2")) == Posted()
    return gift


def found(table: "Table") -> list[str]:
    return [str(breach) for breach in rebuild_check(table, NOW)[1]]


def falsify(table: "Table", partition: str, sort_key: str, **changes: object) -> None:
    for name, value in changes.items():
        table.update_item(
            Key={"PK": partition, "SK": sort_key},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": cast("Any", value)},
        )


def test_books_that_hold(table: "Table", gift: Gift) -> None:
    books, breaches = rebuild_check(table, NOW)
    assert list(report(books, breaches, NOW)) == [
        "1 wallets hold 690 coins by 6 posted entries",
        "1 creators earned 60 coins in 1 shards by 2 gifts",
        "All figures match the entries.",
    ]
    assert gift.event_id in books.event_ids


def test_nothing_is_in_order(table: "Table") -> None:
    assert found(table) == []


@USUAL
def test_a_wallet_is_told_with_both_figures(table: "Table") -> None:
    falsify(table, FAN, "WALLET", coins=700)
    books, breaches = rebuild_check(table, NOW)
    told = list(report(books, breaches, NOW))
    assert told[-2:] == ["I1 WALLET#ann: stored 700, computed 690", "1 figures do not match."]


@USUAL
def test_entries_without_a_wallet(table: "Table") -> None:
    table.delete_item(Key={"PK": FAN, "SK": "WALLET"})
    assert found(table) == ["I1 WALLET#ann: stored 0, computed 690"]


@pytest.mark.parametrize("again", ["pi_1", "pi_2"])
@USUAL
def test_a_payment_credits_once_whether_by_itself_or_by_hand(table: "Table", ledger: DynamoLedger, again: str) -> None:
    post(ledger, payment_intent=again)
    assert found(table) == [f"I2 payment {again}: stored 2, computed 1"]


def test_what_was_free_was_paid_by_nothing(table: "Table", ledger: DynamoLedger) -> None:
    post(ledger, payment_intent="")
    post(ledger, payment_intent="")
    assert found(table) == []


@USUAL
def test_a_gift_must_have_reached_its_creator(table: "Table", ledger: DynamoLedger) -> None:
    lost = give(ledger)
    assert found(table) == [f"I3 {LANE} gift {lost.event_id}: stored 0, computed 60"]


@USUAL
def test_a_gift_may_be_under_way(table: "Table", ledger: DynamoLedger) -> None:
    give(ledger, posted_at=NOW - TRANSIT_TIME)
    books, breaches = rebuild_check(table, NOW)
    assert breaches == []
    assert "1 gifts are in transit to their creators" in report(books, breaches, NOW)


@USUAL
def test_a_gift_must_arrive_with_all_its_coins_even_when_it_is_new(table: "Table", ledger: DynamoLedger) -> None:
    new = give(ledger, posted_at=NOW)
    ledger.receive_gifts("grace", 3, [new])
    falsify(table, LANE, f"GIFT#{new.event_id}", coins=59)
    assert found(table) == [
        f"I3 {LANE} gift {new.event_id}: stored 59, computed 60",
        f"I3 {LANE}: stored 120, computed 119",
    ]


@USUAL
def test_a_creator_receives_nothing_that_nobody_sent(table: "Table", ledger: DynamoLedger) -> None:
    ledger.receive_gifts("grace", 3, [made_up := a_gift("ben", creator_id="grace")])
    assert found(table) == [f"I3 {LANE} gift {made_up.event_id}: stored 60, computed 0"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"coins": 61}, f"I3 {LANE}: stored 61, computed 60"),
        ({"gifts": 3}, f"I3 {LANE} gifts: stored 3, computed 2"),
        ({"sequence": 4}, f"I3 {LANE} sequence: stored 4, computed 3"),
    ],
)
@USUAL
def test_a_lane_is_the_sum_of_what_it_received(table: "Table", changes: Mapping[str, int], told: str) -> None:
    falsify(table, LANE, "LANE", **changes)
    assert found(table) == [told]


def test_a_sequence_has_no_gaps(table: "Table", gift: Gift) -> None:
    falsify(table, LANE, f"GIFT#{gift.event_id}", sequence=2)
    assert found(table) == [f"I3 {LANE} sequence: stored 3, computed 3"]


@USUAL
def test_a_purchase_grants_what_its_money_buys(table: "Table", ledger: DynamoLedger) -> None:
    purchase = post(ledger, payment_intent="pi_3")
    falsify(table, FAN, f"ENTRY#{purchase.purchase_id}", kept_minor=0)
    assert found(table) == [f"I8 WALLET#ann purchase {purchase.purchase_id}: stored 0, computed 500"]


@USUAL
def test_a_figure_that_is_no_whole_number_is_named(table: "Table") -> None:
    falsify(table, FAN, "WALLET", coins="many")
    with pytest.raises(ValueError, match="WALLET#ann WALLET: coins is not a whole number: 'many'"):
        rebuild_check(table, NOW)


class MovingTable:
    """A table that is written to while it is read: a total of before, an entry of after. Its pages hold one item."""

    def __init__(self, whole: Sequence[Item], closer: Sequence[Item]) -> None:
        self._whole, self._closer = whole, closer

    def scan(self, **options: Any) -> dict[str, Any]:
        return self._page(self._whole, **options)

    def query(self, **options: Any) -> dict[str, Any]:
        return self._page(self._closer, **options)

    def _page(self, items: Sequence[Item], **options: Any) -> dict[str, Any]:
        assert options["ConsistentRead"]
        place = options.get("ExclusiveStartKey", 0)
        rest = {"LastEvaluatedKey": place + 1} if place + 1 < len(items) else {}
        return {"Items": items[place : place + 1], **rest}


@USUAL
def test_what_only_moved_meanwhile_is_no_breach(table: "Table") -> None:
    now = list(read_table(table))
    before = [item | {"coins": 750} if item["SK"] == "WALLET" else item for item in map(dict, now)]
    partition = list(read_partition(table, FAN))
    assert [str(breach) for breach in Books(before).breaches()] == ["I1 WALLET#ann: stored 750, computed 690"]
    assert found(cast("Table", MovingTable(before, partition))) == []
