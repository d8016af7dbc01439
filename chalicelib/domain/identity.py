"""Who is asking."""

from msgspec import Struct


class Caller(Struct, frozen=True, kw_only=True):
    """The holder of a valid bearer token. `user_id` is its `sub`, `scopes` what its `scope` lists."""

    user_id: str
    scopes: frozenset[str] = frozenset()
