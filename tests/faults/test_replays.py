"""Repeats after minutes, days and years: no expiry allows a second credit."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import pytest
from moto import mock_aws

from chalicelib.domain.gifts import Gift
from chalicelib.ports.ledger import Ledger
from tests.faults.intercepted_ports import intercepted, pass_through
from tests.faults.invariants import breaches
from tests.faults.scenarios import bought, busy_hour, opened
from tests.faults.simulated_system import SimulatedSystem
from tests.invariants import books_of, changed
from tests.stores import DynamoStore, cloud_at, create_table

LATER = [timedelta(minutes=10), timedelta(days=3), timedelta(days=31), timedelta(days=400)]
"""Stripe retries for three days and keeps its events for thirty; a pending purchase lives for sixty."""


@pytest.mark.parametrize("later", LATER, ids=str)
def test_replay_of_events_and_gifts_changes_nothing(later: timedelta) -> None:
    system = SimulatedSystem()
    busy_hour(system)
    system.stream()
    gifts = [entry for entry in system.facts.values() if isinstance(entry, Gift)]
    before, held = (
        books_of(system.fake_ledger, []),
        deepcopy((system.fake_ledger.coins, system.fake_ledger.shards, system.fake_ledger.reviews)),
    )
    system.clock.advance(later)
    for event in system.provider.events:
        system.deliver(event)
    for gift in gifts:
        system.send(gift.gift_id, gift.item_id, anonymous=gift.anonymous)
    assert changed(before, books_of(system.fake_ledger, [])) == []
    assert len(system.fake_ledger.entries["fan-1"]) == len(before.entries)
    assert (system.fake_ledger.coins, system.fake_ledger.shards, system.fake_ledger.reviews) == held
    assert (breaches(system), system.refusals) == ([], {})


@pytest.fixture
def table() -> Iterator[DynamoStore]:
    """A table that deletes expired items on request."""
    with cloud_at(None), mock_aws():
        store = DynamoStore("replays")
        create_table(store)
        yield store


def forget(table: DynamoStore, system: SimulatedSystem) -> None:
    """Delete expired items, as a table's TTL does with a delay."""
    for item in table.client.scan(TableName=table.table_name)["Items"]:
        if "ttl" in item and int(item["ttl"]["N"]) < system.clock.now().timestamp():
            table.client.delete_item(TableName=table.table_name, Key={"PK": item["PK"], "SK": item["SK"]})


@pytest.mark.parametrize("later", LATER, ids=str)
def test_replay_after_ttl_expiry_credits_nothing(table: DynamoStore, later: timedelta) -> None:
    system = SimulatedSystem()
    system.ledger = intercepted(table.ledger, Ledger, pass_through)
    bought(system)
    system.clock.advance(later)
    forget(table, system)
    assert [system.deliver(event) for event in system.provider.events] == ["repeated"]
    assert table.ledger.read_wallet("fan-1").coins == 70


def test_bank_debit_settled_after_ttl_expiry_is_credited(table: DynamoStore) -> None:
    system = SimulatedSystem()
    system.ledger = intercepted(table.ledger, Ledger, pass_through)
    key, nobodys = opened(system), opened(system)
    system.deliver(system.provider.submit(key))
    system.clock.advance(timedelta(days=61))
    forget(table, system)
    assert table.ledger.find_entry("fan-1", nobodys) is None
    assert system.deliver(system.provider.arrive(key)) == "credited"
