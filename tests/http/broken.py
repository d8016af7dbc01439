"""A port that fails."""

from typing import Any


class Broken:
    """A port whose every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise self._error

        return fail
