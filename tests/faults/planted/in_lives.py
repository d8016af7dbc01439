"""Bugs that only a life of several happenings shows."""

from typing import Final

from tests.faults.planted.bug import Bug

LIVES: Final = ("tests/faults/test_lives.py",)

IN_LIVES: Final[list[Bug]] = [
    Bug(
        name="only one part of an invoice's money is followed",
        path="chalicelib/usecases/refunds.py",
        old="    states = {part: services.gateway.read_money(part) for part in payment.parts}",
        new="    states = {part: services.gateway.read_money(part) for part in payment.parts[:1]}",
        tests=LIVES,
    ),
    Bug(
        name="a payment that was not as quoted is taken for a repeat",
        path="chalicelib/usecases/fulfillment.py",
        old="                    reason = purchase_review_reason(unchanged.purchase, session)",
        new="                    reason = None",
        tests=LIVES,
    ),
    Bug(
        name="a sweep trusts that creators received every gift",
        path="chalicelib/adapters/dynamodb/journal.py",
        old="        left = gifts.keys() - received | others.keys() - published",
        new="        left = others.keys() - published",
        tests=LIVES,
    ),
    Bug(
        name="a review stays open after its payment was credited",
        path="chalicelib/usecases/reviews.py",
        old="    if not is_superseded(review, entry):",
        new="    if is_superseded(review, entry):",
        tests=LIVES,
    ),
    Bug(
        name="a deleted subscription leaves its membership as it is",
        path="chalicelib/usecases/memberships.py",
        old="        return membership_as_gone(before, before.paid_until or _posted_until(before, services.ledger))",
        new="        return before",
        tests=LIVES,
    ),
]
