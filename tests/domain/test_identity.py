import pytest

from chalicelib.domain.identity import Caller


def test_a_caller_has_no_scope_that_the_token_does_not_list() -> None:
    assert Caller(user_id="fan-1").scopes == frozenset()


def test_nobody_becomes_somebody_else_on_the_way() -> None:
    caller = Caller(user_id="fan-1")
    with pytest.raises(AttributeError):
        caller.user_id = "fan-2"  # type: ignore[misc]  # that is the point
