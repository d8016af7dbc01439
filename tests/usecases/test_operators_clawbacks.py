"""Coins that an operator gave for a payment in review, and the money that left it."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.reviews import ReviewReason
from chalicelib.errors import InvalidField
from tests.usecases.checkout_harness import PAYMENT
from tests.usecases.test_operators import OperatorHarness


def test_settle_review_of_money_that_left_credits_nothing() -> None:
    harness = OperatorHarness()
    left = replace(harness.books.reviews[PAYMENT], payment_id="pi_left", reason=ReviewReason.MONEY_LEFT)
    harness.books.file_review(left)
    with pytest.raises(InvalidField) as refused:
        harness.settle("credit", payment_id=left.payment_id)
    assert refused.value.extensions["field"] == "decision"
    assert harness.settle("refuse", payment_id=left.payment_id).settlement


def test_grant_coins_of_a_negative_amount_claws_back() -> None:
    harness = OperatorHarness()
    before = harness.balance()
    assert harness.grant(coins=-500).adjustment.kind is Kind.CLAWBACK
    assert harness.grant(coins=-500).is_repeat
    assert harness.balance() == before - 500
