"""What a planted bug is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A small change that makes the product wrong, and the tests that must notification.

    `old` stands in `path` exactly once and becomes `new`. `tests` are arguments of pytest: the fewer, the faster.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
