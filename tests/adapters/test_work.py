"""Contract of the WorkPositions port: leases, positions, and items set aside."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.work import Lease, Part, park_again, park_item
from chalicelib.ports.work import WorkPositions
from tests.adapters.costs import Cost, measured
from tests.adapters.samples import new_name
from tests.fake_work import FakeWorkPositions
from tests.fakes import START
from tests.stores import DynamoStore, Store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def positions(store: Store) -> WorkPositions:
    return DynamoWorkPositions(store.table_name) if isinstance(store, DynamoStore) else FakeWorkPositions()


@pytest.fixture
def part() -> Part:
    return Part(worker=new_name("sweep"), name="07")


def taken(positions: WorkPositions, part: Part, owner: str = "one", minutes: int = 0) -> Lease | None:
    now = START + minutes * MINUTE
    return positions.take(part, owner, now, now + 4 * MINUTE)


def test_take_gives_the_part_to_one_owner_until_the_lease_ends(positions: WorkPositions, part: Part) -> None:
    assert taken(positions, part) == Lease(part=part, owner="one")
    assert [taken(positions, part, "two", minutes) for minutes in (0, 4)] == [None, None]
    assert taken(positions, replace(part, name="08"), "two") is not None
    assert taken(positions, part, minutes=4) is not None  # a repeat of the owner's request
    assert taken(positions, part, "two", minutes=9) == Lease(part=part, owner="two")


def test_move_stores_the_position_for_the_next_lease(positions: WorkPositions, part: Part) -> None:
    lease = taken(positions, part)
    assert lease
    for to in ("a", "b", "b"):
        moved = positions.move(lease, to)
        assert moved == replace(lease, at=to)
        lease = moved
    assert taken(positions, part, "two", minutes=5) == Lease(part=part, owner="two", at="b")


def test_move_repeated_after_a_lost_response_is_done(positions: WorkPositions, part: Part) -> None:
    lease = taken(positions, part)
    assert lease
    assert positions.move(lease, "a") == positions.move(lease, "a") == replace(lease, at="a")


def test_move_is_refused_to_another_owner_and_from_another_position(positions: WorkPositions, part: Part) -> None:
    first = taken(positions, part)
    second = taken(positions, part, "two", minutes=5)
    assert first
    assert second
    moved = positions.move(second, "b")
    assert moved
    assert positions.move(first, "a") is None
    assert positions.move(second, "c") is None  # it is at b
    assert positions.move(moved, "c")


def test_release_ends_the_own_lease_only(positions: WorkPositions, part: Part) -> None:
    first = taken(positions, part)
    assert first
    positions.release(first)
    second = taken(positions, part, "two", minutes=1)
    assert second
    positions.release(first)
    assert taken(positions, part, "three", minutes=1) is None
    assert positions.move(first, "a") is None


def test_rewind_takes_the_part_from_its_run(positions: WorkPositions, part: Part) -> None:
    lease = taken(positions, part)
    assert lease
    lease = positions.move(lease, "b")
    assert lease
    positions.rewind(part, "a")
    assert positions.move(lease, "c") is None
    assert taken(positions, part, "two") == Lease(part=part, owner="two", at="a")


def test_list_due_returns_parked_items_until_they_are_handled(positions: WorkPositions, part: Part) -> None:
    items = [park_item(f"item#{number}", "unreadable", START, (number * MINUTE,)) for number in range(4)]
    for item in items:
        positions.park(part, item)
    now = START + 2 * MINUTE
    assert list(positions.list_due(part, now, 100)) == items[:3]
    assert list(positions.list_due(part, now, 2)) == items[:2]
    assert list(positions.list_due(replace(part, name="08"), now, 100)) == []

    assert [positions.has_parked(part, each) for each in ("item#1", "item#3", "item#4")] == [True, True, False]

    again = park_again(items[0], "still unreadable", now, (MINUTE,))
    positions.park(part, again)
    for _ in range(2):
        positions.unpark(part, "item#1", now)
    positions.unpark(part, "unknown", now)
    assert not positions.has_parked(part, "item#1")
    assert list(positions.list_due(part, now, 100)) == [items[2]]
    assert list(positions.list_due(part, now + MINUTE, 100)) == [items[2], again, items[3]]


def test_list_due_begins_with_the_longest_due(positions: WorkPositions, part: Part) -> None:
    items = [park_item(f"item#{number}", "unreadable", START, ((9 - number) * MINUTE,)) for number in range(4)]
    for item in items:
        positions.park(part, item)
    assert list(positions.list_due(part, START + 9 * MINUTE, 3)) == items[:0:-1]


def test_work_costs_one_unit_for_each_write(atomic_store: DynamoStore, part: Part) -> None:
    positions = DynamoWorkPositions(atomic_store.table_name)
    lease, item = Lease(part=part, owner="one"), park_item("a", "unreadable", START)
    writes: list[Callable[[], object]] = [
        lambda: positions.take(part, "one", START, START + MINUTE),
        lambda: positions.move(lease, "a"),
        lambda: positions.park(part, item),
        lambda: positions.unpark(part, "a", START),
        lambda: positions.release(lease),
        lambda: positions.rewind(part, "b"),
    ]
    assert [measured(atomic_store, write) for write in writes] == [Cost(1, wru=1)] * len(writes)
    assert measured(atomic_store, lambda: positions.list_due(part, START, 100)).trips == 1
