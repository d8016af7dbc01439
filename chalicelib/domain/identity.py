"""Who is asking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of a valid bearer token. `user_id` is its `sub`, `scopes` what its `scope` lists."""

    user_id: str
    scopes: frozenset[str] = frozenset()
