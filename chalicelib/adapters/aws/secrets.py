"""Secrets in SSM, cached for five minutes, so that a rotation needs no deployment."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.errors import TryAgain

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

CACHE_SECONDS: Final = 300
SSM_CONFIG: Final = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})


class BadSecret(Exception):
    """Raised for an unusable secret. The message names the parameter, never its value."""


class SsmSecrets:
    """SecureStrings `/coinpurse/<stage>/stripe_api_key`, `.../stripe_webhook_secrets` and `.../offer_signing_keys`.

    The latter two are JSON lists of strings.

    Args:
        stage: names the parameters.
        livemode: an API key of the other mode is refused.
        monotonic: returns seconds of a monotonic clock.
    """

    def __init__(self, stage: str, *, livemode: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._prefix = f"/coinpurse/{stage}"
        self._mode = "live" if livemode else "test"
        self._monotonic = monotonic
        self._read: dict[str, tuple[float, str]] = {}
        self._ssm = cast("SSMClient", client("ssm", SSM_CONFIG))

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
        read_at, value = self._read.get(name, (-CACHE_SECONDS, ""))
        if self._monotonic() - read_at >= CACHE_SECONDS:
            try:
                answer = self._ssm.get_parameter(Name=f"{self._prefix}/{name}", WithDecryption=True)
            except self._ssm.exceptions.ParameterNotFound as error:
                raise BadSecret(f"{self._prefix}/{name} is not there") from error
            except (BotoCoreError, ClientError) as error:
                raise TryAgain("The secrets cannot be read.") from error
            value = answer["Parameter"]["Value"]
            self._read[name] = (self._monotonic(), value)
        return value
