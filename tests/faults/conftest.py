import logging
from collections.abc import Iterator

import pytest

from tests.faults.relay_world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The relay under a fresh table."""
    return World(monkeypatch)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of faults need not be logged."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
