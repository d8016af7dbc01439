"""One stack for the whole run. If it cannot be started, the tests that need it fail: they never skip."""

from collections.abc import Iterator

import pytest
from uuid6 import uuid7

from infra.local.client import MAX_IN_FLIGHT, Fan
from infra.local.facts import StackFacts
from infra.local.stack import borrowed_stack
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber, subscriber


@pytest.fixture(scope="session")
def stack() -> Iterator[StackFacts]:
    with borrowed_stack("e2e", print, MAX_IN_FLIGHT) as facts:
        yield facts


@pytest.fixture(scope="session", autouse=True)
def overlay(stack: StackFacts) -> Iterator[Subscriber]:
    """Subscribed before the first test, so that it must have heard of everything after the last."""
    with subscriber(stack) as subscribed:
        yield subscribed


@pytest.fixture
def stripe(stack: StackFacts) -> StripeSide:
    return StripeSide(stack)


@pytest.fixture
def fan(stack: StackFacts) -> Fan:
    """Somebody whom no other test knows."""
    return Fan(stack, f"fan-{uuid7()}")


@pytest.fixture
def creator_id() -> str:
    return f"creator-{uuid7()}"
