"""Bugs in reviews of payments and in disputes."""

from typing import Final

from tests.faults.planted.bug import Bug

_OPEN: Final = ("tests/usecases/test_open_reviews.py",)

IN_REVIEWS: Final = [
    Bug(
        "a paid dispute freezes again with the next debt",
        "chalicelib/adapters/dynamodb/freeze_expressions.py",
        "    is_old = (WalletRow.disputes < 1) | (WalletRow.disputes <= WalletRow.paid_disputes)\n",
        "    is_old = WalletRow.disputes < 1\n",
        ("tests/adapters/test_ledger_disputes.py", "-k", "table_store"),
    ),
    Bug(
        "a new lost dispute counts as the paid one that was won",
        "chalicelib/adapters/dynamodb/freeze_expressions.py",
        "    if before is DisputeHold.LOST and (step or takes_coins):\n",
        "    if before is DisputeHold.OPEN and (step or takes_coins):\n",
        ("tests/adapters/test_ledger_disputes.py", "-k", "table_store"),
    ),
    Bug(
        "a lost dispute still counts as an open one",
        "chalicelib/adapters/dynamodb/freeze_expressions.py",
        "    step = (_WEIGHTS[after] if after else 0) - (_WEIGHTS[before] if before else 0)",
        "    step = (_WEIGHTS[after] if after else 0) - (_WEIGHTS[before] if before and not after else 0)",
        ("tests/infra/test_rebuild_check.py",),
    ),
    Bug(
        "a warning stays open after its payment went back",
        "chalicelib/domain/reviews.py",
        "self.payment_id.removesuffix(WARNED)",
        "self.payment_id",
        _OPEN,
    ),
    Bug(
        "a warning is closed by the credit that it warns of",
        "chalicelib/domain/settlements.py",
        "    if review.reason is ReviewReason.EARLY_FRAUD_WARNING:\n",
        "    if review.reason is ReviewReason.UNKNOWN:\n",
        _OPEN,
    ),
    Bug(
        "a refund that has not succeeded closes a warning",
        "chalicelib/domain/reversals.py",
        'each.status == "succeeded" and each.currency',
        "each.currency",
        _OPEN,
    ),
    Bug(
        "a dispute of another part closes a warning",
        "chalicelib/usecases/refunds.py",
        "is_returned(state, purchase.currency)",
        "is_returned(money, purchase.currency)",
        _OPEN,
    ),
]
