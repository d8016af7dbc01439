"""Lossy delivery of webhooks and stream batches (lost, doubled, reordered), repaired by reconcile and sweep alone."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.faults.plays import opened
from tests.faults.town import Town
from tests.faults.verdict import Wrong, wrongs

Thing = TypeVar("Thing")

LOST: Final = 0.3
DOUBLED: Final = 0.3
HOURS: Final = 6
FANS: Final = ("fan-1", "fan-2", "fan-3")


def deliver_badly(seed: int) -> list[Wrong]:
    """Run some hours of lossy delivery, then the workers. Returns the breaches at the end."""
    dice, town = Random(seed), Town()
    for _ in range(HOURS):
        for _ in range(dice.randint(1, 8)):
            dice.choice(HAPPENINGS)(town, dice)
        _post(town, dice)
        town.advance(dice.randint(10, 50))
        if dice.random() < LOST:
            town.reconcile()
        if dice.random() < LOST:
            town.end_streaks()
    for _ in range(3):
        town.advance(20)
        town.reconcile()
        town.end_streaks()
        town.sweep()
    town.lose_the_stream()
    return wrongs(town)


def _post(town: Town, dice: Random) -> None:
    """Deliver the waiting webhooks and records in random order. Lost ones are not sent again."""
    for event in _tossed(town.webhooks, dice):
        town.hear(event)
    town.webhooks = []
    town.look()
    records = _tossed(town.records, dice)
    for start in range(0, len(records), 5):
        assert relay_entries(records[start : start + 5], town.relay()) == []
    town.records = []


def _tossed(things: Sequence[Thing], dice: Random) -> list[Thing]:
    arriving = [thing for thing in things if dice.random() >= LOST]
    arriving += [thing for thing in arriving if dice.random() < DOUBLED]
    dice.shuffle(arriving)
    return arriving


def _pays(town: Town, dice: Random) -> None:
    town.happens(town.provider.pay(opened(town, dice.choice(FANS))))


def _pays_from_the_bank(town: Town, dice: Random) -> None:
    key = opened(town, dice.choice(FANS))
    town.happens(town.provider.submit(key))
    town.happens(town.provider.arrive(key) if dice.random() > LOST else town.provider.bounce(key))


def _gives(town: Town, dice: Random) -> None:
    town.send(town.key(), dice.choice(["rose", "cake"]), dice.choice(FANS), creator_id=dice.choice(["cleo", "dora"]))


def _taps(town: Town, dice: Random) -> None:
    """Send several roses as a streak, or one more of the fan's active streak."""
    fan = dice.choice(FANS)
    streak = town.books.streaks.get(fan)
    key = town.key()
    town.send(key, "rose", fan, streak_id=streak.streak_id if streak and dice.random() > LOST else key)


def _is_refunded(town: Town, dice: Random) -> None:
    if town.provider.payments:
        payment = town.provider.payments[dice.choice(sorted(town.provider.payments))]
        if payment.kept_minor:
            status = dice.choice(["pending", "succeeded"])
            amount_minor = dice.randint(1, payment.kept_minor)
            town.happens(town.provider.refund(payment.payment_intent, amount_minor, status))


def _refund_moves_on(town: Town, dice: Random) -> None:
    refunded = [payment for payment in town.provider.payments.values() if payment.refunds]
    if refunded:
        status = dice.choice(["succeeded", "failed"])
        town.happens(town.provider.refund_becomes(dice.choice(refunded).payment_intent, status))


def _is_granted(town: Town, dice: Random) -> None:
    town.grant(town.key(), dice.randint(1, 50), dice.choice(FANS))


def _is_reversed(town: Town, dice: Random) -> None:
    gifts = [(name, entry) for name, entry in town.facts.items() if hasattr(entry, "gift_id")]
    if gifts:
        (fan, gift_id), _ = dice.choice(gifts)
        try:
            town.reverse(town.key(), gift_id, fan)
        except TryAgain:
            raise AssertionError("nothing fails here but the post") from None


HAPPENINGS: Final[Sequence[Callable[[Town, Random], None]]] = (
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
