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
        "            turn.move(scan.text)\n        raise",
        "            pass\n        raise",
        ("tests/usecases/test_audit_stars.py",),
    ),
    Bug(
        "the audit moves on past a batch that it did not finish",
        _AUDIT,
        "            except TimeIsOver:\n                return\n",
        "            except TimeIsOver:\n                pass\n",
        ("tests/usecases/test_audit_ledger.py", "tests/usecases/test_audit_stars.py"),
    ),
    Bug(
        "a total that a wallet may have had is taken for right",
        "chalicelib/domain/totals.py",
        "if coins == lowest == highest:",
        "if lowest <= coins <= highest:",
        ("tests/domain/test_totals.py", "tests/usecases/test_audit_wallets.py"),
    ),
    Bug(
        "a line that cannot be read moves the checked sum by nothing",
        _AUDIT,
        " and all(line.is_readable for line in lines):",
        ":",
        ("tests/usecases/test_audit_ledger.py",),
    ),
    Bug(
        "the audit passes a gift that its creator has not received",
        _AUDIT,
        "return NOT_RECEIVED if place is None else None",
        "return None",
        ("tests/usecases/test_audit_shards.py",),
    ),
    Bug(
        "a star is not compared with what came while it was followed",
        "chalicelib/usecases/totals.py",
        "        return compare_shard(creator_id, shard, bounds, services)",
        "        return None",
        ("tests/usecases/test_audit_stars.py",),
    ),
]
