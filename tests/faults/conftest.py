import logging
from collections.abc import Iterator

import pytest

from tests.faults.relay_harness import RelayHarness


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> RelayHarness:
    """Return the relay under an empty table."""
    return RelayHarness(monkeypatch)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Turn the log off during thousands of expected faults."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
