"""Repeats after minutes, days and years: no expiry allows a second credit."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import pytest
from moto import mock_aws

from chalicelib.domain.gifts import Gift
from chalicelib.ports.ledger import Ledger
from tests.faults.plays import bought, busy_hour, opened
from tests.faults.taps import pass_on, tapped
from tests.faults.town import Town
from tests.faults.verdict import wrongs
from tests.invariants import books_of, changed
from tests.stores import DynamoStore, cloud_at, create_table

LATER = [timedelta(minutes=10), timedelta(days=3), timedelta(days=31), timedelta(days=400)]
"""Stripe retries for three days and keeps its events for thirty; a pending purchase lives for sixty."""


@pytest.mark.parametrize("later", LATER, ids=str)
def test_nothing_that_comes_again_does_anything(later: timedelta) -> None:
    town = Town()
    busy_hour(town)
    town.stream()
    gifts = [entry for entry in town.facts.values() if isinstance(entry, Gift)]
    before, held = books_of(town.books, []), deepcopy((town.books.coins, town.books.shards, town.books.reviews))
    town.clock.advance(later)
    for event in town.provider.events:
        town.hear(event)
    for gift in gifts:
        town.send(gift.gift_id, gift.item_id, anonymous=gift.anonymous)
    assert changed(before, books_of(town.books, [])) == []
    assert len(town.books.entries["fan-1"]) == len(before.entries)
    assert (town.books.coins, town.books.shards, town.books.reviews) == held
    assert (wrongs(town), town.refused) == ([], {})


@pytest.fixture
def table() -> Iterator[DynamoStore]:
    """A table that deletes expired items on request."""
    with cloud_at(None), mock_aws():
        store = DynamoStore("replays")
        create_table(store)
        yield store


def forget(table: DynamoStore, town: Town) -> None:
    """Delete expired items, as a table's TTL does with a delay."""
    for item in table.client.scan(TableName=table.table_name)["Items"]:
        if "ttl" in item and int(item["ttl"]["N"]) < town.clock.now().timestamp():
            table.client.delete_item(TableName=table.table_name, Key={"PK": item["PK"], "SK": item["SK"]})


@pytest.mark.parametrize("later", LATER, ids=str)
def test_no_table_forgets_what_was_credited(table: DynamoStore, later: timedelta) -> None:
    town = Town()
    town.ledger = tapped(table.ledger, Ledger, pass_on)
    bought(town)
    town.clock.advance(later)
    forget(table, town)
    assert [town.hear(event) for event in town.provider.events] == ["repeated"]
    assert table.ledger.read_wallet("fan-1").coins == 70


def test_a_bank_debit_may_take_longer_than_a_pending_purchase_lives(table: DynamoStore) -> None:
    town = Town()
    town.ledger = tapped(table.ledger, Ledger, pass_on)
    key, nobodys = opened(town), opened(town)
    town.hear(town.provider.submit(key))
    town.clock.advance(timedelta(days=61))
    forget(table, town)
    assert table.ledger.find_entry("fan-1", nobodys) is None
    assert town.hear(town.provider.arrive(key)) == "credited"
