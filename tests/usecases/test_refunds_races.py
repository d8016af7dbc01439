"""Concurrent syncs of one payment: an older response never overwrites a newer one."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import cast

import pytest

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.payments import Refund
from chalicelib.errors import TryAgain
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.refunds import MAX_ATTEMPTS, sync_refunds
from tests.domain.builders import FAN, a_refund
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, Port, session_event

Action = Callable[[], object]
STEPS = ("find_purchase_ref", "find_entry", "read_money", "update_kept_amount")


@dataclass
class Interruptions:
    """Run actions before or after the calls of a port, one action per call."""

    before: dict[str, list[Action]] = field(default_factory=dict)
    after: dict[str, list[Action]] = field(default_factory=dict)

    def over(self, port: Port) -> Port:
        return cast("Port", _InterruptedPort(port, self))


@dataclass
class _InterruptedPort:
    _port: object
    _interruptions: Interruptions

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*args: object) -> object:
            for action in self._interruptions.before.pop(name, []):
                action()
            answer: object = getattr(self._port, name)(*args)
            if waiting := self._interruptions.after.get(name):
                waiting.pop(0)()
            return answer

        return call


class RefundRace:
    """A posted purchase, with an interruptible sync and an uninterrupted one."""

    def __init__(self) -> None:
        self.harness = CheckoutHarness()
        self.harness.paid()
        self.interruptions = Interruptions()

    def sync_interrupted(self) -> str:
        ledger: Ledger = self.interruptions.over(self.harness.ledger)
        gateway: PaymentGateway = self.interruptions.over(self.harness.gateway)
        return self.sync_over(ledger, gateway)

    def sync(self) -> str:
        return self.sync_over(self.harness.ledger, self.harness.gateway)

    def sync_over(self, ledger: Ledger, gateway: PaymentGateway) -> str:
        return sync_refunds(
            PAYMENT, dataclasses.replace(self.harness.stripe_event_services(), ledger=ledger, gateway=gateway)
        )

    def change_money(self, refunds: Sequence[Refund]) -> str:
        """Change the money, and sync it at once in another handler."""
        self.harness.move_money(refunds=refunds)
        return self.sync()

    def moved(self) -> list[int]:
        entries = self.harness.books.entries[FAN].values()
        return [entry.coins for entry in entries if isinstance(entry, Adjustment)]

    def is_sound(self) -> bool:
        return broken(books_of(self.harness.books, []), is_drained=False) == []


STATES: dict[str, tuple[list[Refund], int]] = {
    "all": ([], 70),
    "half": ([a_refund(37)], 35),
    "none": ([a_refund(37), a_refund(37)], 0),
    "half, again": ([a_refund(37), a_refund(37, "failed")], 35),
    "all, again": ([a_refund(37, "failed"), a_refund(37, "failed")], 70),
}


@pytest.mark.untraced
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("noted", "seen", "now"), list(product(STATES, repeat=3)))
def test_sync_refunds_stale_response_never_overwrites_a_newer_one(
    noted: str, seen: str, now: str, when: str, step: str
) -> None:
    race = RefundRace()
    race.harness.deliver(session_event("paid"))
    race.change_money(STATES[noted][0])
    race.harness.move_money(refunds=STATES[seen][0])
    getattr(race.interruptions, when)[step] = [lambda: race.change_money(STATES[now][0])]
    race.sync_interrupted()
    assert race.harness.balance() == STATES[now][1]
    assert race.is_sound()


@pytest.mark.parametrize("now", STATES)
@pytest.mark.parametrize("step", [*STEPS, "find_session", "post_purchase"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_sync_refunds_stale_response_after_fulfillment_never_overwrites(now: str, when: str, step: str) -> None:
    race = RefundRace()
    race.harness.move_money(refunds=STATES["half"][0])
    getattr(race.interruptions, when)[step] = [lambda: race.change_money(STATES[now][0])]
    race.sync_interrupted()
    assert race.harness.balance() == STATES[now][1]
    assert race.is_sound()


def test_sync_refunds_losing_a_race_is_unchanged() -> None:
    race = RefundRace()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["half"][0])
    race.interruptions.after["read_money"] = [race.sync]
    assert race.sync_interrupted() == "unchanged"
    assert race.moved() == [-35]


@pytest.mark.parametrize("times", range(1, MAX_ATTEMPTS))
def test_sync_refunds_losing_some_races_succeeds(times: int) -> None:
    race = RefundRace()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["half"][0])
    race.interruptions.after["read_money"] = [race.sync] * times
    race.sync_interrupted()
    assert race.moved() == [-35]
    assert race.interruptions.after["read_money"] == []


def test_sync_refunds_losing_every_race_raises_try_again() -> None:
    race = RefundRace()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["none"][0])
    for now in ("half", "none") * MAX_ATTEMPTS:
        race.interruptions.after.setdefault("read_money", []).append(partial(race.change_money, STATES[now][0]))
    with pytest.raises(TryAgain):
        race.sync_interrupted()
    assert (race.harness.balance(), race.is_sound()) == (35, True)
    race.interruptions.after.clear()
    race.sync_interrupted()
    assert (race.harness.balance(), race.is_sound()) == (35, True)
