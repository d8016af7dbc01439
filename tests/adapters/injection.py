"""What no double of DynamoDB does by itself: conflicts, throttling, time-outs, and answers that get lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

Send = Callable[[], AWSResponse]
Fault = Callable[[Send], AWSResponse | None]
"""Given how to really send the request, says what becomes of it. None lets it pass."""


@contextmanager
def meeting(client: Any, *faults: Fault, operation: str = "TransactWriteItems") -> Iterator[list[dict[str, Any]]]:
    """Let a client's requests meet these, one each and in this order; later requests pass. Gives what was asked.

    It hooks in where requests leave botocore, below its retries: each of those is a request of its own.
    """
    ahead, asked = list(faults), []

    def meet(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        asked.append(json.loads(cast("bytes", request.body)))
        return ahead.pop(0)(lambda: client._endpoint.http_session.send(request)) if ahead else None

    event = f"before-send.dynamodb.{operation}"
    client.meta.events.register_first(event, meet)
    try:
        yield asked
    finally:
        client.meta.events.unregister(event, meet)


def times_out(_send: Send) -> AWSResponse:
    """It never arrives."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def cannot_connect(_send: Send) -> AWSResponse:
    """Nobody is there."""
    raise EndpointConnectionError(endpoint_url="https://dynamodb.example")


def answer_lost(send: Send) -> AWSResponse:
    """It arrives and is done; the answer gets lost."""
    send()
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def arrives_twice(send: Send) -> AWSResponse:
    """The network delivers it twice, and the second answer."""
    send()
    return send()


def canceled(*codes: str) -> Fault:
    """The transaction is canceled for these reasons, one for each action; `None` for the actions without one."""
    reasons = [{"Code": code, "Message": code} for code in codes]
    return fails("TransactionCanceledException", CancellationReasons=reasons)


def fails(code: str, status: int = 400, **members: object) -> Fault:
    """It is answered with an error of DynamoDB."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **members}
    return answers(status, json.dumps(error))


def answers(status: int, body: str) -> Fault:
    """It is answered by whatever stands in between."""
    return lambda _: AWSResponse("https://dynamodb.example", status, HTTPHeaders(), _Raw(body.encode()))


class _Raw(BytesIO):
    """A body as urllib3 gives it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()
