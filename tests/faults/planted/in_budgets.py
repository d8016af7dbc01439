"""Bugs in the enforcement of budgets."""

from typing import Final

from tests.faults.planted.bug import Bug

_RULES: Final = "chalicelib/domain/budgets.py"
_EXPRESSIONS: Final = "chalicelib/adapters/dynamodb/budget_expressions.py"
_PURCHASES: Final = "chalicelib/adapters/dynamodb/purchases.py"
_TABLE: Final = ("-k", "table_store")
_COINS: Final = ("tests/adapters/test_ledger_budgets.py", *_TABLE)
_MONEY: Final = ("tests/adapters/test_ledger_money_budgets.py", *_TABLE)

IN_BUDGETS: Final = [
    Bug(
        "a budget that nobody is held to",
        _EXPRESSIONS,
        "            is_left &= counter >= amount\n",
        "            is_left &= counter >= -amount\n",
        _COINS,
    ),
    Bug(
        "a day without an end",
        _EXPRESSIONS,
        "        is_left: Condition = WalletRow.day_ends > now\n",
        "        is_left: Condition = WalletRow.day_ends.exists()\n",
        _COINS,
    ),
    Bug(
        "a renewal for everybody who comes",
        _EXPRESSIONS,
        "    return WalletRow.budget_version == change.seen.version\n",
        "    return WalletRow.budget_version.exists()\n",
        _COINS,
    ),
    Bug(
        "a renewal that lets anything through",
        _EXPRESSIONS,
        "        condition &= counter >= amount - gain\n",
        "        condition &= counter >= -amount - gain\n",
        _COINS,
    ),
    Bug(
        "a change that forgets what was spent meanwhile",
        _EXPRESSIONS,
        "counter.set(counter + gain) if change.seen else counter.set(value)",
        "counter.set(value)",
        _COINS,
    ),
    Bug(
        "euros within a budget of dollars",
        _EXPRESSIONS,
        "condition if change is not None else condition & is_money_of(currency)\n",
        "condition\n",
        _MONEY,
    ),
    Bug(
        "shut out, and let in again",
        _EXPRESSIONS,
        "        return counted, (WalletRow.day_ends.does_not_exist() | is_left) & not_excluded(now)\n",
        "        return counted, (WalletRow.day_ends.does_not_exist() | is_left)\n",
        ("tests/adapters/test_ledger_exclusions.py", *_TABLE),
    ),
    Bug(
        "a price given back twice",
        _PURCHASES,
        "            is_allowed &= EntryRow.is_released.does_not_exist()\n",
        "",
        _MONEY,
    ),
    Bug(
        "money that came after all counts for nothing",
        _PURCHASES,
        "            count_paid(write, purchase.amount_minor, purchase.currency, posting.posted_at)\n",
        "            count_paid(write, 0, purchase.currency, posting.posted_at)\n",
        ("tests/adapters/test_paid_money.py", *_TABLE),
    ),
    Bug(
        "money that came after midnight counts in a day that is over",
        "chalicelib/adapters/dynamodb/budget_expressions.py",
        "    return counted, is_now & is_money_of(currency)\n",
        "    return counted, is_money_of(currency)\n",
        ("tests/adapters/test_paid_money.py", *_TABLE),
    ),
    Bug(
        "cents are held against a limit in euros",
        "chalicelib/adapters/dynamodb/budget_expressions.py",
        "    return counted, is_now & is_money_of(currency)\n",
        "    return counted, is_now\n",
        ("tests/adapters/test_paid_money.py", *_TABLE),
    ),
    Bug(
        "a raise at once",
        _RULES,
        "    coins = ByPeriod(*map(min, limits.coins, requested.coins))\n",
        "    coins = requested.coins\n",
        ("tests/domain/test_budgets.py",),
    ),
    Bug(
        "more given back than there was",
        _RULES,
        "            min(rest + amount, limit) if is_counted else rest\n",
        "            rest + amount if is_counted else rest\n",
        ("tests/domain/test_budget_changes.py",),
    ),
    Bug(
        "a new day by moving east",
        _RULES,
        "period_ends(end - _MOMENT, pending.limits.zone).day for end in ends",
        "period_ends(pending.at, pending.limits.zone).day for end in ends",
        ("tests/domain/test_budget_changes.py",),
    ),
    Bug(
        "a first limit on money begins the count of coins again",
        "chalicelib/domain/budgets.py",
        "    counted = [since <= given_at for since in current.since]\n",
        "    counted = [max(since, current.money_from or since) <= given_at for since in current.since]\n",
        ("tests/domain/test_budget_changes.py",),
    ),
    Bug(
        "money of another currency is given back",
        "chalicelib/domain/budgets.py",
        "max(since, current.money_from or since) <= opened_at",
        "since <= opened_at",
        ("tests/domain/test_budget_changes.py",),
    ),
    Bug(
        "a window that takes any number of checkouts",
        "chalicelib/adapters/dynamodb/window_expressions.py",
        "unpaid.add(1)",
        "unpaid.add(0)",
        ("tests/adapters/test_ledger_windows.py", *_TABLE),
    ),
    Bug(
        "a payment that keeps its place in the window",
        "chalicelib/adapters/dynamodb/window_expressions.py",
        "window[1].add(-1)",
        "window[1].add(0)",
        ("tests/adapters/test_ledger_windows.py", *_TABLE),
    ),
    Bug(
        "a refused checkout that keeps its place in the window",
        "chalicelib/adapters/dynamodb/purchases.py",
        "[give_back(CHECKOUT_WINDOW)] if reason else []",
        "[]",
        ("tests/adapters/test_ledger_windows.py", "-k", "table"),
    ),
    Bug(
        "a renewal gives a place back",
        "chalicelib/adapters/dynamodb/memberships.py",
        "        *([] if month.is_renewal else [give_back(MEMBERSHIP_WINDOW)]),\n",
        "        give_back(MEMBERSHIP_WINDOW),\n",
        ("tests/adapters/test_membership_windows.py", "-k", "table"),
    ),
    Bug(
        "a refused membership keeps its place",
        "chalicelib/adapters/dynamodb/memberships.py",
        "                released = [*released, give_back(MEMBERSHIP_WINDOW)]\n",
        "                pass\n",
        ("tests/adapters/test_membership_windows.py", "-k", "table"),
    ),
    Bug(
        "stale checkouts that stay in the list",
        "chalicelib/usecases/unpaid_memberships.py",
        "            opened.close_open(checkout)\n",
        "",
        ("tests/usecases/test_stale_purchases.py",),
    ),
    Bug(
        "an exclusion that knows the newest memberships only",
        "chalicelib/usecases/exclusions.py",
        "services.memberships.list_opened(user_id, now - SESSION_LIFE)",
        "services.memberships.list_memberships(user_id)",
        ("tests/usecases/test_exclusions.py",),
    ),
    Bug(
        "an exclusion that leaves payment pages open",
        "chalicelib/usecases/exclusions.py",
        "    if not pending:\n",
        "    if pending:\n",
        ("tests/usecases/test_exclusions.py",),
    ),
    Bug(
        "a reversed gift that stays in its streak's total",
        "chalicelib/adapters/dynamodb/streak_expressions.py",
        "WalletRow.streak_count.add(-1)",
        "WalletRow.streak_count.add(0)",
        ("tests/adapters/test_operators_reversals.py", *_TABLE),
    ),
    Bug(
        "a reversed gift that stays in the budget",
        "chalicelib/usecases/operators.py",
        "returned(wallet.budget, gift.price_coins, gift.posted_at, now)",
        "returned(wallet.budget, 0, gift.posted_at, now)",
        ("tests/usecases/test_reversed_gifts.py",),
    ),
    Bug(
        "a reminder for every gift",
        "chalicelib/domain/reminders.py",
        "    return uuid7_of(began, ",
        "    return uuid7_of(began, str(reminder) + ",
        ("tests/domain/test_reminders.py",),
    ),
]
