"""`stack.json`: addresses, names and the webhook secret of a running stack."""

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3
    from botocore.loaders import Loader

FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFacts:
    """The content of stack.json. URLs have no trailing slash. Fields with a default were added after 0.2.0."""

    shop_url: str
    """The front door, which serves the shop's pages."""
    api_url: str
    """Base URL of `/v1/...`, through the front door."""
    stripe_api_url: str
    """Stripe, or the sandbox with its control API under `/_sandbox`; without `/v1`."""
    stripe_webhook_secret: str
    """`whsec_...`"""
    issuer_url: str
    """The issuer. The stack's own returns an `access_token` for `POST {issuer_url}/token` with `sub` and `scope`."""
    aws_endpoint_url: str
    aws_region: str
    table_name: str
    topic_arn: str
    api_v1_url: str = ""
    """The API's address that `make up` prints: `api_url` with `/v1`."""
    serve_url: str | None = None
    """Base URL of `make serve`, while it runs."""
    has_stripe_sandbox: bool = True
    """False if `stripe_api_url` is Stripe."""
    has_token_issuer: bool = True
    """False if `issuer_url` is the `iss` of an issuer that the developer brought."""
    token_audience: str = "coinpurse"  # noqa: S105  # public
    jwks_url: str = ""
    catalogue: str = "default"
    catalogue_file: str | None = None
    """The catalogue's file, unless it is one of `chalicelib/catalogues`."""
    return_origins: str = ""
    """Origins that `return_url` may have, comma-separated; empty: that of `shop_url`."""
    workers: int = 4
    """Number of function workers that are warmed."""

    def write(self, directory: Path) -> None:
        """Write stack.json atomically, so that a reader never sees a part of it."""
        draft = directory / f"{FILE}.draft"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> "StackFacts | None":
        """Read stack.json from a directory, of an earlier version too. Returns None if no stack is running there."""
        try:
            found = json.loads((directory / FILE).read_text())
            return cls(**{each.name: found[each.name] for each in fields(cls) if each.name in found})
        except (FileNotFoundError, ValueError, TypeError):  # TypeError: it lacks a field
            return None


def aws_session(region: str, key_id: str = "test", key: str = "test", token: str | None = None) -> "boto3.Session":
    """Build a session with MiniStack's root credentials or others, independent of this machine's AWS configuration.

    All sessions share a loader, so that each service's models are read once.
    """
    import boto3  # most of the time that `make down` would take
    from botocore.session import get_session

    core = get_session()
    core.register_component("data_loader", _models())
    return boto3.Session(key_id, key, token, region, core)


@cache
def _models() -> "Loader":
    from botocore.loaders import create_loader

    return create_loader()
