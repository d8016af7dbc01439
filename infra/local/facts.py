"""What a running stack tells: where its parts are, and the secret that webhooks are signed with."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFacts:
    """The keys of stack.json. URLs have no slash at the end."""

    shop_url: str
    """The front door: the shop's pages."""
    api_url: str
    """Base under which `/v1/...` answers, through the front door."""
    stripe_api_url: str
    """The Stripe sandbox, without `/v1`; its control API is under `/_sandbox`."""
    stripe_webhook_secret: str
    """`whsec_...`"""
    issuer_url: str
    """`POST {issuer_url}/token`, form `sub` and `scope`, answers `{"access_token": ...}`."""
    aws_endpoint_url: str
    aws_region: str
    table_name: str
    topic_arn: str

    def write(self, directory: Path) -> None:
        """Write stack.json, whole or not at all: whoever sees it may rely on it."""
        draft = directory / f"{FILE}.draft"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> "StackFacts | None":
        """The facts of the stack in the directory. None when none is up."""
        try:
            return cls(**json.loads((directory / FILE).read_text()))
        except FileNotFoundError:
            return None


def aws_session(region: str) -> boto3.Session:
    """MiniStack's root user, whatever credentials this machine has."""
    return boto3.Session("test", "test", region_name=region)
