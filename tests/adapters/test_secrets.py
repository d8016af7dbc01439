"""Secrets in SSM's parameter store."""

import traceback
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from chalicelib.adapters.aws.secrets import CACHE_SECONDS, BadSecret, SsmSecrets
from chalicelib.errors import TryAgain
from tests.stores import cloud_at

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


class Watch:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def secrets(watch: Watch) -> SsmSecrets:
    return SsmSecrets("test", livemode=False, monotonic=watch)


@cache
def operator() -> "SSMClient":
    return boto3.client("ssm")


def put(name: str, value: str) -> None:
    operator().put_parameter(
        Name=f"/coinpurse/test/{name}", Value=value, Type="SecureString", Overwrite=True, KeyId="alias/aws/ssm"
    )


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1"])
def test_the_key_is_read_and_decrypted(secrets: SsmSecrets, key: str) -> None:
    put("stripe_api_key", key)

    assert secrets.stripe_api_key() == key


def test_a_secret_is_read_again_after_five_minutes(secrets: SsmSecrets, watch: Watch) -> None:
    put("stripe_api_key", "sk_test_old")
    assert secrets.stripe_api_key() == "sk_test_old"
    put("stripe_api_key", "sk_test_new")

    watch.seconds += CACHE_SECONDS - 0.001
    assert secrets.stripe_api_key() == "sk_test_old"

    watch.seconds += 0.001
    assert secrets.stripe_api_key() == "sk_test_new"


def test_it_is_also_read_when_the_machine_has_just_started(secrets: SsmSecrets, watch: Watch) -> None:
    watch.seconds = 0.0
    put("stripe_api_key", "sk_test_1")

    assert secrets.stripe_api_key() == "sk_test_1"


def test_secrets_are_cached_each_by_itself(secrets: SsmSecrets, watch: Watch) -> None:
    put("stripe_api_key", "sk_test_1")
    put("stripe_webhook_secrets", '["whsec_old"]')
    secrets.stripe_api_key()
    watch.seconds += CACHE_SECONDS / 2
    assert secrets.stripe_webhook_secrets() == ["whsec_old"]
    put("stripe_webhook_secrets", '["whsec_old", "whsec_new"]')

    watch.seconds += CACHE_SECONDS / 2
    assert secrets.stripe_webhook_secrets() == ["whsec_old"]
    watch.seconds += CACHE_SECONDS / 2
    assert secrets.stripe_webhook_secrets() == ["whsec_old", "whsec_new"]


@pytest.mark.parametrize(
    ("livemode", "key"),
    [
        (False, "sk_live_1"),
        (False, "rk_live_1"),
        (True, "sk_test_1"),
        (True, "rk_test_1"),
        (False, "pk_test_1"),
        (False, " sk_test_1"),
        (False, "whsec_1"),
    ],
)
def test_a_key_of_the_other_mode_is_refused_and_not_told(livemode: bool, key: str) -> None:
    put("stripe_api_key", key)

    with pytest.raises(BadSecret, match="/coinpurse/test/stripe_api_key must be a") as refused:
        SsmSecrets("test", livemode=livemode).stripe_api_key()
    assert key not in str(refused.value)


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_a_live_key_serves_live_mode(key: str) -> None:
    put("stripe_api_key", key)

    assert SsmSecrets("test", livemode=True).stripe_api_key() == key


@pytest.mark.parametrize(
    "text",
    [
        "whsec_plain",
        '"whsec_1"',
        "[]",
        "{}",
        '["whsec_1", 2]',
        '["whsec_"]',
        '["whsec_1", ""]',
        '["secret"]',
        "[",
        "null",
    ],
)
def test_a_list_that_is_none_is_refused_and_not_told(secrets: SsmSecrets, text: str) -> None:
    put("stripe_webhook_secrets", text)

    with pytest.raises(BadSecret, match="stripe_webhook_secrets") as refused:
        secrets.stripe_webhook_secrets()
    assert "whsec_1" not in "".join(traceback.format_exception(refused.value))


def test_a_mended_secret_is_not_held_back_by_the_bad_one(secrets: SsmSecrets, watch: Watch) -> None:
    put("stripe_webhook_secrets", "[]")
    with pytest.raises(BadSecret):
        secrets.stripe_webhook_secrets()
    put("stripe_webhook_secrets", '["whsec_1"]')

    watch.seconds += CACHE_SECONDS
    assert secrets.stripe_webhook_secrets() == ["whsec_1"]


def test_a_secret_that_is_not_there_is_named(secrets: SsmSecrets) -> None:
    with pytest.raises(BadSecret, match="/coinpurse/test/stripe_api_key is not there"):
        secrets.stripe_api_key()


def test_when_ssm_does_not_answer_the_request_may_be_sent_again(secrets: SsmSecrets) -> None:
    def fail(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://ssm.example")

    secrets._ssm.meta.events.register_first("before-send.ssm.GetParameter", fail)

    with pytest.raises(TryAgain):
        secrets.stripe_webhook_secrets()


def test_the_keys_that_sign_offers_are_a_list_too(secrets: SsmSecrets) -> None:
    put("offer_signing_keys", '["-----BEGIN PRIVATE KEY-----\\n1", "-----BEGIN EC PRIVATE KEY-----\\n2"]')

    assert secrets.offer_signing_keys() == ["-----BEGIN PRIVATE KEY-----\n1", "-----BEGIN EC PRIVATE KEY-----\n2"]


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----", "[]", '["hidden"]', '["-----BEGIN PRIVATE KEY", 2]', ""]
)
def test_keys_that_are_none_are_refused_and_not_told(secrets: SsmSecrets, text: str) -> None:
    put("offer_signing_keys", text or "null")

    with pytest.raises(BadSecret, match="/coinpurse/test/offer_signing_keys must") as refused:
        secrets.offer_signing_keys()
    told = "".join(traceback.format_exception(refused.value))
    assert "hidden" not in told
    assert "BEGIN PRIVATE" not in told
