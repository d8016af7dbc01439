"""The botocore session of this process."""

from functools import cache
from typing import TYPE_CHECKING, Final

from botocore import handlers
from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.session import Session

MAX_CONNECTIONS: Final = 25
"""Connections that a client keeps, one for each thread of the relay: a batch of 100 shards is posted in four rounds."""

CONFIG: Final = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 2, "mode": "standard"},
    max_pool_connections=MAX_CONNECTIONS,
)
"""Timeouts in seconds that leave room for the rest of a request."""

SERVICES: Final = ("dynamodb", "sns", "sqs", "ssm")
"""The services that the functions call."""


@cache
def shared_session() -> "Session":
    """Return the session that all clients share. Making one takes as long as making two clients.

    Not safe for threads: Lambda makes its clients before the first request or during one.
    """
    # botocore inspects each handler's signature, and most of them are for other services.
    every = handlers.BUILTIN_HANDLERS
    handlers.BUILTIN_HANDLERS = [handler for handler in every if _is_needed(handler[0])]
    try:
        return get_session()
    finally:
        handlers.BUILTIN_HANDLERS = every


def client(service: str, config: Config = CONFIG) -> "BaseClient":
    """Make a client of the shared session."""
    return shared_session().create_client(service, config=config)


def _is_needed(event: str) -> bool:
    """Check if an event, such as `before-call.s3.PutObject`, concerns all services or one that is called."""
    kind, _, rest = event.partition(".")
    return kind != "docs" and (not rest or rest.partition(".")[0] in {"*", *SERVICES})
