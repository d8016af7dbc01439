"""Handlers of one membership that meet: every two of them, one call at a time, in every order."""

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import pytest

from chalicelib.domain.payments import StripeEvent
from tests.faults.failpoints import Schedule, heal
from tests.faults.membership_plays import joined
from tests.faults.stage import Stage, orders
from tests.faults.trouble import Trouble
from tests.faults.verdict import Wrong, wrongs

pytestmark = pytest.mark.usefixtures("quiet")


class Club:
    """A member of one month, of whom more was told than anybody has heard."""

    def __init__(self) -> None:
        self.stage = Stage()
        town = self.town = self.stage.town
        self.key = joined(town)
        self.first = town.happens(town.billing.start(self.key))
        self.second = town.happens(town.billing.renew(self.key))
        self.refund = town.happens(town.billing.refund(self.key, 2, 200))
        self.fails = town.happens(town.billing.fail(self.key))
        town.key()

    def hear(self, event: StripeEvent) -> None:
        self.town.hear(event)

    def happens(self, deed: Callable[[], StripeEvent]) -> None:
        """Something happens at the provider, as a step of its own, and then it is told."""
        self.hear(self.stage.happens("the world", lambda: self.town.happens(deed())))


HANDLERS: dict[str, Callable[[Club], None]] = {
    "the first month": lambda club: club.hear(club.first),
    "the second month": lambda club: club.hear(club.second),
    "the refund": lambda club: club.hear(club.refund),
    "the failure": lambda club: club.hear(club.fails),
    "paid late": lambda club: club.happens(lambda: club.town.billing.pay_late(club.key)),
    "all goes back": lambda club: club.happens(lambda: club.town.billing.refund(club.key, 2, 299)),
    "the end": lambda club: club.happens(lambda: club.town.billing.cancel(club.key)),
}
PAIRS = list(combinations_with_replacement(HANDLERS, 2))


def all_orders(names: tuple[str, ...]) -> Iterator[list[Wrong]]:
    """What is wrong after each order that there is."""
    seen: set[int] = set()
    club = Club()

    def play(choices: object) -> list[int]:
        nonlocal club
        club = Club()
        handlers = [lambda name=name: HANDLERS[name](club) for name in names]
        return club.stage.play(handlers, choices, seen)  # type: ignore[arg-type]  # a sequence of choices

    for _ in orders(play):
        if club.stage.is_over:
            club.stage.come_again()
            heal(club.town, Schedule.AT_ONCE, Trouble({}))
            yield wrongs(club.town)


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_of_a_membership_may_meet_in_any_order(names: tuple[str, ...]) -> None:
    ended = list(all_orders(names))
    assert [found for found in ended if found] == []
    assert ended
