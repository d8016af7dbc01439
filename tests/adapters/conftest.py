"""Stores under test. Each server is started once per session, and only if a test requests it."""

import os
from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws.secrets import SsmSecrets
from chalicelib.adapters.dynamodb.models import Row
from infra.local.dynamodb_local import dynamodb_local, unavailable_reason
from infra.local.ministack import ministack
from tests.adapters.ssm_lab import ManualClock, Responses
from tests.adapters.stripe_lab import Lab, open_lab
from tests.atomic_table import AtomicTable, wired_store
from tests.fakes import FakeLedger
from tests.stores import DynamoStore, FakeStore, Store, cloud_at, create_table

IS_CI = os.environ.get("CI") == "true"
DYNAMODB_LOCAL = pytest.param("dynamodb_local_store", marks=pytest.mark.dynamodb_local)
CONTRACT_STORE = "ministack_store" if unavailable_reason() and not IS_CI else DYNAMODB_LOCAL
"""The server that runs the contract suite: MiniStack where DynamoDB Local cannot run. Races and costs use both."""
SERVERS = {"ministack_store", "dynamodb_local_store"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of servers: they run without coverage, because the table in this process covers the same lines."""
    for item in items:
        if item.nodeid.startswith("tests/adapters/") and SERVERS & _stores_of(item):
            item.add_marker("untraced")


def _stores_of(item: pytest.Item) -> set[str]:
    """Return the fixtures that a test requests by itself and by its parameters."""
    parameters = (
        item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    )
    return {*getattr(item, "fixturenames", ()), *(each for each in parameters if isinstance(each, str))}


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    if reason := unavailable_reason():
        # Only DynamoDB Local parses expressions as strictly as DynamoDB, so CI must not skip it.
        (pytest.fail if IS_CI else pytest.skip)(reason)
    with dynamodb_local() as url:
        yield url


@pytest.fixture(scope="session")
def _stripe_lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


@pytest.fixture
def lab(_stripe_lab: Lab) -> Lab:
    _stripe_lab.control("POST", "/reset")
    return _stripe_lab


@pytest.fixture(scope="session")
def ministack_store(ministack_url: str) -> DynamoStore:
    return _store_at(ministack_url)


@pytest.fixture(scope="session")
def dynamodb_local_store(dynamodb_local_url: str) -> DynamoStore:
    store = _store_at(dynamodb_local_url)
    # DynamoDB Local limits a transaction to 10 actions (DynamoDB: 100), and one of them updates the shard.
    store.max_gifts = 9
    store.is_misreporting_transactions = True
    return store


@pytest.fixture(scope="session")
def _table() -> tuple[DynamoStore, AtomicTable]:
    return wired_store("coinpurse")


@pytest.fixture
def table_store(_table: tuple[DynamoStore, AtomicTable]) -> DynamoStore:
    """Return the store on a table in this process, the one that the random lives run on."""
    store, table = _table
    table.clear()
    return store


@pytest.fixture
def fake_store() -> FakeStore:
    return FakeStore(FakeLedger())


@pytest.fixture(params=["fake_store", "table_store", CONTRACT_STORE])
def store(request: pytest.FixtureRequest) -> Store:
    """Run the test on every store."""
    return _chosen(request)


@pytest.fixture(params=["ministack_store", DYNAMODB_LOCAL])
def atomic_store(request: pytest.FixtureRequest) -> DynamoStore:
    """Run the test on the servers: only they have atomic transactions and report the consumed capacity."""
    chosen: DynamoStore = request.getfixturevalue(request.param)
    chosen.bind()
    return chosen


def _chosen(request: pytest.FixtureRequest) -> Store:
    chosen: Store = request.getfixturevalue(request.param)
    if isinstance(chosen, DynamoStore):
        chosen.bind()
    return chosen


def _store_at(endpoint_url: str) -> DynamoStore:
    with cloud_at(endpoint_url), pytest.MonkeyPatch.context() as patch:
        # A server that 64 requests overload answers late. A request that is given up is sent twice, and the second
        # finds what the first wrote: races count on exact answers.
        patch.setattr(Row.Meta, "read_timeout_seconds", 30)
        store = DynamoStore("coinpurse")
        create_table(store)
        return store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stale() -> list[None]:
    """One element for each failed read while earlier values were used."""
    return []


@pytest.fixture
def secrets(clock: ManualClock, stale: list[None]) -> SsmSecrets:
    return SsmSecrets("test", livemode=False, on_stale=lambda: stale.append(None), monotonic=clock, sleep=clock.sleep)


@pytest.fixture
def responses(secrets: SsmSecrets, clock: ManualClock) -> Responses:
    return Responses(secrets, clock)
