"""Secrets in SSM, read again every five minutes, so that a rotation needs no deployment."""

import time
from collections.abc import Callable, Mapping, Sequence
from random import uniform
from typing import TYPE_CHECKING, Final, cast

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

from chalicelib.adapters.aws_session import client
from chalicelib.adapters.refreshed_value import Limits, RefreshedValue, SourceFailed

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

NAMES: Final = ("stripe_api_key", "stripe_webhook_secrets", "offer_signing_keys")
CACHE_SECONDS: Final = 300
STALE_SECONDS: Final = 3_600
FLOOR_SECONDS: Final = 10
TRIES_SECONDS: Final = 8
"""Time for the tries of the first read. Later reads are tried once, because there are values to go on with."""

SSM_CONFIG: Final = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})

_LIMITS: Final = Limits(fresh=CACHE_SECONDS, stale=STALE_SECONDS, floor=FLOOR_SECONDS, patience=TRIES_SECONDS)
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 1.6
_SERVER_ERROR: Final = 500


class BadSecret(Exception):
    """Raised for an unusable secret. The message names the parameter, never its value."""


class SsmSecrets:
    """SecureStrings `/coinpurse/<stage>/stripe_api_key`, `.../stripe_webhook_secrets` and `.../offer_signing_keys`.

    The latter two are JSON lists of strings. All are read in one request: SSM answers 40 a second to an account. The
    last values serve for an hour while SSM fails.

    Args:
        stage: names the parameters.
        livemode: an API key of the other mode is refused.
        names: those of NAMES that the function may read.
        on_stale: called for each failed read while earlier values are used.
        monotonic: returns seconds of a monotonic clock.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        stage: str,
        *,
        livemode: bool,
        names: Sequence[str] = NAMES,
        on_stale: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._prefix = f"/coinpurse/{stage}"
        self._mode = "live" if livemode else "test"
        self._names = [f"{self._prefix}/{name}" for name in names]
        self._monotonic = monotonic
        self._sleep = sleep
        self._parameters = RefreshedValue("secrets", self._read, limits=_LIMITS, on_stale=on_stale, monotonic=monotonic)
        self._ssm = cast("SSMClient", client("ssm", SSM_CONFIG))

    def read_ahead(self) -> None:
        """Read the secrets before they are needed. Leaves a failure to the first use."""
        self._parameters.refresh()

    def stripe_api_key(self) -> str:
        """Return the secret or restricted API key. Raises BadSecret for a key of the other mode."""
        api_key = self._parameter("stripe_api_key")
        if not api_key.startswith((f"sk_{self._mode}_", f"rk_{self._mode}_")):
            raise BadSecret(f"{self._prefix}/stripe_api_key must be a {self._mode} mode key")
        return api_key

    def stripe_webhook_secrets(self) -> Sequence[str]:
        """Return the valid signing secrets: one, or two during a rotation. Raises BadSecret."""
        secrets = self._list("stripe_webhook_secrets")
        if not secrets or not all(secret.startswith("whsec_") and len(secret) > len("whsec_") for secret in secrets):
            raise BadSecret(f"{self._prefix}/stripe_webhook_secrets must hold secrets that begin with whsec_")
        return secrets

    def offer_signing_keys(self) -> Sequence[str]:
        """Return the private keys for offers as PEM: the first signs, all verify. Raises BadSecret."""
        keys = self._list("offer_signing_keys")
        if not keys or not all(key.startswith("-----BEGIN ") for key in keys):
            raise BadSecret(f"{self._prefix}/offer_signing_keys must hold private keys as PEM")
        return keys

    def _list(self, name: str) -> list[str]:
        try:
            return msgspec.json.decode(self._parameter(name), type=list[str])
        except msgspec.MsgspecError as error:
            raise BadSecret(f"{self._prefix}/{name} must be a JSON list of strings") from error

    def _parameter(self, name: str) -> str:
        value = self._parameters.get().get(f"{self._prefix}/{name}")
        if value is None:
            raise BadSecret(f"{self._prefix}/{name} is not there")
        return value

    def _read(self) -> Mapping[str, str]:
        """Read all parameters, with full jitter between the tries.

        Raises:
            SourceFailed: names the error of the last try.
        """
        deadline = self._monotonic() + (0 if self._parameters.is_usable else TRIES_SECONDS)
        limit = _FIRST_PAUSE_SECONDS
        while True:
            began = self._monotonic()
            try:
                found = self._ssm.get_parameters(Names=self._names, WithDecryption=True)["Parameters"]
                return {parameter["Name"]: parameter["Value"] for parameter in found}
            except (BotoCoreError, ClientError) as error:
                pause = uniform(0, limit)  # noqa: S311  # spreads the tries of many functions
                # The next try may take as long as this one.
                ends_at = self._monotonic() + pause + (self._monotonic() - began)
                if not _is_transient(error) or ends_at > deadline:
                    raise SourceFailed(_cause(error)) from error
            self._sleep(pause)
            limit = min(2 * limit, _LONGEST_PAUSE_SECONDS)


def _is_transient(error: BotoCoreError | ClientError) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError)
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= _SERVER_ERROR or error.response["Error"]["Code"] == "ThrottlingException"


def _cause(error: BotoCoreError | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
