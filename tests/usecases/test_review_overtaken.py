"""An invoice that looks paid by nothing is reviewed; when its payment shows, its month is posted, and that is that."""

import pytest

from chalicelib.domain.operators import Decision
from chalicelib.errors import InvalidField
from chalicelib.usecases.operators import settle_review
from tests.domain.builders import an_act
from tests.fake_operators import FakeOperators
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness


def settle(club: MembershipHarness, decision: Decision) -> None:
    [review] = club.books.reviews.values()
    harness = FakeOperators(club.books)
    act = an_act(key=uuid7_at(START, 50))
    settle_review(review.month, review.payment_id, decision, act, operators=harness, clock=club.clock)


def test_its_coins_are_credited_when_the_payment_shows_and_by_nobody_else() -> None:
    club = MembershipHarness()
    club.joined()
    club.billed(1, payment_intent=None)
    assert club.deliver_invoice(1) == "in_review"
    with pytest.raises(InvalidField):
        settle(club, "credit")
    club.billed(1)
    assert club.deliver_invoice(1) == "credited"
    settle(club, "refuse")
    assert club.balance() == 500
