"""SSM with a clock that tests set, and responses that a client receives in place of those over the network."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from chalicelib.adapters.aws.secrets import SsmSecrets
from tests.adapters import aws_lab

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

Respond = Callable[[str], AWSResponse | None]
"""Returns the response for an address, or None to send the request."""


def intercept(secrets: SsmSecrets, respond: Respond) -> None:
    """Answer the client's requests by `respond`. An exception takes the place of a network error."""

    def before_send(request: Any, **_: object) -> AWSResponse | None:
        return respond(request.url)

    # The hook returns a response, which the stubs do not know.
    secrets._ssm.meta.events.register_first("before-send.ssm.*", cast("Callable[..., None]", before_send))


def response(url: str, status: int, document: object) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders(), _Body(json.dumps(document).encode()))


def error_response(url: str, status: int, code: str) -> AWSResponse:
    return response(url, status, {"__type": code})


class _Body:
    """The body of a response, as urllib3 gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


class ManualClock:
    """Seconds of a monotonic clock, which pass when the adapter sleeps."""

    def __init__(self) -> None:
        self.seconds = 1.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class Responses:
    """Counts the requests of a client, and answers them with an error while one is set."""

    def __init__(self, secrets: SsmSecrets, clock: ManualClock) -> None:
        self.requests = 0
        self.error: tuple[int, str] | Exception | None = None
        self.seconds = 0.0
        """The time that each request takes."""
        self._clock = clock
        intercept(secrets, self._respond)

    def _respond(self, url: str) -> AWSResponse | None:
        self.requests += 1
        self._clock.seconds += self.seconds
        if isinstance(self.error, Exception):
            raise self.error
        return error_response(url, *self.error) if self.error else None


@cache
def operator() -> "SSMClient":
    return aws_lab.ssm()


def put(name: str, value: str) -> None:
    operator().put_parameter(
        Name=f"/coinpurse/test/{name}", Value=value, Type="SecureString", Overwrite=True, KeyId="alias/aws/ssm"
    )
