"""One stack for the whole session. If it cannot be started, the tests that need it fail instead of skipping."""

from collections.abc import Iterator

import pytest
from uuid_utils import uuid7

from infra.local.client import MAX_IN_FLIGHT, Fan
from infra.local.facts import StackFacts
from infra.local.options import Options
from infra.local.stack import temporary_stack
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber, subscriber
from tests.e2e.operations import Cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the economies last: they switch the catalogue and leave cold workers behind."""
    items.sort(key=lambda item: item.path.name == "test_economies.py")


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[StackFacts, Subscriber]]:
    with temporary_stack("e2e", print, Options(workers=MAX_IN_FLIGHT)) as facts, subscriber(facts) as subscribed:
        yield facts, subscribed


@pytest.fixture
def stack(running: tuple[StackFacts, Subscriber]) -> StackFacts:
    return running[0]


@pytest.fixture
def cloud(stack: StackFacts) -> Cloud:
    return Cloud(stack)


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
