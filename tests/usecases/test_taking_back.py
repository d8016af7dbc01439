"""Coins that an operator gave for a payment in review, and the money that left it."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.reviews import ReviewReason
from chalicelib.errors import InvalidField
from tests.usecases.checkout_harness import PAYMENT
from tests.usecases.test_operators import OperatorHarness


def test_money_that_left_is_no_reason_to_give_coins() -> None:
    office = OperatorHarness()
    left = replace(office.books.reviews[PAYMENT], payment_id=f"{PAYMENT}-left-74", reason=ReviewReason.MONEY_LEFT)
    office.books.file_review(left)
    with pytest.raises(InvalidField) as refused:
        office.settle("credit", payment_id=left.payment_id)
    assert refused.value.extensions["field"] == "decision"
    assert office.settle("refuse", payment_id=left.payment_id).settlement


def test_coins_that_were_given_can_be_taken_back() -> None:
    office = OperatorHarness()
    before = office.balance()
    assert office.grant(coins=-500).adjustment.kind is Kind.CLAWBACK
    assert office.grant(coins=-500).is_repeat
    assert office.balance() == before - 500
