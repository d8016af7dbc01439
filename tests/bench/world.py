"""What everything is measured against: a bare MiniStack with the template's table, the Stripe sandbox, an issuer."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import loopback, token_issuer
from infra.local.deployment import STAGE, Deployer
from infra.local.facts import StackFacts, aws_session
from infra.local.ministack import REGION, ministack
from infra.local.stripe_sandbox import StripeSandbox
from infra.package import Package

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The stores, and how a function is led to them."""

    facts: StackFacts
    """There is no front door: the addresses of the shop and of the API lead nowhere."""
    stream_arn: str
    """Of the table."""
    environment: Mapping[str, str]
    """What Lambda would give the functions, and nothing else."""

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This very process in that environment."""
        before = dict(os.environ)
        _become(self.environment)
        try:
            yield
        finally:
            _become(before)


def _become(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@contextmanager
def world(directory: Path, package: Package) -> Iterator[World]:
    """Everything up; down again at the end, with nothing left behind.

    Args:
        directory: for logs and temporary files.
        package: whose template says what the table is like and what the functions are told.

    Raises:
        StartError: a part did not come up.
    """
    template: Template = json.loads(package.template.read_text())
    secret = f"whsec_{secrets.token_hex(16)}"
    with ExitStack() as stack:
        aws_url = stack.enter_context(ministack(directory / "ministack"))
        issuer_url = stack.enter_context(loopback.running(token_issuer.create_app))
        stripe_url = stack.enter_context(StripeSandbox.start(webhook_secret=secret)).url
        Deployer(aws_url).put_secrets(secret)
        made = _make(aws_url, template["Resources"]["Table"]["Properties"])
        given = made | _parameters(issuer_url, stripe_url)
        yield World(
            facts=StackFacts(
                shop_url="http://shop.invalid",
                api_url="http://api.invalid",
                stripe_api_url=stripe_url,
                stripe_webhook_secret=secret,
                issuer_url=issuer_url,
                aws_endpoint_url=aws_url,
                aws_region=REGION,
                table_name=made["Table"],
                topic_arn=made["Topic"],
            ),
            stream_arn=made["Stream"],
            environment=_environment(template, given) | _lambda_environment(aws_url),
        )


def _make(aws_url: str, table: Mapping[str, Any]) -> dict[str, str]:
    """Make what the functions call, by the logical ids of the template."""
    session = aws_session(REGION)
    queues = session.client("sqs", endpoint_url=aws_url)
    described = session.client("dynamodb", endpoint_url=aws_url).create_table(
        TableName="bench",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=table["AttributeDefinitions"],
        KeySchema=table["KeySchema"],
        GlobalSecondaryIndexes=table["GlobalSecondaryIndexes"],
        StreamSpecification={
            "StreamEnabled": True,
            "StreamViewType": table["StreamSpecification"]["StreamViewType"],
        },
    )["TableDescription"]
    return {
        "Table": "bench",
        "Stream": described["LatestStreamArn"],
        "Topic": session.client("sns", endpoint_url=aws_url).create_topic(Name="bench")["TopicArn"],
        **{name: queues.create_queue(QueueName=name)["QueueUrl"] for name in ("RedriveQueue", "StreakQueue")},
    }


def _parameters(issuer_url: str, stripe_url: str) -> dict[str, str]:
    return {
        "Stage": STAGE,
        "TokenIssuer": issuer_url,
        "TokenAudience": token_issuer.AUDIENCE,
        "JwksUrl": f"{issuer_url}/.well-known/jwks.json",
        "StripeApiUrl": stripe_url,
        "SuccessUrl": "http://shop.invalid/success",
        "CancelUrl": "http://shop.invalid/cancelled",
        # All gifts to a creator then share one batch of the relay, so that batches of any size can be had.
        "CreatorLanes": "1",
    }


def _environment(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """The functions' settings: what the template refers to as given, or as it is by default."""
    defaults = {name: str(facts["Default"]) for name, facts in template["Parameters"].items() if "Default" in facts}
    known = defaults | dict(given)
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    settings = {
        name: known[value["Ref"]] if isinstance(value, dict) else str(value) for name, value in variables.items()
    }
    return settings | {"STAGE": STAGE}


def _lambda_environment(aws_url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        # Lambda has no such file, whatever this machine has.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
