"""Secrets in SSM's parameter store."""

import traceback
from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.adapters.aws.secrets import CACHE_SECONDS, BadSecret, SsmSecrets
from tests.adapters.ssm_lab import ManualClock, Responses, operator, put
from tests.adapters.tokens_lab import ignore
from tests.stores import cloud_at


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1"])
def test_stripe_api_key_is_read_and_decrypted(secrets: SsmSecrets, key: str) -> None:
    put("stripe_api_key", key)

    assert secrets.stripe_api_key() == key


def test_stripe_api_key_is_cached_for_five_minutes(secrets: SsmSecrets, clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_old")
    assert secrets.stripe_api_key() == "sk_test_old"
    put("stripe_api_key", "sk_test_new")

    clock.seconds += CACHE_SECONDS - 0.001
    assert secrets.stripe_api_key() == "sk_test_old"

    clock.seconds += 0.001
    assert secrets.stripe_api_key() == "sk_test_new"


def test_stripe_api_key_is_read_at_monotonic_zero(secrets: SsmSecrets, clock: ManualClock) -> None:
    clock.seconds = 0.0
    put("stripe_api_key", "sk_test_1")

    assert secrets.stripe_api_key() == "sk_test_1"


def test_secrets_are_read_in_one_request(secrets: SsmSecrets, responses: Responses) -> None:
    put("stripe_api_key", "sk_test_1")
    put("stripe_webhook_secrets", '["whsec_1"]')

    assert secrets.stripe_api_key() == "sk_test_1"
    assert secrets.stripe_webhook_secrets() == ["whsec_1"]
    assert responses.requests == 1


def test_secrets_are_read_ahead(secrets: SsmSecrets, responses: Responses) -> None:
    put("stripe_api_key", "sk_test_1")

    secrets.read_ahead()
    assert responses.requests == 1
    assert secrets.stripe_api_key() == "sk_test_1"
    assert responses.requests == 1


def test_function_reads_only_its_secrets(clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_1")
    put("stripe_webhook_secrets", '["whsec_1"]')
    secrets = SsmSecrets("test", livemode=False, names=("stripe_api_key",), on_stale=ignore, monotonic=clock)

    assert secrets.stripe_api_key() == "sk_test_1"
    with pytest.raises(BadSecret):
        secrets.stripe_webhook_secrets()


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
def test_stripe_api_key_of_other_mode_is_rejected_without_disclosing_it(livemode: bool, key: str) -> None:
    put("stripe_api_key", key)

    with pytest.raises(BadSecret, match="/coinpurse/test/stripe_api_key must be a") as refused:
        SsmSecrets("test", livemode=livemode, on_stale=ignore).stripe_api_key()
    assert key not in str(refused.value)


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_stripe_api_key_accepts_live_key_in_live_mode(key: str) -> None:
    put("stripe_api_key", key)

    assert SsmSecrets("test", livemode=True, on_stale=ignore).stripe_api_key() == key


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
def test_stripe_webhook_secrets_invalid_list_is_rejected_without_disclosing_it(secrets: SsmSecrets, text: str) -> None:
    put("stripe_webhook_secrets", text)

    with pytest.raises(BadSecret, match="stripe_webhook_secrets") as refused:
        secrets.stripe_webhook_secrets()
    assert "whsec_1" not in "".join(traceback.format_exception(refused.value))


def test_stripe_webhook_secrets_corrected_value_is_read_after_bad_one(secrets: SsmSecrets, clock: ManualClock) -> None:
    put("stripe_webhook_secrets", "[]")
    with pytest.raises(BadSecret):
        secrets.stripe_webhook_secrets()
    put("stripe_webhook_secrets", '["whsec_1"]')

    clock.seconds += CACHE_SECONDS
    assert secrets.stripe_webhook_secrets() == ["whsec_1"]


def test_missing_secret_is_named(secrets: SsmSecrets) -> None:
    with pytest.raises(BadSecret, match="/coinpurse/test/stripe_api_key is not there"):
        secrets.stripe_api_key()


def test_removed_secret_is_not_kept(secrets: SsmSecrets, clock: ManualClock) -> None:
    put("stripe_api_key", "sk_test_1")
    secrets.stripe_api_key()
    operator().delete_parameter(Name="/coinpurse/test/stripe_api_key")

    clock.seconds += CACHE_SECONDS
    with pytest.raises(BadSecret, match="stripe_api_key is not there"):
        secrets.stripe_api_key()


def test_offer_signing_keys_are_read_as_a_list(secrets: SsmSecrets) -> None:
    put("offer_signing_keys", '["-----BEGIN PRIVATE KEY-----\\n1", "-----BEGIN EC PRIVATE KEY-----\\n2"]')

    assert secrets.offer_signing_keys() == ["-----BEGIN PRIVATE KEY-----\n1", "-----BEGIN EC PRIVATE KEY-----\n2"]


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----", "[]", '["hidden"]', '["-----BEGIN PRIVATE KEY", 2]', ""]
)
def test_offer_signing_keys_invalid_list_is_rejected_without_disclosing_it(secrets: SsmSecrets, text: str) -> None:
    put("offer_signing_keys", text or "null")

    with pytest.raises(BadSecret, match="/coinpurse/test/offer_signing_keys must") as refused:
        secrets.offer_signing_keys()
    printed = "".join(traceback.format_exception(refused.value))
    assert "hidden" not in printed
    assert "BEGIN PRIVATE" not in printed
