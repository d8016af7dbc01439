"""Differences between the recording and the present, as sentences that name the place."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

ALLOWED_ADDITIONS: tuple[str, ...] = ()
"""Attributes of rows and events that were added on purpose: patterns of their places, like `rows/*/new_attribute`."""


def differences(recorded: Any, present: Any, place: str, allowed: Sequence[str] = ALLOWED_ADDITIONS) -> list[str]:
    """Compare two JSON values.

    Args:
        recorded: the value of the first release.
        present: the value now.
        place: the path of both, as it appears in the result.
        allowed: patterns of paths that may exist now without having been recorded.
    """
    if isinstance(recorded, Mapping) and isinstance(present, Mapping):
        gone = [f"{place}/{key}: is missing" for key in recorded if key not in present]
        new = [f"{place}/{key}" for key in present if key not in recorded]
        added = [f"{path}: was added" for path in new if not any(fnmatchcase(path, each) for each in allowed)]
        common = [key for key in recorded if key in present]
        return (
            gone
            + added
            + [line for key in common for line in differences(recorded[key], present[key], f"{place}/{key}", allowed)]
        )
    if isinstance(recorded, list) and isinstance(present, list):
        pairs = zip(recorded, present, strict=False)
        found = [
            line
            for number, (old, new_one) in enumerate(pairs)
            for line in differences(old, new_one, f"{place}/{number}", allowed)
        ]
        lengths = (len(recorded), len(present))
        return found + ([f"{place}: had {lengths[0]} elements, has {lengths[1]}"] if len(set(lengths)) > 1 else [])
    if type(recorded) is not type(present) or recorded != present:
        return [f"{place}: was {recorded!r}, is {present!r}"]
    return []
