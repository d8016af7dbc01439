"""Two handlers of one payment at once: whichever answer is older, it never overwrites the newer one."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import cast

import pytest

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.payments import Movement
from chalicelib.errors import TryAgain
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.refunds import MAX_ATTEMPTS, sync_refunds
from tests.domain.builders import FAN
from tests.invariants import books_of, broken
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, Port, moved_money, session_event

Deed = Callable[[], object]
STEPS = ("find_purchase_ref", "find_entry", "read_money", "update_kept_amount")


@dataclass
class Meanwhile:
    """Lets something else happen around a call: once for each deed that is waiting there."""

    before: dict[str, list[Deed]] = field(default_factory=dict)
    after: dict[str, list[Deed]] = field(default_factory=dict)

    def over(self, port: Port) -> Port:
        return cast("Port", _Interrupted(port, self))


@dataclass
class _Interrupted:
    _port: object
    _meanwhile: Meanwhile

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*args: object) -> object:
            for deed in self._meanwhile.before.pop(name, []):
                deed()
            answer: object = getattr(self._port, name)(*args)
            if waiting := self._meanwhile.after.get(name):
                waiting.pop(0)()
            return answer

        return call


class Race:
    """A purchase that is posted, a handler that can be interrupted, and one that cannot."""

    def __init__(self) -> None:
        self.harness = CheckoutHarness()
        self.harness.paid()
        self.meanwhile = Meanwhile()

    def slow(self) -> str:
        ledger: Ledger = self.meanwhile.over(self.harness.ledger)
        gateway: PaymentGateway = self.meanwhile.over(self.harness.gateway)
        return self.follow(ledger, gateway)

    def quick(self) -> str:
        return self.follow(self.harness.ledger, self.harness.gateway)

    def follow(self, ledger: Ledger, gateway: PaymentGateway) -> str:
        return sync_refunds(
            PAYMENT, dataclasses.replace(self.harness.stripe_event_services(), ledger=ledger, gateway=gateway)
        )

    def news(self, refunds: Sequence[Movement]) -> str:
        """The money moves, and somebody else hears of it at once."""
        self.harness.move_money(refunds=refunds)
        return self.quick()

    def moved(self) -> list[int]:
        entries = self.harness.books.entries[FAN].values()
        return [entry.coins for entry in entries if isinstance(entry, Adjustment)]

    def is_sound(self) -> bool:
        return broken(books_of(self.harness.books, []), is_drained=False) == []


STATES: dict[str, tuple[list[Movement], int]] = {
    "all": ([], 70),
    "half": ([moved_money(37)], 35),
    "none": ([moved_money(37), moved_money(37)], 0),
    "half, again": ([moved_money(37), moved_money(37, "failed")], 35),
    "all, again": ([moved_money(37, "failed"), moved_money(37, "failed")], 70),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("noted", "seen", "now"), list(product(STATES, repeat=3)))
def test_a_stale_answer_never_overwrites_a_newer_one(noted: str, seen: str, now: str, when: str, step: str) -> None:
    race = Race()
    race.harness.deliver(session_event("paid"))
    race.news(STATES[noted][0])
    race.harness.move_money(refunds=STATES[seen][0])
    getattr(race.meanwhile, when)[step] = [lambda: race.news(STATES[now][0])]
    race.slow()
    assert race.harness.balance() == STATES[now][1]
    assert race.is_sound()


@pytest.mark.parametrize("now", STATES)
@pytest.mark.parametrize("step", [*STEPS, "find_session", "post_purchase"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_nor_does_one_that_had_to_fulfill_first(now: str, when: str, step: str) -> None:
    race = Race()
    race.harness.move_money(refunds=STATES["half"][0])
    getattr(race.meanwhile, when)[step] = [lambda: race.news(STATES[now][0])]
    race.slow()
    assert race.harness.balance() == STATES[now][1]
    assert race.is_sound()


def test_whoever_loses_looks_again_and_has_nothing_left_to_do() -> None:
    race = Race()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["half"][0])
    race.meanwhile.after["read_money"] = [race.quick]
    assert race.slow() == "unchanged"
    assert race.moved() == [-35]


@pytest.mark.parametrize("times", range(1, MAX_ATTEMPTS))
def test_whoever_loses_often_wins_in_the_end(times: int) -> None:
    race = Race()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["half"][0])
    race.meanwhile.after["read_money"] = [race.quick] * times
    race.slow()
    assert race.moved() == [-35]
    assert race.meanwhile.after["read_money"] == []


def test_whoever_always_loses_is_asked_to_come_again() -> None:
    race = Race()
    race.harness.deliver(session_event("paid"))
    race.harness.move_money(refunds=STATES["none"][0])
    for now in ("half", "none") * MAX_ATTEMPTS:
        race.meanwhile.after.setdefault("read_money", []).append(partial(race.news, STATES[now][0]))
    with pytest.raises(TryAgain):
        race.slow()
    assert (race.harness.balance(), race.is_sound()) == (35, True)
    race.meanwhile.after.clear()
    race.slow()
    assert (race.harness.balance(), race.is_sound()) == (35, True)
