"""Transactions that may meet others, and what each of their endings means."""

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
    """A transaction that did nothing because of its conditions.

    `old_items` are the items that failed theirs, as they are: one place for each action (puts before updates), None
    where the condition held or there is no such item. `failed` tells these two apart.
    """

    def __init__(self, reasons: Sequence[CancellationReason | None]) -> None:
        super().__init__()
        self.failed = [reason is not None and reason.code == _CONDITION for reason in reasons]
        self.old_items = [reason.raw_item if reason else None for reason in reasons]


class Transactions:
    """Writes of several items that happen whole or not at all."""

    def __init__(self, connection: Connection, pause: Callable[[float], None] = time.sleep) -> None:
        self._connection = connection
        self._pause = pause

    def write(self, write: Callable[[TransactWrite], None]) -> None:
        """Write, again and again while others are in the way.

        Raises:
            Refused: a condition did not hold.
            TryAgain: others were in the way every time, or the outcome is not known.
        """
        for _ in range(MAX_ATTEMPTS):
            with transient_errors():
                try:
                    with TransactWrite(connection=self._connection) as transaction:
                        write(transaction)
                except TransactWriteError as error:
                    self._judge(error)
                else:
                    return
        raise TryAgain("Others are writing there.")

    def wait(self) -> None:
        """Step aside for a moment, each caller for another, so that those who met do not meet again."""
        self._pause(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  # jitter, not a secret

    def _judge(self, error: TransactWriteError) -> None:
        """Wait when others were in the way. Beside a conflict no condition counts: it may be with our own twin."""
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
    """Turn what may pass by itself into TryAgain: the network, throttling, the store's own trouble."""
    try:
        yield
    except PynamoDBException as error:
        code = _code(error)
        # A number is the HTTP status of an answer that is not DynamoDB's own.
        if isinstance(error.cause, Exception) and (
            code is None or code in _TRANSIENT or re.fullmatch("5[0-9]{2}", code)
        ):
            raise TryAgain("The ledger did not answer in time.") from error
        raise


def is_done(write: Callable[[], object]) -> bool:
    """Make a single write. Whether its condition held; when not, nothing was written. Raises as transient_errors."""
    with transient_errors():
        try:
            write()
        except PynamoDBException as error:
            if not is_refused(error):
                raise
            return False
    return True


def is_refused(error: PynamoDBException) -> bool:
    """Whether a single write did nothing because of its condition."""
    return _code(error) == "ConditionalCheckFailedException"


def _code(error: PynamoDBException) -> str | None:
    """DynamoDB's word for what went wrong. PynamoDB's own property breaks on a request that got no answer at all."""
    answer: dict[str, dict[str, str]] = getattr(error.cause, "response", None) or {}
    return answer.get("Error", {}).get("Code")
