"""The authenticated caller."""

from msgspec import Struct


class Caller(Struct, frozen=True, kw_only=True):
    """The holder of a valid bearer token: `user_id` is the claim `sub`, `scopes` the claim `scope`."""

    user_id: str
    scopes: frozenset[str] = frozenset()
