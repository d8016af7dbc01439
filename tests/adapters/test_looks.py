"""Contract of the Looks port."""

from datetime import timedelta

import pytest

from chalicelib.adapters.dynamodb.looks import DynamoLooks
from chalicelib.ports.looks import Looks
from tests.adapters.samples import new_name
from tests.fake_looks import FakeLooks
from tests.fakes import START
from tests.stores import DynamoStore, Store


@pytest.fixture
def looks(store: Store) -> Looks:
    return DynamoLooks(store.table_name) if isinstance(store, DynamoStore) else FakeLooks()


def test_last_looks_are_those_of_each_object_asked_for(looks: Looks) -> None:
    first, second, third = (f"payment/{new_name('pi')}" for _ in range(3))
    looks.note_look(first, START)
    looks.note_look(second, START)
    looks.note_look(second, START + timedelta(milliseconds=1))
    assert looks.last_looks([first, second]) == {first: START, second: START + timedelta(milliseconds=1)}
    assert looks.last_looks([second, third]) == {second: START + timedelta(milliseconds=1)}
    assert looks.last_looks([]) == {}


def test_last_looks_of_more_objects_than_one_request_takes(looks: Looks) -> None:
    names = [f"event/{new_name('evt')}" for _ in range(101)]
    for name in names:
        looks.note_look(name, START)
    assert looks.last_looks(names) == dict.fromkeys(names, START)
