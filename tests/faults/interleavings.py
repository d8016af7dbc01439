"""Concurrent handlers: all call orders of two and of three, and many random orders of eight."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement, islice
from random import Random
from types import MappingProxyType
from typing import Final

from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.faults.failpoints import Schedule, heal, settle
from tests.faults.fault_plan import FaultPlan
from tests.faults.invariants import Breach, breaches
from tests.faults.scenarios import bought, given, opened
from tests.faults.scheduler import Handler, Scheduler


class InterleavingHarness:
    """Build a fan with bought, given, reviewed and partly refunded coins, and webhooks still undelivered."""

    def __init__(self, names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        system = self.system = self.scheduler.system
        self.bought = bought(system)
        self.paid, self.submitted = opened(system), opened(system)
        self.gift = given(system, "rose")
        system.deliver(system.provider.refund(f"pi_{self.bought}", 10, "pending"))
        system.deliver(system.provider.pay(self.bought, again="-again"))
        if "hint" in names:  # only then: a later delivery would repair what the other handlers broke
            self.hinted = system.queue_webhook(system.provider.refund(f"pi_{self.bought}", 5))
        self.payment = system.queue_webhook(system.provider.pay(self.paid))
        self.debit = system.queue_webhook(system.provider.submit(self.submitted))
        self.keys = [system.key() for _ in range(10)]
        system.read_stream()
        self.batch: Sequence[PostedRecord] = tuple(system.records)

    def deliver(self, event: StripeEvent) -> None:
        self.system.deliver(event)

    def refund(self, amount_minor: int) -> None:
        self._change_provider(lambda: self.system.provider.refund(f"pi_{self.bought}", amount_minor))

    def refund_fails(self) -> None:
        self._change_provider(lambda: self.system.provider.refund_becomes(f"pi_{self.bought}", "failed"))

    def dispute(self) -> None:
        self._change_provider(lambda: self.system.provider.dispute(f"pi_{self.bought}"))

    def refund_the_unmatched(self) -> None:
        self._change_provider(lambda: self.system.provider.refund(f"pi_{self.bought}-again", 74))

    def arrive(self) -> None:
        self._change_provider(lambda: self.system.provider.arrive(self.submitted))

    def relay(self) -> None:
        again = set(relay_entries(self.batch, self.system.relay()))
        done = {record.record_id for record in self.batch} - again
        self.system.records = [record for record in self.system.records if record.record_id not in done]
        if again:
            raise TryAgain

    def _change_provider(self, happening: Callable[[], StripeEvent]) -> None:
        """Change the provider's state and deliver the event."""
        system = self.system
        system.deliver(self.scheduler.external_step("Provider.changes", lambda: system.queue_webhook(happening())))


HANDLERS: Final[Mapping[str, Callable[[InterleavingHarness], None]]] = MappingProxyType(
    {
        "payment": lambda harness: harness.deliver(harness.payment),
        "debit submitted": lambda harness: harness.deliver(harness.debit),
        "debit arrived": InterleavingHarness.arrive,
        "hint": lambda harness: harness.deliver(harness.hinted),
        "refund": lambda harness: harness.refund(7),
        "refund failed": InterleavingHarness.refund_fails,
        "dispute": InterleavingHarness.dispute,
        "unmatched refund": InterleavingHarness.refund_the_unmatched,
        "gift": lambda harness: harness.system.send(harness.keys[0]),
        "other gift": lambda harness: harness.system.send(harness.keys[1]),
        "checkout": lambda harness: harness.system.open(harness.keys[5]),
        "grant": lambda harness: harness.system.grant(harness.keys[2]),
        "reversal": lambda harness: harness.system.reverse(harness.keys[3], harness.gift),
        "other reversal": lambda harness: harness.system.reverse(harness.keys[4], harness.gift),
        "freeze": lambda harness: harness.system.freeze(harness.keys[6], is_frozen=True),
        "thaw": lambda harness: harness.system.freeze(harness.keys[7], is_frozen=False),
        "settlement": lambda harness: harness.system.settle(harness.keys[8], f"pi_{harness.bought}-again", "credit"),
        "refusal": lambda harness: harness.system.settle(harness.keys[9], f"pi_{harness.bought}-again", "refuse"),
        "relay": InterleavingHarness.relay,
        "sweep": lambda harness: harness.system.sweep(),
        "reconcile": lambda harness: harness.system.reconcile(),
    }
)
PAIRS: Final = tuple(combinations_with_replacement(HANDLERS, 2))
AT_MOST: Final = 2_000
BEYOND: Final = 200
TRIPLES: Final = (
    ("payment", "refund", "gift"),
    ("refund", "refund failed", "dispute"),
)


@dataclass(frozen=True)
class Order:
    """One call order of some handlers, with its breaches."""

    names: tuple[str, ...]
    choices: tuple[int, ...]
    widths: tuple[int, ...]
    breaches: tuple[Breach, ...]

    @property
    def seed(self) -> str:
        """The seed that replays the order."""
        return f"{'+'.join(self.names)}/{''.join(map(str, self.choices))}"


def replay(seed: str) -> Order:
    """Parse the order that a failure printed."""
    names, choices = seed.split("/")
    return in_order(names.split("+"), [int(choice) for choice in choices])


def in_order(names: Sequence[str], choices: Sequence[int]) -> Order:
    """Run the handlers in that order, let everything recover, and check the invariants."""
    harness = InterleavingHarness(names)
    widths = harness.scheduler.run(_handlers(names, harness), choices)
    return Order(tuple(names), tuple(choices), tuple(widths), _found(harness))


def all_orders(names: Sequence[str]) -> Iterator[Order]:
    """Run all call orders of these handlers. Two orders that reach one state continue, or recover, only once."""
    harness = InterleavingHarness(names)
    ends: set[int] = set()
    for choices in harness.scheduler.all_orders(_handlers(names, harness)):
        found = _found(harness) if harness.scheduler.is_new_end(ends) else ()
        yield Order(tuple(names), tuple(choices), (), found)


def some_orders(names: Sequence[str]) -> Iterator[Order]:
    """Run all call orders, or the first `AT_MOST` and as many random ones as `BEYOND` if there are more."""
    first = list(islice(all_orders(names), AT_MOST + 1))
    yield from first[:AT_MOST]
    if len(first) > AT_MOST:
        yield from random_orders(names, BEYOND)


def _found(harness: InterleavingHarness) -> tuple[Breach, ...]:
    """Let everything recover, and find the breaches."""
    try:
        harness.scheduler.retry()
        found = settle(harness.system, FaultPlan({}))
        heal(harness.system, Schedule.AT_ONCE, FaultPlan({}))
        return (*found, *breaches(harness.system))
    except Exception as error:  # noqa: BLE001  # any exception that escapes is a finding
        return (Breach("unhandled", f"{type(error).__name__}: {error}"),)


def random_orders(names: Sequence[str], count: int) -> Iterator[Order]:
    """Run these handlers in random orders, the same ones each time."""
    dice = Random("+".join(names))
    for _ in range(count):
        yield in_order(names, [dice.randrange(6) for _ in range(60)])


def eight(seed: int) -> Order:
    """Run eight handlers, some of them twice, in a random order."""
    dice = Random(seed)
    names = dice.choices(sorted(HANDLERS), k=8)
    return in_order(names, [dice.randrange(8) for _ in range(60)])


def _handlers(names: Sequence[str], harness: InterleavingHarness) -> Sequence[Handler]:
    by_name = {name: partial(HANDLERS[name], harness) for name in names}
    return [by_name[name] for name in names]
