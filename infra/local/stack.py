"""Start and stop of a local cloud. `make up` keeps one; the demo and the tests use temporary ones."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from infra.local.client import UnexpectedError
from infra.local.deployment import STAGE, Deployer, Deployment
from infra.local.facts import FILE, StackFacts
from infra.local.ministack import REGION, log_path, start_ministack, wait_for_ministack
from infra.local.processes import ROOT, StartError, tail
from infra.local.registry import Registry
from infra.local.removal import remove_in_background
from infra.local.servers import Ports, Server, loopback_url, start_server
from infra.local.stripe_side import StripeSide
from infra.local.warmup import warm_api
from infra.package import PYTHON, RUNTIME, Package, build, runtime

DIRECTORY = ROOT / ".local"
"""The directory of the stack that `make up` keeps. Temporary stacks use subdirectories."""

Progress = Callable[[str], None]

_WEBHOOK_EVENTS = [
    *("checkout.session.*", "charge.refunded", "refund.*", "charge.dispute.*"),
    *("invoice.paid", "invoice.payment_failed", "customer.subscription.*"),
]
"""The event types that the webhook endpoint is subscribed to."""

_STARTUP_ERRORS = (UnexpectedError, HTTPError, BotoCoreError, ClientError)
"""Errors of a part that started but does not work."""


def start_stack(directory: Path, progress: Progress, workers: int) -> StackFacts:
    """Start a stack and deploy the packaged template on it.

    Args:
        directory: for logs, temporary files and stack.json, which is written last.
        progress: called with the name of each step.
        workers: number of function workers to warm, and so of concurrent requests without a cold start.

    Raises:
        StackInUseError: another program uses the directory.
        StartError: a part did not start. Its log's end is in the message; everything else is cleaned up.
    """
    registry = Registry(directory)
    registry.claim()
    with ExitStack() as undo:
        undo.callback(stop_stack, directory)
        try:
            facts = _Launcher(directory, registry, progress).run(workers)
        except _STARTUP_ERRORS as error:
            raise StartError(f"{type(error).__name__}: {error}\n{tail(log_path(directory))}") from error
        undo.pop_all()
    return facts


def stop_stack(directory: Path) -> list[str]:
    """End the stack in the directory, in any state, and remove its files. Returns the names of the ended processes.

    The workers' unpacked packages are 100,000 files, so they are renamed now and deleted in the background.
    """
    ended = Registry(directory).end_all()
    for name in (FILE, f"{FILE}.draft", "processes.json", "processes.draft"):
        (directory / name).unlink(missing_ok=True)
    remove_in_background([directory / "logs", directory / "tmp"])
    for emptied in (directory, DIRECTORY):
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
    return ended


@contextmanager
def temporary_stack(name: str, progress: Progress, workers: int) -> Iterator[StackFacts]:
    """Run a separate stack during the block. Several can run at the same time.

    Raises:
        StartError: a part did not start.
    """
    stop_orphans()
    directory = DIRECTORY / f"{name}-{os.getpid()}"
    facts = start_stack(directory, progress, workers)
    try:
        yield facts
    finally:
        stop_stack(directory)


def stop_orphans() -> list[str]:
    """End temporary stacks whose owner was killed before it could. Returns the names of the ended processes."""
    ended: list[str] = []
    for directory in DIRECTORY.glob("*-*"):
        registry = Registry(directory)
        if registry.is_claimed() and not registry.owner_lives():
            ended += stop_stack(directory)
    return ended


class _Launcher:
    """Starts one stack. Packaging and starting the servers run in parallel."""

    def __init__(self, directory: Path, registry: Registry, progress: Progress) -> None:
        self._directory, self._registry, self._progress = directory, registry, progress
        self._logs = directory / "logs"
        self._ports = Ports.pick()
        self._aws_url = loopback_url(self._ports.aws)
        self._shop_url = loopback_url(self._ports.shop)
        self._issuer_url = loopback_url(self._ports.issuer)
        self._stripe_url = loopback_url(self._ports.stripe)
        self._webhook_secret = f"whsec_{secrets.token_hex(16)}"

    def run(self, workers: int) -> StackFacts:
        with ThreadPoolExecutor(1) as packager:
            packaging = packager.submit(_package)
            self._progress("starting MiniStack, the token issuer and the Stripe sandbox")
            self._start_cloud()
            other = "" if PYTHON == RUNTIME else f" (test and prod need {runtime(RUNTIME)})"
            self._progress(f"packaging the stage {STAGE} for {runtime(PYTHON)}{other}")
            package = packaging.result()
        self._progress("creating the CloudFormation stack")
        deployer = Deployer(self._aws_url)
        deployer.put_secrets(self._webhook_secret)
        deployment = deployer.deploy(package, self._parameters())
        self._open_front_door(deployment)
        StripeSide(self._facts(deployment)).set_knobs(enabled_events=_WEBHOOK_EVENTS)
        self._progress(f"warming {workers} function workers")
        self._warm(deployer, deployment, workers)
        facts = self._facts(deployment)
        facts.write(self._directory)
        return facts

    def _start_cloud(self) -> None:
        # AUTH: MiniStack checks each call of a function against the policy that the function is deployed with.
        ministack = self._registry.add(start_ministack(self._directory, self._ports.aws, {"AUTH": "true"}))
        webhook = ("--webhook-url", f"{self._shop_url}/v1/webhooks/stripe", "--webhook-secret", self._webhook_secret)
        servers = [
            self._start("token_issuer", self._ports.issuer),
            self._start("stripe_sandbox", self._ports.stripe, *webhook),
        ]
        wait_for_ministack(ministack, self._directory, self._ports.aws)
        for server in servers:
            server.wait()

    def _open_front_door(self, deployment: Deployment) -> None:
        urls = ("--api-url", deployment.gateway_url, "--issuer-url", self._issuer_url)
        self._start("front_door", self._ports.shop, *urls).wait()

    def _start(self, module: str, port: int, *options: str) -> Server:
        server = start_server(module, self._logs, port, *options)
        self._registry.add(server.process)
        return server

    def _warm(self, deployer: Deployer, deployment: Deployment, workers: int) -> None:
        with ThreadPoolExecutor(1) as executor:
            relay = executor.submit(deployer.warm_relay, deployment)
            warm_api(self._facts(deployment), workers)
            relay.result()

    def _parameters(self) -> dict[str, str]:
        return {
            "TokenIssuer": self._issuer_url,
            "TokenAudience": "coinpurse",
            "JwksUrl": f"{self._issuer_url}/.well-known/jwks.json",
            "StripeApiUrl": self._stripe_url,
            "SuccessUrl": f"{self._shop_url}/success",
            "CancelUrl": f"{self._shop_url}/cancelled",
        }

    def _facts(self, deployment: Deployment) -> StackFacts:
        return StackFacts(
            shop_url=self._shop_url,
            api_url=self._shop_url,
            stripe_api_url=self._stripe_url,
            stripe_webhook_secret=self._webhook_secret,
            issuer_url=self._issuer_url,
            aws_endpoint_url=self._aws_url,
            aws_region=REGION,
            table_name=deployment.table_name,
            topic_arn=deployment.topic_arn,
        )


def _package() -> Package:
    try:
        return build(STAGE)
    except (SystemExit, subprocess.CalledProcessError) as failed:
        raise StartError(str(failed)) from failed
