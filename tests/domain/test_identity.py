import pytest

from chalicelib.domain.identity import Caller


def test_caller_without_scopes_has_none() -> None:
    assert Caller(user_id="fan-1").scopes == frozenset()


def test_caller_is_immutable() -> None:
    caller = Caller(user_id="fan-1")
    with pytest.raises(AttributeError):
        caller.user_id = "fan-2"  # type: ignore[misc]  # that is the point
