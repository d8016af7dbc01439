"""Reasons of reviews."""

from chalicelib.domain.reviews import WITHOUT_CREDIT, ReviewReason


def test_review_reason_of_another_version_is_unknown() -> None:
    assert ReviewReason("of_a_later_version") is ReviewReason.UNKNOWN
    assert ReviewReason("paid_twice") is ReviewReason.PAID_TWICE


def test_can_credit_is_false_exactly_where_a_rule_says_so() -> None:
    assert {reason for reason in ReviewReason if not reason.can_credit} == {
        ReviewReason.EARLY_FRAUD_WARNING,
        ReviewReason.MONEY_LEFT,
        ReviewReason.NO_PAYMENT_YET,
        ReviewReason.UNKNOWN,
    }
    assert all(rule.startswith("only refuse: ") for rule in WITHOUT_CREDIT.values())
