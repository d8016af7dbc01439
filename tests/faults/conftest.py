import pytest

from tests.faults.relay_world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The relay under a fresh table."""
    return World(monkeypatch)
