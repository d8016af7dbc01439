"""Start of a local cloud. `make up` keeps one; the demo and the tests use temporary ones."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from infra.local.client import UnexpectedError
from infra.local.deployment import STAGE, Deployer, Deployment, with_catalogue
from infra.local.facts import StackFacts
from infra.local.ministack import REGION, log_path, start_ministack, wait_for_ministack
from infra.local.options import Issuer, Options, StripeAccount
from infra.local.processes import StartError, tail
from infra.local.registry import DIRECTORY, Registry
from infra.local.servers import Ports, Server, loopback_url, start_server
from infra.local.stripe_side import StripeSide
from infra.local.teardown import stop_orphans, stop_stack
from infra.local.token_issuer import AUDIENCE
from infra.local.warmup import warm_api
from infra.package import PYTHON, RUNTIME, Package, build, runtime

Progress = Callable[[str], None]

_WEBHOOK_EVENTS = [
    *("checkout.session.*", "charge.refunded", "refund.*", "charge.dispute.*", "radar.early_fraud_warning.created"),
    *("invoice.paid", "invoice.payment_failed", "customer.subscription.*"),
]
"""The event types that the webhook endpoint is subscribed to."""

_STARTUP_ERRORS = (UnexpectedError, HTTPError, BotoCoreError, ClientError)
"""Errors of a part that started but does not work."""


def start_stack(directory: Path, progress: Progress, options: Options) -> StackFacts:
    """Start a stack and deploy the packaged template on it.

    Args:
        directory: for logs, temporary files and stack.json, which is written last.
        progress: called with the name of each step.
        options: the number of workers, and what replaces the sandbox, the token issuer and the default catalogue.

    Raises:
        StackInUseError: another program uses the directory.
        StartError: a part did not start. Its log's end is in the message; everything else is cleaned up.
    """
    registry = Registry(directory)
    registry.claim()
    with ExitStack() as undo:
        undo.callback(stop_stack, directory)
        try:
            facts = _Launcher(directory, registry, progress, options).run()
        except _STARTUP_ERRORS as error:
            raise StartError(f"{type(error).__name__}: {error}\n{tail(log_path(directory))}") from error
        undo.pop_all()
    return facts


@contextmanager
def temporary_stack(name: str, progress: Progress, options: Options) -> Iterator[StackFacts]:
    """Run a separate stack during the block. Several can run at the same time.

    Raises:
        StartError: a part did not start.
    """
    stop_orphans()
    directory = DIRECTORY / f"{name}-{os.getpid()}"
    facts = start_stack(directory, progress, options)
    try:
        yield facts
    finally:
        stop_stack(directory)


class _Launcher:
    """Starts one stack. Packaging and starting the servers run in parallel."""

    def __init__(self, directory: Path, registry: Registry, progress: Progress, options: Options) -> None:
        self._directory, self._registry, self._progress = directory, registry, progress
        self._options = options
        self._logs = directory / "logs"
        self._ports = Ports.pick()
        self._aws_url = loopback_url(self._ports.aws)
        self._shop_url = loopback_url(self._ports.shop)
        self._issuer = options.issuer or _own_issuer(self._ports)
        self._stripe = options.stripe or _sandbox(self._ports)

    def run(self) -> StackFacts:
        with ThreadPoolExecutor(1) as packager:
            packaging = packager.submit(build_package, self._options.catalogue_file, self._directory)
            doubles = [
                "MiniStack",
                *(["the token issuer"] if self._options.issuer is None else []),
                *(["the Stripe sandbox"] if self._options.stripe is None else []),
            ]
            self._progress(f"starting {', '.join(doubles)}")
            self._start_cloud()
            other = "" if PYTHON == RUNTIME else f" (test and prod need {runtime(RUNTIME)})"
            self._progress(f"packaging the stage {STAGE} for {runtime(PYTHON)}{other}")
            package = packaging.result()
        self._progress("creating the CloudFormation stack")
        deployer = Deployer(self._aws_url)
        deployer.put_secrets(self._stripe.webhook_secret, self._stripe.api_key)
        deployment = deployer.deploy(package, self._parameters())
        self._open_front_door(deployment)
        facts = self._facts(deployment)
        if facts.has_stripe_sandbox:
            StripeSide(facts).set_knobs(enabled_events=_WEBHOOK_EVENTS)
        self._progress(f"warming {facts.workers} function workers")
        warm(deployer, deployment.relay_name, facts)
        facts.write(self._directory)
        return facts

    def _start_cloud(self) -> None:
        # AUTH: MiniStack checks each call of a function against the policy that the function is deployed with.
        ministack = self._registry.add(start_ministack(self._directory, self._ports.aws, {"AUTH": "true"}))
        servers = []
        if self._options.issuer is None:
            servers.append(self._start("token_issuer", self._ports.issuer))
        if self._options.stripe is None:
            secret = ("--webhook-secret", self._stripe.webhook_secret)
            webhook = ("--webhook-url", f"{self._shop_url}/v1/webhooks/stripe", *secret)
            servers.append(self._start("stripe_sandbox", self._ports.stripe, *webhook))
        wait_for_ministack(ministack, self._directory, self._ports.aws)
        for server in servers:
            server.wait()

    def _open_front_door(self, deployment: Deployment) -> None:
        issuer = ("--issuer-url", self._issuer.url) if self._options.issuer is None else ()
        self._start("front_door", self._ports.shop, "--api-url", deployment.gateway_url, *issuer).wait()

    def _start(self, module: str, port: int, *options: str) -> Server:
        server = start_server(module, self._logs, port, *options)
        self._registry.add(server.process)
        return server

    def _parameters(self) -> dict[str, str]:
        return {
            "Catalogue": self._options.catalogue,
            "TokenIssuer": self._issuer.url,
            "TokenAudience": self._issuer.audience,
            "JwksUrl": self._issuer.jwks_url,
            "StripeApiUrl": self._stripe.api_url,
            "SuccessUrl": f"{self._shop_url}/success",
            "CancelUrl": f"{self._shop_url}/cancelled",
            "AllowedReturnOrigins": ",".join(self._return_origins),
        }

    @property
    def _return_origins(self) -> Sequence[str]:
        given = self._options.return_origins
        return [self._shop_url, *given] if given else []

    def _facts(self, deployment: Deployment) -> StackFacts:
        return StackFacts(
            shop_url=self._shop_url,
            api_url=self._shop_url,
            api_v1_url=f"{self._shop_url}/v1",
            stripe_api_url=self._stripe.api_url,
            stripe_webhook_secret=self._stripe.webhook_secret,
            issuer_url=self._issuer.url,
            aws_endpoint_url=self._aws_url,
            aws_region=REGION,
            table_name=deployment.table_name,
            topic_arn=deployment.topic_arn,
            has_stripe_sandbox=self._options.stripe is None,
            has_token_issuer=self._options.issuer is None,
            token_audience=self._issuer.audience,
            jwks_url=self._issuer.jwks_url,
            catalogue=self._options.catalogue,
            catalogue_file=str(self._options.catalogue_file) if self._options.catalogue_file else None,
            return_origins=",".join(self._return_origins),
            workers=self._options.workers,
        )


def build_package(catalogue_file: Path | None, directory: Path) -> Package:
    """Package the stage, with the developer's catalogue if there is one.

    Raises:
        StartError: packaging failed.
    """
    try:
        package = build(STAGE)
    except (SystemExit, subprocess.CalledProcessError) as failed:
        raise StartError(str(failed)) from failed
    return with_catalogue(package, catalogue_file, directory / "tmp") if catalogue_file else package


def warm(deployer: Deployer, relay_name: str, facts: StackFacts) -> None:
    """Start the stack's number of API workers, and a relay, so that the first requests meet no cold start."""
    with ThreadPoolExecutor(1) as executor:
        relay = executor.submit(deployer.warm_relay, relay_name)
        warm_api(facts, facts.workers)
        relay.result()


def _own_issuer(ports: Ports) -> Issuer:
    url = loopback_url(ports.issuer)
    return Issuer(url=url, audience=AUDIENCE, jwks_url=f"{url}/.well-known/jwks.json")


def _sandbox(ports: Ports) -> StripeAccount:
    secret = f"whsec_{secrets.token_hex(16)}"
    return StripeAccount(api_key="", webhook_secret=secret, api_url=loopback_url(ports.stripe))
