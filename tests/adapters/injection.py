"""Faults that no double of DynamoDB produces: conflicts, throttling, time-outs and lost responses."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.atomic_table import http_response

Send = Callable[[], AWSResponse]
Fault = Callable[[Send], AWSResponse | None]
"""A replacement for sending a request, which it gets as an argument. Returns None to send the request unchanged."""


@contextmanager
def injecting(client: Any, *faults: Fault, operation: str = "TransactWriteItems") -> Iterator[list[dict[str, Any]]]:
    """Inject the faults into a client's next requests, one each and in order. Yields the bodies of all its requests.

    The hook sits below botocore's retries, so that each retry counts as a request.
    """
    pending, requests = list(faults), []

    def inject(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        requests.append(json.loads(cast("bytes", request.body)))
        return pending.pop(0)(lambda: client._endpoint.http_session.send(request)) if pending else None

    event = f"before-send.dynamodb.{operation}"
    client.meta.events.register_first(event, inject)
    try:
        yield requests
    finally:
        client.meta.events.unregister(event, inject)


def times_out(_send: Send) -> AWSResponse:
    """Fail before the request arrives."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def cannot_connect(_send: Send) -> AWSResponse:
    """Fail to open a connection."""
    raise EndpointConnectionError(endpoint_url="https://dynamodb.example")


def response_lost(send: Send) -> AWSResponse:
    """Execute the request and lose its response."""
    send()
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def delivered_twice(send: Send) -> AWSResponse:
    """Execute the request twice and return the second response."""
    send()
    return send()


def canceled(*codes: str) -> Fault:
    """Cancel the transaction with one reason code for each action; `None` for actions that did not fail."""
    reasons = [{"Code": code, "Message": code} for code in codes]
    return error_response("TransactionCanceledException", CancellationReasons=reasons)


def error_response(code: str, status: int = 400, **members: object) -> Fault:
    """Respond with an error of DynamoDB."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **members}
    return responds(status, json.dumps(error))


def responds(status: int, body: str) -> Fault:
    """Respond with any HTTP response, like one of a proxy."""
    return lambda _: http_response(status, body)
