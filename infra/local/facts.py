"""`stack.json`: addresses, names and the webhook secret of a running stack."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFacts:
    """The content of stack.json. URLs have no trailing slash."""

    shop_url: str
    """The front door, which serves the shop's pages."""
    api_url: str
    """Base URL of `/v1/...`, through the front door."""
    stripe_api_url: str
    """The Stripe sandbox, without `/v1`. Its control API is under `/_sandbox`."""
    stripe_webhook_secret: str
    """`whsec_...`"""
    issuer_url: str
    """The token issuer: `POST {issuer_url}/token` with the form fields `sub` and `scope` returns `access_token`."""
    aws_endpoint_url: str
    aws_region: str
    table_name: str
    topic_arn: str

    def write(self, directory: Path) -> None:
        """Write stack.json atomically, so that a reader never sees a part of it."""
        draft = directory / f"{FILE}.draft"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> "StackFacts | None":
        """Read stack.json from a directory. Returns None if no stack is running there."""
        try:
            return cls(**json.loads((directory / FILE).read_text()))
        except FileNotFoundError:
            return None


def aws_session(region: str) -> boto3.Session:
    """Build a session with MiniStack's root credentials, independent of this machine's AWS configuration."""
    return boto3.Session("test", "test", region_name=region)
