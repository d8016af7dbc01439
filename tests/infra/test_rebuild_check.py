"""The rebuild check on items that the adapters wrote, with a changed figure, and on a table that moves."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

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
from infra.operations.exports import write_export
from infra.operations.rebuild_check import TRANSIT_TIME, check_export
from infra.operations.table_reads import RawItem, TableReader
from tests.adapters.samples import a_credit, a_gift, a_purchase, a_review, new_id
from tests.atomic_table import AtomicTable, connected_store
from tests.fakes import START, FakeClock, session_of
from tests.stores import DynamoStore

TABLE = "books"
NOW = START + timedelta(hours=1)
FAN, SHARD = "WALLET#ann", "CREATOR#grace#3"
WITH_ITEMS = pytest.mark.usefixtures("gift")
"""Fills the table with the items of the `gift` fixture."""


@pytest.fixture(scope="module")
def _connected() -> Iterator[tuple[DynamoStore, AtomicTable]]:
    """The table in this process. Its connection is made once: it takes as long as a test."""
    yield connected_store(TABLE)
    Row._connection = None


@pytest.fixture
def store(_connected: tuple[DynamoStore, AtomicTable]) -> DynamoStore:
    store, table = _connected
    table.clear()
    return store


@pytest.fixture
def table(store: DynamoStore) -> TableReader:
    return TableReader(store.client, TABLE)


@pytest.fixture
def ledger(table: TableReader) -> DynamoLedger:
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
    ledger.mark_published("ann", purchase.purchase_id, START)
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
    for entry in ledger.list_entries("ann", 20):
        ledger.mark_published("ann", entry.entry_id, START)
    return gift


def check(table: TableReader, directory: Path) -> list[str]:
    export = write_export(table.scan(), directory / "export", NOW)
    return list(check_export(export, table).lines())[2:]


@WITH_ITEMS
def test_rebuild_check_reports_consistent_ledger(table: TableReader, tmp_path: Path) -> None:
    report = check_export(write_export(table.scan(), tmp_path / "export", NOW), table)
    assert list(report.lines()) == [
        "1 wallets hold 690 coins by 6 posted entries",
        "1 creators earned 60 coins in 1 shards by 2 gifts",
        "All figures match the entries.",
    ]
    assert report.is_clean


def test_rebuild_check_empty_table_is_clean(table: TableReader, tmp_path: Path) -> None:
    assert check(table, tmp_path) == ["All figures match the entries."]


@WITH_ITEMS
def test_rebuild_check_wrong_wallet_is_reported_with_both_figures(
    store: DynamoStore, table: TableReader, tmp_path: Path
) -> None:
    store.put_coins("ann", 700)
    report = check_export(write_export(table.scan(), tmp_path / "export", NOW), table)
    assert list(report.lines())[2:] == [
        "I1 WALLET#ann: stored 700, computed 690",
        "1 figures did not match in the export; of those read again, 1 do not match, 0 are undecided.",
    ]
    assert not report.is_clean


def test_rebuild_check_operator_clawback_is_of_no_purchase(table: TableReader, tmp_path: Path) -> None:
    operators, clock = DynamoOperators(TABLE), FakeClock(NOW)
    for coins in (-40, 90):
        order = GrantOrder(user_id="ann", coins=coins, act=Act(key=clock.new_id(), reason="asked for", actor="op"))
        grant_coins(order, ledger=DynamoLedger(TABLE), operators=operators, clock=clock)
    assert check(table, tmp_path) == ["All figures match the entries."]


def hold(ledger: DynamoLedger, purchase_id: str, *holds: DisputeHold | None) -> None:
    """Follow the disputes of a purchase, whose coins stay."""
    for each in holds:
        purchase = ledger.find_entry("ann", purchase_id)
        assert isinstance(purchase, Purchase)
        assert ledger.update_kept_amount(purchase, 529, None, each) == Posted()


def test_rebuild_check_counts_the_purchases_with_disputes(
    table: TableReader, ledger: DynamoLedger, tmp_path: Path
) -> None:
    first, second, third = (post(ledger, payment_intent=f"pi_{number}").purchase_id for number in range(3))
    hold(ledger, first, DisputeHold.OPEN)
    hold(ledger, second, DisputeHold.OPEN, DisputeHold.LOST)
    hold(ledger, third, DisputeHold.LOST, DisputeHold.OPEN, None)
    assert check(table, tmp_path) == ["All figures match the entries."]


def test_rebuild_check_free_purchases_need_no_payment(table: TableReader, ledger: DynamoLedger, tmp_path: Path) -> None:
    post(ledger, payment_intent="")
    post(ledger, payment_intent="")
    assert check(table, tmp_path) == ["All figures match the entries."]


@WITH_ITEMS
def test_rebuild_check_gift_of_transit_time_may_be_in_transit(
    table: TableReader, ledger: DynamoLedger, tmp_path: Path
) -> None:
    give(ledger, posted_at=NOW - TRANSIT_TIME)
    assert check(table, tmp_path) == [
        "1 gifts are in transit to their creators",
        "All figures match the entries.",
    ]
    lost = give(ledger, posted_at=NOW - TRANSIT_TIME - timedelta(milliseconds=1))
    found = check(table, tmp_path / "again")
    assert found[1] == f"I3 {SHARD} GIFT#{lost.event_id}: stored 0, computed 60"


class MovingTable(TableReader):
    """A table that changes between the scan and the queries: each query takes the next state, or the last."""

    states: ClassVar[list[list[RawItem]]]

    def partition(self, key: str) -> Iterator[RawItem]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return (item for item in state if item["PK"] == {"S": key})


def with_coins(items: Sequence[RawItem], coins: int) -> list[RawItem]:
    """Return the items with other coins in the wallet."""
    return [{**item, "coins": {"N": f"{coins}"}} if item["SK"] == {"S": "WALLET"} else item for item in items]


@WITH_ITEMS
@pytest.mark.parametrize(
    ("coins", "lines"),
    [
        ([690], ["All figures match the entries."]),
        ([700, 690], ["All figures match the entries."]),
        ([700, 701, 702, 703], ["I1 WALLET#ann: stored 703, computed 690 (its partition changes at each reading)"]),
        ([700, 690, 701], ["I1 WALLET#ann: stored 701, computed 690"]),
    ],
)
def test_rebuild_check_looks_again_until_two_readings_agree(
    table: TableReader, coins: Sequence[int], lines: Sequence[str], tmp_path: Path
) -> None:
    items = list(table.scan())
    moving = MovingTable(table.client, TABLE)
    moving.__class__.states = [with_coins(items, each) for each in coins]
    report = check_export(write_export(with_coins(items, 750), tmp_path, NOW), moving)
    told, untold = len(report.breaches), len(report.moving)
    summary = (
        f"1 figures did not match in the export; of those read again, {told} do not match, {untold} are undecided."
    )
    assert list(report.lines())[2:] == sorted([*lines, summary], reverse=lines[0].startswith("I"))
