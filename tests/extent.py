"""The extent to which tests try the largest enumerations: all of it with `COINPURSE_EXTENT=whole`, as in `make faults`.

`make test` tries a part of each, so that it takes minutes. Every planted bug is caught by that part.
"""

import os
from typing import Final, TypeVar

IS_WHOLE: Final = os.environ.get("COINPURSE_EXTENT") == "whole"

T = TypeVar("T")


def whole_or(whole: T, part: T) -> T:
    """Choose the whole for `make faults`, else the part."""
    return whole if IS_WHOLE else part
