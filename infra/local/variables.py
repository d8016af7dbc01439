"""Names of the variables of `make up`, and the refusal of others before anything is built.

`make up` starts this file with any `python3` of the machine, so it keeps to the syntax and the standard library of
Python 3.6, and imports nothing of the project.
"""

import os
import shlex
import sys
from typing import List, Optional

NAMES = (
    *("CATALOGUE", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_URL"),
    *("TOKEN_ISSUER", "TOKEN_AUDIENCE", "JWKS_URL", "RETURN_ORIGINS", "WORKERS"),
)
"""The options of `make up`."""

PORTS = {
    "shop": "COINPURSE_SHOP_PORT",
    "aws": "COINPURSE_AWS_PORT",
    "stripe": "COINPURSE_STRIPE_PORT",
    "issuer": "COINPURSE_ISSUER_PORT",
}
"""The variables of the ports, by the part that listens."""

_OF_OTHER_COMMANDS = ("PYTHON", "STAGE", "COINPURSE_SERVE_PORT")


def refusal(makeflags: str) -> Optional[str]:
    """Return a sentence that names the unknown variables of make's command line, or None.

    Args:
        makeflags: the environment variable MAKEFLAGS, in which make passes its variables on behind `--`.
    """
    known = [*NAMES, *PORTS.values()]
    unknown = [name for name in _names(makeflags) if name not in known and name not in _OF_OTHER_COMMANDS]
    if not unknown:
        return None
    are = "is not an option" if len(unknown) == 1 else "are not options"
    return f"{', '.join(unknown)} {are} of make up; its options are {', '.join(known)}."


def _names(makeflags: str) -> List[str]:
    _, _, variables = f" {makeflags}".partition(" -- ")
    return [word.partition("=")[0] for word in shlex.split(variables) if "=" in word]


if __name__ == "__main__":
    sys.exit(refusal(os.environ.get("MAKEFLAGS", "")))
