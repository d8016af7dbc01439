"""`make up`: start the local cloud and leave it running. `make down` stops it."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from chalicelib.adapters.tokens.issuer_keys import IssuerKeys
from chalicelib.errors import TryAgain, Unauthenticated
from infra.local.facts import StackFacts
from infra.local.options import OptionError, Options, read_options
from infra.local.processes import StartError
from infra.local.progress import ProgressConsole
from infra.local.registry import DIRECTORY, Registry, StackInUseError
from infra.local.stack import start_stack
from infra.local.teardown import stop_stack
from infra.local.warmup import warm_api


def main() -> int:
    """Start the stack unless it is running.

    Returns:
        The exit code: 0, 1 after a failure, 2 for a wrong option, or 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m infra.local.up", description=__doc__)
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="directory of the stack's files")
    directory = parser.parse_args().dir.resolve()
    signal.signal(signal.SIGTERM, _leave)
    with ProgressConsole() as console:
        try:
            _bring_up(directory, read_options(os.environ), console)
        except KeyboardInterrupt:
            return 130
        except OptionError as wrong:
            console.print(str(wrong), "red")
            return 2
        except (StartError, StackInUseError) as failure:
            console.print(f"The local cloud did not start: {failure}", "red")
            return 1
    return 0


def differences(options: Options, facts: StackFacts) -> Iterator[str]:
    """List the given options that a running stack does not have."""
    stripe, issuer = options.stripe, options.issuer
    file = options.catalogue_file and str(options.catalogue_file)
    if "CATALOGUE" in options.given and (options.catalogue, file) != (facts.catalogue, facts.catalogue_file):
        yield "CATALOGUE"
    if stripe and (stripe.api_url, stripe.webhook_secret) != (facts.stripe_api_url, facts.stripe_webhook_secret):
        yield "STRIPE_API_KEY"
    if issuer and (issuer.url, issuer.audience, issuer.jwks_url) != (
        *(facts.issuer_url, facts.token_audience, facts.jwks_url),
    ):
        yield "TOKEN_ISSUER"
    if not set(options.return_origins) <= set(facts.return_origins.split(",")):
        yield "RETURN_ORIGINS"


def keys_failure(jwks_url: str) -> str | None:
    """Fetch the issuer's keys as the functions do. Returns the cause of a failure, such as `HTTP 404 from JWKS`."""
    logging.getLogger("chalicelib").addHandler(logging.NullHandler())  # the failure is returned
    try:
        IssuerKeys(jwks_url, on_stale=lambda: None).find(None)
    except Unauthenticated:  # there are several keys
        return None
    except TryAgain as failure:
        return str(failure.__cause__)
    return None


def _bring_up(directory: Path, options: Options, console: ProgressConsole) -> None:
    registry, facts = Registry(directory), StackFacts.read(directory)
    if facts and all(process.is_alive() for process in registry.processes()):
        _reuse(facts, options, directory, console)
        return
    if registry.is_claimed():
        if registry.owner_lives():
            raise StackInUseError(f"another program is starting one in {directory}")
        console.print("Cleaning up after a stack that crashed ...")
        stop_stack(directory)
    facts = start_stack(directory, console.step, options)
    _show(f"The local cloud is up after {console.elapsed_seconds:.0f} s", facts, console)


def _reuse(facts: StackFacts, options: Options, directory: Path, console: ProgressConsole) -> None:
    """Keep a running stack, with as many warm workers as were asked for.

    Raises:
        OptionError: it runs with another catalogue, Stripe account or issuer.
    """
    if different := list(differences(options, facts)):
        raise OptionError(f"The local cloud is up with another {', '.join(different)}: run make down first.")
    if "WORKERS" in options.given and options.workers > facts.workers:
        console.step(f"warming {options.workers} function workers")
        warm_api(facts, options.workers)
        facts = replace(facts, workers=options.workers)
        facts.write(directory)
    _show("The local cloud is already up", facts, console)


def _show(headline: str, facts: StackFacts, console: ProgressConsole) -> None:
    console.print(headline, "bold green")
    console.print(f"  shop   {facts.shop_url}\n  API    {facts.api_url}/v1\n  Stripe {facts.stripe_api_url}")
    if facts.has_token_issuer:
        console.print("A token for a fan called ada:", "bold")
        console.print(f"  curl -s -d sub=ada {facts.issuer_url}/token")
    else:
        console.print(f"Tokens come from {facts.issuer_url}, for the audience {facts.token_audience}.")
        if failure := keys_failure(facts.jwks_url):
            console.print(f"Its keys cannot be read ({failure}): until they can, a token is answered with 503.", "red")
    if not facts.has_stripe_sandbox:
        console.print("To receive Stripe's webhooks:", "bold")
        console.print(f"  stripe listen --forward-to {facts.api_url}/v1/webhooks/stripe")


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
