"""The servers of the recorded functions: a table in this process, moto for other services of AWS, Stripe, the issuer.

This file and `harness.py` hold all names of modules and settings that the recorder depends on.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import boto3
import yaml
from botocore.handlers import BUILTIN_HANDLERS
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto import mock_aws

from tests.atomic_table import AtomicTable, Wire

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "resources.yaml"
REGION = "us-east-1"
SHOP = "https://shop.example"
WEBHOOK_SECRET = "whsec_recorded"
AUDIENCE = "coinpurse"


@dataclass(frozen=True)
class Backends:
    """The table, the addresses of the running servers, and of the AWS resources that were created."""

    table: AtomicTable
    stripe: str
    issuer: str
    topic: str
    inbox: str
    """The queue that is subscribed to the topic."""
    redrive: str
    streaks: str

    def client(self, service: str) -> Any:
        """Return a boto3 client of moto."""
        return cast("Any", boto3).client(service, region_name=REGION)

    @property
    def addresses(self) -> dict[str, str]:
        """Settings that are addresses of servers here. `settings` has others in their place."""
        return {
            "token_issuer": self.issuer,
            "jwks_url": f"{self.issuer}/.well-known/jwks.json",
            "stripe_api_url": self.stripe,
        }

    def settings(self, catalogue: str) -> dict[str, str]:
        """The environment of the functions. One creator shard keeps the stored rows deterministic."""
        return {
            "STAGE": "test",
            "LIVEMODE": "false",
            "TABLE_NAME": "coinpurse",
            "TOPIC_ARN": self.topic,
            "REDRIVE_QUEUE_URL": self.redrive,
            "STREAK_QUEUE_URL": self.streaks,
            "STREAK_DEAD_LETTERS_URL": self.streaks,
            **{name.upper(): f"https://{name}.example" for name in self.addresses},
            "TOKEN_AUDIENCE": AUDIENCE,
            "SUCCESS_URL": f"{SHOP}/success",
            "CANCEL_URL": f"{SHOP}/cancelled",
            "CATALOGUE": catalogue,
            "CREATOR_LANES": "1",
        }


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as plain values."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)


yaml.add_multi_constructor("!", _plain, _Loader)


def template() -> dict[str, Any]:
    """The resources that are merged into the packaged template, intrinsic functions as plain values."""
    return cast("dict[str, Any]", yaml.load(TEMPLATE.read_text(), _Loader))


@contextmanager
def backends() -> Iterator[Backends]:
    """Run the servers for as long as the block lasts. Sets the AWS variables of this process."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_SERVICE_NAME": "coinpurse-recorded",
    }
    with ExitStack() as running:
        os.environ.pop("AWS_ENDPOINT_URL", None)
        table = AtomicTable()
        # Before moto's own handler: moto loses writes when two threads send transactions at once.
        BUILTIN_HANDLERS.insert(0, ("before-send.dynamodb", Wire(table).send))
        running.enter_context(mock_aws(config={"core": {"passthrough": {"urls": ["http://127.0.0.1"]}}}))
        webhook = ("--webhook-url", f"{SHOP}/v1/webhooks/stripe", "--webhook-secret", WEBHOOK_SECRET)
        stripe = running.enter_context(_server("stripe_sandbox", *webhook))
        issuer = running.enter_context(_server("token_issuer"))
        yield _create(table, stripe, issuer)


@contextmanager
def _server(module: str, *options: str) -> Iterator[str]:
    """Run a server of the local cloud and give its address.

    Raises:
        RuntimeError: it did not end cleanly.
    """
    command = [sys.executable, "-m", f"infra.local.{module}", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        try:
            yield json.loads(cast("IO[str]", process.stdout).readline())["url"]
        finally:
            process.terminate()
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}")


def _create(table: AtomicTable, stripe: str, issuer: str) -> Backends:
    """Create the queues, the topic and the secrets."""
    names = {"topic": "", "inbox": "", "redrive": "", "streaks": ""}
    client = Backends(table=table, stripe=stripe, issuer=issuer, **names).client
    sqs, sns, ssm = client("sqs"), client("sns"), client("ssm")
    for queue in ("inbox", "redrive", "streaks"):
        names[queue] = sqs.create_queue(QueueName=queue)["QueueUrl"]
    names["topic"] = sns.create_topic(Name="coinpurse")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=names["inbox"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=names["topic"], Protocol="sqs", Endpoint=arn, Attributes=raw)
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secrets = {
        "stripe_api_key": "sk_test_recorded",
        "stripe_webhook_secrets": json.dumps([WEBHOOK_SECRET]),
        "offer_signing_keys": json.dumps([pem]),
    }
    for name, value in secrets.items():
        ssm.put_parameter(Name=f"/coinpurse/test/{name}", Value=value, Type="SecureString")
    return Backends(table=table, stripe=stripe, issuer=issuer, **names)
