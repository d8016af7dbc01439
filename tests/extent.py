"""Choose the share of large enumerations that tests run: `COINPURSE_EXTENT=whole` (`make faults`) runs all cases.

`make test` runs a part of each, to stay within minutes. That part catches every planted bug.
"""

import os
from typing import Final, TypeVar

IS_WHOLE: Final = os.environ.get("COINPURSE_EXTENT") == "whole"

T = TypeVar("T")


def whole_or(whole: T, part: T) -> T:
    """Return `whole` under `make faults`, else `part`."""
    return whole if IS_WHOLE else part
