"""Concurrent handlers of one membership: every pair, in every order of their calls."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest

from chalicelib.domain.payments import StripeEvent
from tests.faults.meetings import all_orders
from tests.faults.membership_plays import joined
from tests.faults.stage import Stage

pytestmark = pytest.mark.usefixtures("quiet")


class Club:
    """Build a member of two months, one of them partly refunded, with the other webhooks undelivered."""

    def __init__(self, names: Sequence[str]) -> None:
        self.stage = Stage()
        self.town = self.stage.town
        self.key = joined(self.town)
        first = self.town.billing.start(self.key)
        second = self.town.billing.renew(self.key)
        self.refund = self.town.provider.refund(f"pi_2_{self.key}", 200)
        self.fails = self.town.billing.fail(self.key)
        self.news = dict(zip(UNHEARD, (first, second, self.refund, self.fails), strict=True))
        # Only the events of the handlers wait: a later delivery would repair what the other handlers broke.
        self.town.webhooks = [event for name, event in self.news.items() if name in names]
        for name, event in self.news.items():
            if name not in names:
                self.town.hear(event)

    def hear(self, name: str) -> None:
        self.town.hear(self.news[name])

    def happens(self, deed: Callable[[], StripeEvent]) -> None:
        """Change the provider's state as a step of its own, then deliver the event."""
        self.town.hear(self.stage.happens("the world", lambda: self.town.happens(deed())))


UNHEARD = ("the first month", "the second month", "the refund", "the failure")
HANDLERS: dict[str, Callable[[Club], None]] = {
    **{name: lambda club, name=name: club.hear(name) for name in UNHEARD},  # type: ignore[misc]  # a default's type
    "paid late": lambda club: club.happens(lambda: club.town.billing.pay_late(club.key)),
    "all goes back": lambda club: club.happens(lambda: club.town.billing.refund(club.key, 2, 299)),
    "it comes back": lambda club: club.happens(lambda: club.town.provider.refund_becomes(f"pi_2_{club.key}", "failed")),
    "the end": lambda club: club.happens(lambda: club.town.billing.cancel(club.key)),
}
PAIRS = list(combinations_with_replacement(HANDLERS, 2))


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_of_a_membership_may_meet_in_any_order(names: Sequence[str]) -> None:
    ended = list(all_orders(Club, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
