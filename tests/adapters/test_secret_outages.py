"""The secrets while SSM fails."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from moto import mock_aws

from chalicelib.adapters.aws.secrets import (
    CACHE_SECONDS,
    FLOOR_SECONDS,
    STALE_SECONDS,
    TRIES_SECONDS,
    SsmSecrets,
)
from chalicelib.errors import TryAgain
from tests.adapters.ssm_lab import ManualClock, Responses, put
from tests.stores import cloud_at


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


TRANSIENT = [
    ReadTimeoutError(endpoint_url="https://ssm.example"),
    EndpointConnectionError(endpoint_url="https://ssm.example"),
    (400, "ThrottlingException"),
    (500, "InternalServerError"),
    (503, "ServiceUnavailable"),
]


@pytest.mark.parametrize("error", TRANSIENT)
def test_first_read_is_tried_for_eight_seconds_with_jitter(
    secrets: SsmSecrets, responses: Responses, clock: ManualClock, error: Exception | tuple[int, str]
) -> None:
    responses.error = error
    began = clock.seconds

    with pytest.raises(TryAgain) as failed:
        secrets.stripe_webhook_secrets()

    assert failed.value.retry_after_seconds in {FLOOR_SECONDS, FLOOR_SECONDS + 1}, "rounded up"
    assert clock.seconds - began <= TRIES_SECONDS
    assert responses.requests > TRIES_SECONDS / 1.6
    assert len(set(clock.pauses)) == len(clock.pauses)
    assert str(failed.value.__cause__) == (type(error).__name__ if isinstance(error, Exception) else error[1])


def test_slow_tries_end_within_the_limit(secrets: SsmSecrets, responses: Responses, clock: ManualClock) -> None:
    responses.error, responses.seconds = ReadTimeoutError(endpoint_url="https://ssm.example"), 3.0
    began = clock.seconds

    with pytest.raises(TryAgain):
        secrets.stripe_api_key()
    assert clock.seconds - began <= TRIES_SECONDS
    assert responses.requests == 2


def test_first_read_succeeds_as_soon_as_ssm_does(secrets: SsmSecrets, responses: Responses, clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_1")
    responses.error = (400, "ThrottlingException")
    slept = clock.sleep

    def recover(seconds: float) -> None:
        slept(seconds)
        responses.error = None if len(clock.pauses) == 3 else responses.error

    secrets._sleep = recover
    assert secrets.stripe_api_key() == "sk_test_1"
    assert responses.requests == 4


@pytest.mark.parametrize("error", [(400, "AccessDeniedException"), NoCredentialsError()])
def test_denied_read_is_not_repeated(
    secrets: SsmSecrets, responses: Responses, error: Exception | tuple[int, str]
) -> None:
    responses.error = error

    with pytest.raises(TryAgain) as failed:
        secrets.stripe_api_key()
    assert responses.requests == 1
    assert str(failed.value.__cause__) == ("NoCredentialsError" if isinstance(error, Exception) else error[1])


def test_failed_read_is_repeated_after_the_floor(secrets: SsmSecrets, responses: Responses, clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_1")
    responses.error = (400, "AccessDeniedException")
    for _ in range(FLOOR_SECONDS):
        with pytest.raises(TryAgain):
            secrets.stripe_api_key()
        clock.seconds += 1
    assert responses.requests == 1
    responses.error = None

    assert secrets.stripe_api_key() == "sk_test_1"


def test_failed_read_ahead_is_left_to_the_first_use(secrets: SsmSecrets, responses: Responses) -> None:
    responses.error = (400, "ThrottlingException")

    secrets.read_ahead()
    with pytest.raises(TryAgain):
        secrets.stripe_api_key()


@pytest.mark.parametrize("error", [*TRANSIENT, (400, "AccessDeniedException")])
def test_outage_of_an_hour_is_not_noticed(
    secrets: SsmSecrets, responses: Responses, clock: ManualClock, stale: list[None], error: Exception | tuple[int, str]
) -> None:
    put("stripe_api_key", "sk_test_old")
    secrets.stripe_api_key()
    clock.seconds += CACHE_SECONDS - 1
    responses.error = error

    for _ in range(60):
        clock.seconds += 60
        assert secrets.stripe_api_key() == "sk_test_old"
    assert clock.pauses == []
    assert len(stale) == responses.requests - 1 == 60

    put("stripe_api_key", "sk_test_new")
    responses.error = None
    clock.seconds += FLOOR_SECONDS
    assert secrets.stripe_api_key() == "sk_test_new"
    assert len(stale) == 60


def test_last_values_end_after_an_hour(secrets: SsmSecrets, responses: Responses, clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_1")
    secrets.stripe_api_key()
    responses.error = (500, "InternalServerError")

    clock.seconds += CACHE_SECONDS + STALE_SECONDS - 1
    assert secrets.stripe_api_key() == "sk_test_1"
    clock.seconds += FLOOR_SECONDS
    with pytest.raises(TryAgain):
        secrets.stripe_api_key()
