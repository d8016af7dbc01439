"""Modules that the packaged functions have imported by their first response."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.calls import gifts_to, stream_records
from tests.bench.children import API, RELAY, Children, require, require_relayed
from tests.bench.flows import Flows
from tests.bench.report import Row, count
from tests.bench.stack import Stack


def rows(stack: Stack, flows: Flows, children: Children, package: Path) -> Iterator[Row]:
    """Call each function in a process that can import the package alone.

    Args:
        stack: where the functions run.
        flows: of a user with coins.
        children: runs the processes.
        package: the unpacked package.
    """
    gift = children.call(package, API, flows.fan.gift("modules"))
    require(gift.response, 201)
    yield from _imported("gift", gift.modules, without=("stripe", "cryptography.x509.name"))
    webhook = children.call(package, API, flows.webhook(next(flows.purchases())))
    require(webhook.response, 200, outcome="credited")
    yield from _imported("webhook", webhook.modules)
    relay = children.call(package, RELAY, gifts_to("modules", stream_records(stack)))
    require_relayed(relay.response)
    yield from _imported("relay", relay.modules, without=("stripe", "jwt", "cryptography", "chalicelib.http"))


def size(package: str, modules: Sequence[str]) -> int:
    """Count the modules of a package."""
    return sum(module == package or module.startswith(f"{package}.") for module in modules)


def _imported(path: str, modules: Sequence[str], without: Sequence[str] = ()) -> Iterator[Row]:
    yield count(f"{path}: all", len(modules), "modules")
    for package in without:
        yield count(f"{path}: {package}", size(package, modules), "modules", 0)
