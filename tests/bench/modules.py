"""What the packaged functions import by the time of their first answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.calls import gifts_to, stream_records
from tests.bench.children import API, BARE, RELAY, BenchError, Children, require
from tests.bench.flows import Flows
from tests.bench.report import Row, count
from tests.bench.world import World


def rows(world: World, flows: Flows, children: Children, package: Path) -> Iterator[Row]:
    """Call each function in a process in which nothing but the package can be imported.

    Args:
        world: the stores.
        flows: of a fan who has coins.
        children: where to run them.
        package: where it is unpacked.
    """
    gift = children.call(package, API, flows.fan.gift("modules"), BARE)
    require(gift.answer, 201)
    yield from _imported("gift", gift.modules, free_of=("stripe", "boto3"))
    webhook = children.call(package, API, flows.webhook(next(flows.purchases())), BARE)
    require(webhook.answer, 200, outcome="credited")
    yield from _imported("webhook", webhook.modules)
    relay = children.call(package, RELAY, gifts_to("modules", stream_records(world)), BARE)
    if relay.answer != {"batchItemFailures": []}:
        raise BenchError(f"the relay answered {relay.answer}")
    yield from _imported("relay", relay.modules, free_of=("stripe",))


def size(package: str, modules: Sequence[str]) -> int:
    """How many of the modules are the package's."""
    return sum(module.partition(".")[0] == package for module in modules)


def _imported(what: str, modules: Sequence[str], free_of: Sequence[str] = ()) -> Iterator[Row]:
    yield count(f"{what}: all", len(modules), "modules")
    for package in ("stripe", "boto3"):
        promised = 0 if package in free_of else None
        yield count(f"{what}: of {package}", size(package, modules), "modules", promised)
