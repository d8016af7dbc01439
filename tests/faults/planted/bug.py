"""The type of a planted bug."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A small change that breaks the product, and the tests that must fail.

    `old` occurs in `path` exactly once and is replaced by `new`. `tests` are arguments of pytest, as few as possible.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
