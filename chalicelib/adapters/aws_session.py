"""The botocore session of this process."""

from functools import cache
from typing import TYPE_CHECKING, Final

from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.session import Session

CONFIG: Final = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"})
"""Timeouts in seconds that leave room for the rest of a request."""


@cache
def shared_session() -> "Session":
    """Return the session that all clients share. Making one takes as long as making two clients.

    Not safe for threads: Lambda makes its clients before the first request or during one.
    """
    return get_session()


def client(service: str, config: Config = CONFIG) -> "BaseClient":
    """Make a client of the shared session."""
    return shared_session().create_client(service, config=config)
