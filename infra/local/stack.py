"""One local cloud, from nothing to warm and back to nothing. `up` and `down` keep it, the demo and tests borrow it."""

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
from infra.local.ministack import REGION, log_of, start_ministack, wait_for_ministack
from infra.local.processes import ROOT, StartError, tail
from infra.local.registry import Registry
from infra.local.removal import remove_behind
from infra.local.servers import Ports, Server, loopback_url, start_server
from infra.local.stripe_side import StripeSide
from infra.local.warmth import warm_api
from infra.package import PYTHON, RUNTIME, Package, build, runtime

DIRECTORY = ROOT / ".local"
"""Where stacks live: the one that `make up` keeps, and below it those that are borrowed."""

Progress = Callable[[str], None]

_WEBHOOK_EVENTS = [
    *("checkout.session.*", "charge.refunded", "refund.*", "charge.dispute.*"),
    *("invoice.paid", "invoice.payment_failed", "customer.subscription.*"),
]
"""What the webhook is registered for with Stripe."""

_FAULTS = (UnexpectedError, HTTPError, BotoCoreError, ClientError)
"""What a part that came up, but is not well, shows as."""


def start_stack(directory: Path, progress: Progress, workers: int) -> StackFacts:
    """Start a stack and deploy the packaged template on it.

    Args:
        directory: its logs and temporary files, and in the end stack.json.
        progress: is told what comes next.
        workers: how many function workers to have warm: so many requests are served at once without a cold start.

    Raises:
        StackInUseError: another program is working on the stack in this directory.
        StartError: it did not come up; everything is cleaned up but the logs' last words in the message.
    """
    registry = Registry(directory)
    registry.claim()
    with ExitStack() as undo:
        undo.callback(stop_stack, directory)
        try:
            facts = _Launch(directory, registry, progress).run(workers)
        except _FAULTS as fault:
            raise StartError(f"{type(fault).__name__}: {fault}\n{tail(log_of(directory))}") from fault
        undo.pop_all()
    return facts


def stop_stack(directory: Path) -> list[str]:
    """End the stack in the directory, dead or alive, and remove what it wrote. Returns what still ran.

    The workers' unpacked packages are 100,000 files: they are renamed away and deleted after this program has ended.
    """
    ended = Registry(directory).end_all()
    for name in (FILE, f"{FILE}.draft", "processes.json", "processes.draft"):
        (directory / name).unlink(missing_ok=True)
    remove_behind([directory / "logs", directory / "tmp"])
    for emptied in (directory, DIRECTORY):
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
    return ended


@contextmanager
def borrowed_stack(name: str, progress: Progress, workers: int) -> Iterator[StackFacts]:
    """A stack of one's own, for as long as the block lasts. Several may run side by side.

    Raises:
        StartError: it did not come up.
    """
    stop_orphans()
    directory = DIRECTORY / f"{name}-{os.getpid()}"
    facts = start_stack(directory, progress, workers)
    try:
        yield facts
    finally:
        stop_stack(directory)


def stop_orphans() -> list[str]:
    """End borrowed stacks whose borrower is gone: killed, most likely, before it could. Returns what still ran."""
    ended: list[str] = []
    for directory in DIRECTORY.glob("*-*"):
        registry = Registry(directory)
        if registry.is_claimed() and not registry.owner_lives():
            ended += stop_stack(directory)
    return ended


class _Launch:
    """The start of one stack: what can go side by side does."""

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
            other = "" if PYTHON == RUNTIME else f" (test and prod take {runtime(RUNTIME)})"
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
        # AUTH: MiniStack checks every call that a function makes against the very policy that it is deployed with.
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
        with ThreadPoolExecutor(1) as other:
            relay = other.submit(deployer.warm_relay, deployment)
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
