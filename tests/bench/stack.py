"""The servers that the bench runs against: MiniStack with the template's table, the Stripe sandbox, a token issuer."""

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
class Stack:
    """Addresses of the servers, and the environment of the functions."""

    facts: StackFacts
    """`shop_url` and `api_url` are unused: functions are called without a front door."""
    stream_arn: str
    """The stream of the table."""
    environment: Mapping[str, str]
    """All environment variables of the functions."""

    @contextmanager
    def environment_applied(self) -> Iterator[None]:
        """Replace the environment of this process during the block."""
        before = dict(os.environ)
        _replace_environment(self.environment)
        try:
            yield
        finally:
            _replace_environment(before)


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@contextmanager
def running_stack(directory: Path, package: Package) -> Iterator[Stack]:
    """Run the servers during the block, and remove all of their files.

    Args:
        directory: for logs and temporary files.
        package: its template describes the table and the settings of the functions.

    Raises:
        StartError: a server did not start.
    """
    template: Template = json.loads(package.template.read_text())
    secret = f"whsec_{secrets.token_hex(16)}"
    with ExitStack() as stack:
        aws_url = stack.enter_context(ministack(directory / "ministack"))
        issuer_url = stack.enter_context(loopback.running(token_issuer.create_app))
        stripe_url = stack.enter_context(StripeSandbox.start(webhook_secret=secret)).url
        Deployer(aws_url).put_secrets(secret)
        made = _create(aws_url, template["Resources"])
        given = made | _parameters(issuer_url, stripe_url)
        yield Stack(
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


def _create(aws_url: str, resources: Mapping[str, Any]) -> dict[str, str]:
    """Create the table, the topic and the queues. Returns their names by logical id."""
    session = aws_session(REGION)
    table = resources["Table"]["Properties"]
    names = [name for name, resource in resources.items() if resource["Type"] == "AWS::SQS::Queue"]
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
        **{name: queues.create_queue(QueueName=name)["QueueUrl"] for name in names},
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
        # One shard per creator, so that a batch of the relay can hold all gifts to one creator.
        "CreatorLanes": "1",
    }


def _environment(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """Resolve the settings of the functions: references of the template, else its defaults."""
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
        # Lambda has no such files.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
