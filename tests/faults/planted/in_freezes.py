"""Bugs in the freeze of wallets."""

from typing import Final

from tests.faults.planted.bug import Bug

_FREEZES: Final = "chalicelib/adapters/dynamodb/freeze_expressions.py"
_TABLE: Final = ("-k", "table_store")

IN_FREEZES: Final = [
    Bug(
        "an operator's clawback freezes for a dispute that was paid",
        _FREEZES,
        "return [WalletRow.paid_disputes.set(wallet.lost_disputes)], is_as_read",
        "return [], is_as_read",
        ("tests/adapters/test_ledger_disputes.py", *_TABLE),
    ),
    Bug(
        "a debt that is paid before the write is not noted",
        _FREEZES,
        "return [], is_as_read & (WalletRow.coins < 0)",
        "return [], is_as_read",
        ("tests/adapters/test_ledger_disputes.py", *_TABLE),
    ),
    Bug(
        "a wallet without a condition",
        _FREEZES,
        "    allows: Condition = (WalletRow.coins >= coins) & _is_free()\n",
        "    allows: Condition = _is_free()\n",
        ("tests/adapters/test_ledger_gifts.py", *_TABLE),
    ),
    Bug(
        "a frozen wallet spends",
        _FREEZES,
        "WalletRow.frozen_at.does_not_exist() & is_undisputed",
        "is_undisputed",
        ("tests/adapters/test_ledger_gifts.py", *_TABLE),
    ),
    Bug(
        "a disputed wallet spends",
        _FREEZES,
        "WalletRow.frozen_at.does_not_exist() & is_undisputed",
        "WalletRow.frozen_at.does_not_exist()",
        ("tests/adapters/test_ledger_disputes.py", *_TABLE),
    ),
    Bug(
        "a wallet in debt for a lost dispute buys",
        _FREEZES,
        "    allows: Condition = _is_free() & is_paid\n",
        "    allows: Condition = _is_free()\n",
        ("tests/adapters/test_ledger_disputes.py", *_TABLE),
    ),
]
