"""Bugs in the audit, and in what it relies on."""

from typing import Final

from tests.faults.planted.bug import Bug

_AUDIT: Final = "chalicelib/usecases/audit.py"

IN_AUDIT: Final = [
    Bug(
        "a running total begins anew in each batch",
        "chalicelib/adapters/dynamodb/shards.py",
        "initial=self._coins)",
        "initial=0)",
        ("tests/adapters/test_ledger_shards.py", "-k", "table"),
    ),
    Bug(
        "an entry of the checked sum counts twice",
        "chalicelib/domain/totals.py",
        "if entry.posted_at > self._since:",
        "if entry.posted_at:",
        ("tests/domain/test_totals.py", "tests/usecases/test_audit_wallets.py"),
    ),
    Bug(
        "a run that ends within a shard forgets how far it came",
        "chalicelib/usecases/totals.py",
        "            _move(name, seen, chain, rest, totals)\n        raise",
        "            pass\n        raise",
        ("tests/usecases/test_audit_shards.py",),
    ),
    Bug(
        "the audit moves on past a batch that it did not finish",
        _AUDIT,
        "            except TimeIsOver:\n                return\n",
        "            except TimeIsOver:\n                pass\n",
        ("tests/usecases/test_audit_ledger.py", "tests/usecases/test_audit_shards.py"),
    ),
]
