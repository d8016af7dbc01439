"""Lossy delivery of webhooks and stream batches (lost, doubled, reordered), repaired by reconcile and sweep alone."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.faults.invariants import Breach, breaches
from tests.faults.scenarios import opened
from tests.faults.simulated_system import SimulatedSystem

Thing = TypeVar("Thing")

LOST: Final = 0.3
DOUBLED: Final = 0.3
HOURS: Final = 6
FANS: Final = ("fan-1", "fan-2", "fan-3")


def deliver_with_losses(seed: int) -> list[Breach]:
    """Run some hours of lossy delivery, then the workers. Returns the breaches at the end."""
    dice, system = Random(seed), SimulatedSystem()
    for _ in range(HOURS):
        for _ in range(dice.randint(1, 8)):
            dice.choice(HAPPENINGS)(system, dice)
        _post(system, dice)
        system.advance(dice.randint(10, 50))
        if dice.random() < LOST:
            system.reconcile()
        if dice.random() < LOST:
            system.end_streaks()
    for _ in range(3):
        system.advance(20)
        system.reconcile()
        system.end_streaks()
        system.sweep()
    system.lose_the_stream()
    return breaches(system)


def _post(system: SimulatedSystem, dice: Random) -> None:
    """Deliver the waiting webhooks and records in random order. Lost ones are not sent again."""
    for event in _tossed(system.webhooks, dice):
        system.deliver(event)
    system.webhooks = []
    system.read_stream()
    records = _tossed(system.records, dice)
    for start in range(0, len(records), 5):
        assert relay_entries(records[start : start + 5], system.relay()) == []
    system.records = []


def _tossed(things: Sequence[Thing], dice: Random) -> list[Thing]:
    arriving = [thing for thing in things if dice.random() >= LOST]
    arriving += [thing for thing in arriving if dice.random() < DOUBLED]
    dice.shuffle(arriving)
    return arriving


def _pays(system: SimulatedSystem, dice: Random) -> None:
    system.queue_webhook(system.provider.pay(opened(system, dice.choice(FANS))))


def _pays_from_the_bank(system: SimulatedSystem, dice: Random) -> None:
    key = opened(system, dice.choice(FANS))
    system.queue_webhook(system.provider.submit(key))
    system.queue_webhook(system.provider.arrive(key) if dice.random() > LOST else system.provider.bounce(key))


def _gives(system: SimulatedSystem, dice: Random) -> None:
    system.send(
        system.key(), dice.choice(["rose", "cake"]), dice.choice(FANS), creator_id=dice.choice(["cleo", "dora"])
    )


def _taps(system: SimulatedSystem, dice: Random) -> None:
    """Send several roses as a streak, or one more of the fan's active streak."""
    fan = dice.choice(FANS)
    streak = system.fake_ledger.streaks.get(fan)
    key = system.key()
    system.send(key, "rose", fan, streak_id=streak.streak_id if streak and dice.random() > LOST else key)


def _is_refunded(system: SimulatedSystem, dice: Random) -> None:
    if system.provider.payments:
        payment = system.provider.payments[dice.choice(sorted(system.provider.payments))]
        if payment.kept_minor:
            status = dice.choice(["pending", "succeeded"])
            amount_minor = dice.randint(1, payment.kept_minor)
            system.queue_webhook(system.provider.refund(payment.payment_intent, amount_minor, status))


def _refund_moves_on(system: SimulatedSystem, dice: Random) -> None:
    refunded = [payment for payment in system.provider.payments.values() if payment.refunds]
    if refunded:
        status = dice.choice(["succeeded", "failed"])
        system.queue_webhook(system.provider.refund_becomes(dice.choice(refunded).payment_intent, status))


def _is_granted(system: SimulatedSystem, dice: Random) -> None:
    system.grant(system.key(), dice.randint(1, 50), dice.choice(FANS))


def _is_reversed(system: SimulatedSystem, dice: Random) -> None:
    gifts = [(name, entry) for name, entry in system.facts.items() if hasattr(entry, "gift_id")]
    if gifts:
        (fan, gift_id), _ = dice.choice(gifts)
        try:
            system.reverse(system.key(), gift_id, fan)
        except TryAgain:
            raise AssertionError("nothing fails here but the post") from None


HAPPENINGS: Final[Sequence[Callable[[SimulatedSystem, Random], None]]] = (
    _pays,
    _pays,
    _pays_from_the_bank,
    _gives,
    _gives,
    _gives,
    _taps,
    _taps,
    _is_refunded,
    _refund_moves_on,
    _is_granted,
    _is_reversed,
)
