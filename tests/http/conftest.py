import pytest

from tests.http.api import Api, put_in_place


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API on fresh fakes."""
    api = Api()
    put_in_place(api, monkeypatch)
    return api
