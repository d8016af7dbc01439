"""An invoice without a payment is reviewed; its month is posted once the payment is known."""

import pytest

from chalicelib.domain.operators import Decision
from chalicelib.errors import InvalidField
from chalicelib.usecases.reviews import settle_review
from tests.domain.builders import an_act
from tests.fake_operators import FakeOperators
from tests.fake_services import settlement_services
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness


def settle(harness: MembershipHarness, decision: Decision) -> None:
    [review] = harness.books.reviews.values()
    operators = FakeOperators(harness.books, harness.members)
    act = an_act(key=uuid7_at(START, 50))
    settle_review(review.ref, decision, act, settlement_services(harness, operators))


def test_fulfill_invoice_of_a_reviewed_month_credits_when_its_payment_shows() -> None:
    harness = MembershipHarness()
    harness.joined()
    harness.billed(1, payment_intent=None)
    assert harness.deliver_invoice(1) == "in_review"
    with pytest.raises(InvalidField):
        settle(harness, "credit")
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    settle(harness, "refuse")
    assert harness.balance() == 500
