"""One stack for the whole session. If it cannot be started, the tests that need it fail instead of skipping."""

from collections.abc import Iterator

import pytest
from uuid_utils import uuid7

from infra.local.client import Fan
from infra.local.facts import StackFacts
from infra.local.options import Options
from infra.local.processes import free_ports
from infra.local.stack import temporary_stack
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber, subscriber
from tests.e2e.operations import AT_ONCE, Cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what handles all events or entries of the session so far: later there are thousands.

    The economies are last: they switch the catalogue and leave cold workers behind.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    turns = {"test_workers.py": 0, "test_reconcile.py": 1, "test_memberships.py": 2, "test_economies.py": 4}
    return turns.get(item.path.name, 3)


@pytest.fixture(scope="session")
def site_url() -> str:
    """The address of the sample sites, an origin that payment pages may lead back to."""
    (port,) = free_ports(1)
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def running(site_url: str) -> Iterator[tuple[StackFacts, Subscriber]]:
    options = Options(workers=AT_ONCE, return_origins=(site_url,))
    with temporary_stack("e2e", print, options) as facts, subscriber(facts) as subscribed:
        yield facts, subscribed


@pytest.fixture
def stack(running: tuple[StackFacts, Subscriber]) -> StackFacts:
    return running[0]


@pytest.fixture(scope="session")
def cloud(running: tuple[StackFacts, Subscriber]) -> Cloud:
    made = Cloud(running[0])
    made.pass_empty_hours()
    return made


@pytest.fixture
def overlay(running: tuple[StackFacts, Subscriber]) -> Subscriber:
    """The subscriber of the topic, which receives every message of the session."""
    return running[1]


@pytest.fixture
def stripe(stack: StackFacts) -> StripeSide:
    return StripeSide(stack)


@pytest.fixture
def fan(stack: StackFacts) -> Fan:
    """A fan without a wallet."""
    return Fan(stack, f"fan-{uuid7()}")


@pytest.fixture
def creator_id() -> str:
    return f"creator-{uuid7()}"
