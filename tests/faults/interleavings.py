"""Concurrent handlers: all call orders of two and of three, and many random orders of eight."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from random import Random
from types import MappingProxyType
from typing import Final

from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.faults.failpoints import Schedule, heal, settle
from tests.faults.plays import bought, given, opened
from tests.faults.stage import Handler, Stage, orders
from tests.faults.trouble import Trouble
from tests.faults.verdict import Wrong, wrongs


class Meeting:
    """Build a fan with bought, given, reviewed and partly refunded coins, and webhooks still undelivered."""

    def __init__(self, names: Sequence[str]) -> None:
        self.stage = Stage()
        town = self.town = self.stage.town
        self.bought = bought(town)
        self.paid, self.submitted = opened(town), opened(town)
        self.gift = given(town, "rose")
        town.hear(town.provider.refund(f"pi_{self.bought}", 10, "pending"))
        town.hear(town.provider.pay(self.bought, again="-again"))
        if "hint" in names:  # only then: a later delivery would repair what the other handlers broke
            self.hinted = town.happens(town.provider.refund(f"pi_{self.bought}", 5))
        self.payment = town.happens(town.provider.pay(self.paid))
        self.debit = town.happens(town.provider.submit(self.submitted))
        self.keys = [town.key() for _ in range(10)]
        town.look()
        self.batch: Sequence[PostedRecord] = tuple(town.records)

    def hear(self, event: StripeEvent) -> None:
        self.town.hear(event)

    def refund(self, amount_minor: int) -> None:
        self._news(lambda: self.town.provider.refund(f"pi_{self.bought}", amount_minor))

    def refund_fails(self) -> None:
        self._news(lambda: self.town.provider.refund_becomes(f"pi_{self.bought}", "failed"))

    def dispute(self) -> None:
        self._news(lambda: self.town.provider.dispute(f"pi_{self.bought}"))

    def refund_the_unmatched(self) -> None:
        self._news(lambda: self.town.provider.refund(f"pi_{self.bought}-again", 74))

    def arrive(self) -> None:
        self._news(lambda: self.town.provider.arrive(self.submitted))

    def relay(self) -> None:
        again = set(relay_entries(self.batch, self.town.relay()))
        done = {record.record_id for record in self.batch} - again
        self.town.records = [record for record in self.town.records if record.record_id not in done]
        if again:
            raise TryAgain

    def _news(self, happening: Callable[[], StripeEvent]) -> None:
        """Change the provider's state and deliver the event."""
        town = self.town
        town.hear(self.stage.happens("Provider.changes", lambda: town.happens(happening())))


HANDLERS: Final[Mapping[str, Callable[[Meeting], None]]] = MappingProxyType(
    {
        "payment": lambda meeting: meeting.hear(meeting.payment),
        "debit submitted": lambda meeting: meeting.hear(meeting.debit),
        "debit arrived": Meeting.arrive,
        "hint": lambda meeting: meeting.hear(meeting.hinted),
        "refund": lambda meeting: meeting.refund(7),
        "refund failed": Meeting.refund_fails,
        "dispute": Meeting.dispute,
        "unmatched refund": Meeting.refund_the_unmatched,
        "gift": lambda meeting: meeting.town.send(meeting.keys[0]),
        "other gift": lambda meeting: meeting.town.send(meeting.keys[1]),
        "checkout": lambda meeting: meeting.town.open(meeting.keys[5]),
        "grant": lambda meeting: meeting.town.grant(meeting.keys[2]),
        "reversal": lambda meeting: meeting.town.reverse(meeting.keys[3], meeting.gift),
        "other reversal": lambda meeting: meeting.town.reverse(meeting.keys[4], meeting.gift),
        "freeze": lambda meeting: meeting.town.freeze(meeting.keys[6], is_frozen=True),
        "thaw": lambda meeting: meeting.town.freeze(meeting.keys[7], is_frozen=False),
        "settlement": lambda meeting: meeting.town.settle(meeting.keys[8], f"pi_{meeting.bought}-again", "credit"),
        "refusal": lambda meeting: meeting.town.settle(meeting.keys[9], f"pi_{meeting.bought}-again", "refuse"),
        "relay": Meeting.relay,
        "sweep": lambda meeting: meeting.town.sweep(),
        "reconcile": lambda meeting: meeting.town.reconcile(),
    }
)
PAIRS: Final = tuple(combinations_with_replacement(HANDLERS, 2))
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
    wrongs: tuple[Wrong, ...]

    @property
    def seed(self) -> str:
        """The seed that replays the order."""
        return f"{'+'.join(self.names)}/{''.join(map(str, self.choices))}"


def replay(seed: str) -> Order:
    """Parse the order that a failure printed."""
    names, choices = seed.split("/")
    return in_order(names.split("+"), [int(choice) for choice in choices])


def in_order(names: Sequence[str], choices: Sequence[int], seen: set[int] | None = None) -> Order:
    """Run the handlers in that order, let everything recover, and check the invariants."""
    meeting = Meeting(names)
    widths: Sequence[int] = ()
    found: tuple[Wrong, ...] = ()
    try:
        widths = meeting.stage.play([_handler(name, meeting) for name in names], choices, seen)
        if meeting.stage.is_over:
            meeting.stage.come_again()
            found = tuple(settle(meeting.town, Trouble({})))
            heal(meeting.town, Schedule.AT_ONCE, Trouble({}))
            found += tuple(wrongs(meeting.town))
    except Exception as error:  # noqa: BLE001  # any exception that escapes is a finding
        found = (Wrong("unhandled", f"{type(error).__name__}: {error}"),)
    return Order(tuple(names), tuple(choices), tuple(widths), found)


def all_orders(names: Sequence[str]) -> Iterator[Order]:
    """Run all call orders of these handlers. A state reached by two orders is continued only once."""
    ended: list[Order] = []
    seen: set[int] = set()

    def play(choices: Sequence[int]) -> Sequence[int]:
        ended.append(in_order(names, choices, seen))
        return ended[-1].widths

    for _ in orders(play):
        yield ended.pop()


def eight(seed: int) -> Order:
    """Run eight handlers, some of them twice, in a random order."""
    dice = Random(seed)
    names = dice.choices(sorted(HANDLERS), k=8)
    return in_order(names, [dice.randrange(8) for _ in range(60)])


def _handler(name: str, meeting: Meeting) -> Handler:
    return lambda: HANDLERS[name](meeting)
