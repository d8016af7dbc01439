"""Settings from environment variables.

No other module reads the environment, except services.py for the name of the running function.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from chalicelib.domain.addresses import is_origin


class MissingSettings(Exception):
    """One or more settings are missing or wrong; the message names them all at once."""


class Settings(Struct, frozen=True, kw_only=True):
    """Settings of a deployment. Each field is read from the environment variable of the same name in capitals."""

    stage: str
    """`local`, `test` or `prod`: part of the secrets' names and of the events' `source`."""
    livemode: bool
    """`true` where real money moves, in the stage `prod` only. Events and keys of the other mode are never accepted."""
    table_name: str
    """The DynamoDB table."""
    topic_arn: str
    """The SNS topic that posted entries are published to."""
    redrive_queue_url: str
    """The SQS queue for stream records that cannot be relayed."""
    streak_queue_url: str
    """The SQS queue of scheduled checks of streaks."""
    streak_dead_letters_url: str
    """The SQS queue of checks that fail for good."""
    token_issuer: str
    """`iss` of the bearer tokens."""
    token_audience: tuple[str, ...]
    """`aud` of the bearer tokens, or their `client_id` or `azp` without one. Comma-separated if there are several."""
    jwks_url: str
    """URL of the issuer's JSON Web Key Set."""
    stripe_api_url: str
    """Base address of the payment provider, without `/v1`."""
    success_url: str
    """URL that the fan returns to after paying; `?purchase=<id>` or `?membership=<id>` is added."""
    cancel_url: str
    """URL that the fan returns to without paying; the same parameters are added."""
    catalogue: str
    """Name of the file in `chalicelib/catalogues`, without `.json`."""
    creator_lanes: int
    """Number of shards that the gifts to one creator are spread over (1-64). May change at any time."""
    allowed_origins: tuple[str, ...]
    """Origins whose pages may call the API from a browser, comma-separated; `*`, the default, is any."""
    allowed_return_origins: tuple[str, ...]
    """Origins that a request may name in `return_url`, comma-separated; by default that of `success_url` alone."""
    max_open_checkouts: int
    """Checkouts that a fan may open without paying in one window of two hours (1-1000), by default 20."""
    max_open_memberships: int
    """Memberships that a fan may open without paying in one window of two hours (1-1000), by default 3."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read all settings.

        Raises:
            MissingSettings: names every variable that is missing or wrong.
        """
        problems: list[str] = []
        values: dict[str, object] = {}
        for field in cls.__struct_fields__:
            name = field.upper()
            try:
                values[field] = _PARSERS.get(field, _text)(environment.get(name, ""))
            except ValueError as error:
                problems.append(f"{name} {error}")
        problems += _broken_stage_rules(values)
        if problems:
            raise MissingSettings("; ".join(problems))
        return cls(**values)  # type: ignore[arg-type]  # each value was parsed for its own field


def _broken_stage_rules(values: Mapping[str, object]) -> list[str]:
    """List the rules of the stage that the values break. On loopback, the stage `local` needs no TLS."""
    stage = values.get("stage")
    unsafe = [name for name in _ADDRESSES if not str(values.get(name, "https://")).startswith("https://")]
    problems = [f"{name.upper()} must begin with https://" for name in unsafe if stage != "local"]
    if values.get("livemode") and stage != "prod":
        problems.append("LIVEMODE must be false outside the stage prod")
    return problems


def _text(raw: str) -> str:
    if not raw:
        raise ValueError("is missing")
    return raw


def _flag(raw: str) -> bool:
    if raw not in {"true", "false"}:
        raise ValueError("must be true or false")
    return raw == "true"


def _shards(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= 64):
        raise ValueError("must be a whole number from 1 to 64")
    return int(raw)


def _limit(default: str, raw: str) -> int:
    if raw and not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= 1000):
        raise ValueError("must be a whole number from 1 to 1000")
    return int(raw or default)


def _list(raw: str) -> tuple[str, ...]:
    return tuple(map(_text, _parts(raw)))


def _parts(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(","))


def _origins(raw: str) -> tuple[str, ...]:
    origins = _parts(raw or "*")
    if origins != ("*",) and not all(map(is_origin, origins)):
        raise ValueError("must be * or a comma-separated list of origins, such as https://shop.example")
    return origins


def _return_origins(raw: str) -> tuple[str, ...]:
    """Parse origins. Any origin would make the payment page a redirect to everywhere, so there is no `*`."""
    origins = _parts(raw) if raw else ()
    if not all(map(is_origin, origins)):
        raise ValueError("must be a comma-separated list of origins, such as https://live.example")
    return origins


_ADDRESSES = ("token_issuer", "jwks_url", "stripe_api_url", "success_url", "cancel_url")
_PARSERS: Mapping[str, Callable[[str], object]] = {
    "livemode": _flag,
    "token_audience": _list,
    "creator_lanes": _shards,
    "allowed_origins": _origins,
    "allowed_return_origins": _return_origins,
    "max_open_checkouts": partial(_limit, "20"),
    "max_open_memberships": partial(_limit, "3"),
}
