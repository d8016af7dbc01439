"""Transactions with retries on conflict, and the meaning of each failure."""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pynamodb.connection import Connection
from pynamodb.exceptions import CancellationReason, PynamoDBException, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.errors import TryAgain

RawItem = dict[str, dict[str, Any]]

MAX_ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.05
_CONDITION: Final = "ConditionalCheckFailed"
_BUSY: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_TRANSIENT: Final = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class Refused(Exception):
    """Raised when a condition failed; nothing was written.

    `old_items` has one place per action (puts before updates): the item whose condition failed, or None where the
    condition held or the item does not exist. `failed` distinguishes the two.
    """

    def __init__(self, reasons: Sequence[CancellationReason | None]) -> None:
        super().__init__()
        self.failed = [reason is not None and reason.code == _CONDITION for reason in reasons]
        self.old_items = [reason.raw_item if reason else None for reason in reasons]


class Conflict(TryAgain):
    """Raised when other transactions wrote the same items; nothing was written."""


class Transactions:
    """Atomic writes of several items."""

    def __init__(self, connection: Connection, pause: Callable[[float], None] = time.sleep) -> None:
        self._connection = connection
        self._pause = pause

    def write(self, write: Callable[[TransactWrite], None], attempts: int = MAX_ATTEMPTS) -> None:
        """Write, with retries while other transactions conflict.

        Raises:
            Refused: a condition did not hold.
            Conflict: every attempt met another transaction.
            TryAgain: the outcome is unknown.
        """
        for _ in range(attempts):
            with transient_errors():
                try:
                    with TransactWrite(connection=self._connection) as transaction:
                        write(transaction)
                except TransactWriteError as error:
                    self._classify(error)
                else:
                    return
        raise Conflict("Others are writing there.")

    def wait(self) -> None:
        """Sleep with full jitter."""
        self._pause(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  # jitter, not a secret

    def _classify(self, error: TransactWriteError) -> None:
        """Wait after a conflict. Failed conditions beside a conflict do not count: it may be our own repeat."""
        reasons = list(error.cancellation_reasons)
        codes = {reason.code for reason in reasons if reason}
        if codes & _BUSY:
            self.wait()
        elif codes == {_CONDITION}:
            raise Refused(reasons) from error
        else:
            raise error


@contextmanager
def transient_errors() -> Iterator[None]:
    """Convert transient errors (network, throttling, server errors) to TryAgain."""
    try:
        yield
    except PynamoDBException as error:
        code = _code(error)
        # A numeric code is the HTTP status of a response that is not DynamoDB's.
        if isinstance(error.cause, Exception) and (
            code is None or code in _TRANSIENT or re.fullmatch("5[0-9]{2}", code)
        ):
            raise TryAgain("The ledger did not answer in time.") from error
        raise


def is_done(write: Callable[[], object]) -> bool:
    """Run a conditional write. Returns False if the condition failed. Raises as transient_errors."""
    with transient_errors():
        try:
            write()
        except PynamoDBException as error:
            if not is_refused(error):
                raise
            return False
    return True


def is_refused(error: PynamoDBException) -> bool:
    """Check for a failed condition of a single write."""
    return _code(error) == "ConditionalCheckFailedException"


def _code(error: PynamoDBException) -> str | None:
    """Return DynamoDB's error code. PynamoDB's own property fails on a request without a response."""
    response: dict[str, dict[str, str]] = getattr(error.cause, "response", None) or {}
    return response.get("Error", {}).get("Code")
