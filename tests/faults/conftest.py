import logging
from collections.abc import Iterator

import pytest

from tests.faults.relay_world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return the relay under an empty table."""
    return World(monkeypatch)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Turn the log off during thousands of expected faults."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
