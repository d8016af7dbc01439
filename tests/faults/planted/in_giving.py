"""Bugs in streaks, cheers, super chats, and creator earnings."""

from typing import Final

from tests.faults.planted.bug import Bug

_STORE: Final = "chalicelib/adapters/dynamodb/ledger.py"
_SHARDS: Final = "chalicelib/adapters/dynamodb/shards.py"
_EXPRESSIONS: Final = "chalicelib/adapters/dynamodb/streak_expressions.py"
_STREAKS: Final = ("tests/adapters/test_ledger_streaks.py", "-k", "table_store")
_ROWS: Final = ("tests/usecases/test_streaks.py",)
_CHECKS: Final = "chalicelib/usecases/streaks.py"
_CHECK_TESTS: Final = ("tests/usecases/test_streak_checks.py",)
_KINDS: Final = ("tests/domain/test_gift_kinds.py",)

IN_GIVING: Final = [
    Bug(
        "a gift's coins are refused only if they are more than none",
        "chalicelib/http/routes/giving.py",
        "    require_fields_of(request.body.kind, fields_of_kind)\n",
        "",
        ("tests/http/test_giving.py",),
    ),
    Bug(
        "a tap of a phone whose clock went back is refused",
        "chalicelib/domain/gifts.py",
        "if order.streak_id is not None and not is_uuid7(order.streak_id):",
        "if order.streak_id is not None and not (is_uuid7(order.streak_id) and order.streak_id <= order.gift_id):",
        _KINDS,
    ),
    Bug(
        "a streak ends however long it has grown",
        _EXPRESSIONS,
        "        & (WalletRow.streak_count == streak.count)\n        & (WalletRow.streak_at == streak.last_at)\n",
        "",
        _STREAKS,
    ),
    Bug(
        "a streak begins where another is",
        _EXPRESSIONS,
        "        return WalletRow.streak_id.does_not_exist()\n",
        "        return WalletRow.coins.exists()\n",
        _STREAKS,
    ),
    Bug(
        "a cake among the roses",
        _EXPRESSIONS,
        "        & (WalletRow.streak_item == gift.item_id)\n",
        "",
        _STREAKS,
    ),
    Bug(
        "a streak that knows its number and not its coins",
        _EXPRESSIONS,
        "        WalletRow.streak_coins.add(gift.price_coins),\n",
        "",
        _STREAKS,
    ),
    Bug(
        "a streak that is over and stays",
        _EXPRESSIONS,
        "        WalletRow.streak_id.remove(),\n",
        "",
        _STREAKS,
    ),
    Bug(
        "the end of a streak is lost to the next one",
        _STORE,
        "            if ended:\n",
        "            if ended is True:\n",
        _STREAKS,
    ),
    Bug(
        "taps counted by what was read of them",
        _SHARDS,
        "            ShardRow.gifts == seen.gifts if seen.gifts else ShardRow.gifts.does_not_exist(),\n",
        "            None,\n",
        ("tests/adapters/test_ledger_giving_races.py", "-k", "table_store"),
    ),
    Bug(
        "a tap that comes again is counted on",
        _SHARDS,
        "received[gift.event_id] = _to_receipt(CreatorEntryRow.from_raw_data(old_item))",
        "received[gift.event_id] = position.batches_by_shard[gift.event_id]",
        _STREAKS,
    ),
    Bug(
        "streaks of two fans in one count",
        "chalicelib/domain/shards.py",
        "return (entry.user_id, entry.streak_id) if",
        "return (entry.creator_id, entry.streak_id) if",
        _STREAKS,
    ),
    Bug(
        "cheers beside the budget",
        _STORE,
        "spend_coins(gift.price_coins, gift.posted_at, change)",
        "spend_coins(gift.price_coins if gift.item_id else 0, gift.posted_at, change)",
        ("tests/adapters/test_ledger_budgets.py", "-k", "table_store"),
    ),
    Bug(
        "a streak that ends while it goes on",
        _CHECKS,
        "        if left > timedelta(0):\n",
        "        if left > pause:\n",
        _ROWS,
    ),
    Bug(
        "an end as it stood at the first look",
        _CHECKS,
        "        now = clock.now()\n        streak = ledger.read_wallet(user_id).streak\n",
        "        now = clock.now()\n        streak = streak if _ else ledger.read_wallet(user_id).streak\n",
        _ROWS,
    ),
    Bug(
        "a message of its own for each look at a streak",
        _CHECKS,
        "    if left is not None and is_worn:\n",
        "    if left is not None:\n",
        ("tests/faults/test_long_streaks.py",),
    ),
    Bug(
        "a streak of hours ends among the dead letters",
        _CHECKS,
        "    if left is not None and is_worn:\n",
        "    if left is not None and not is_worn and is_worn:\n",
        ("tests/faults/test_long_streaks.py",),
    ),
    Bug(
        "a check fails as often as it was delivered",
        _CHECKS,
        "    failures = check.failures + 1\n",
        "    failures = delivery.received\n",
        _CHECK_TESTS,
    ),
    Bug(
        "an outage uses up the attempts of a check",
        _CHECKS,
        "    except TryAgain:\n        return RETRY_DELAY\n",
        "    except ZeroDivisionError:\n        return RETRY_DELAY\n",
        _CHECK_TESTS,
    ),
    Bug(
        "the message of an active streak is hidden and deleted",
        _CHECKS,
        "    return [delivery.message_id for delivery in times_left]\n",
        "    return []\n",
        ("tests/faults/test_long_streaks.py",),
    ),
    Bug(
        "an unreadable check is dropped",
        _CHECKS,
        "        services.streak_timer.set_aside(delivery)\n        return None\n",
        "        return None\n",
        _CHECK_TESTS,
    ),
    Bug(
        "another end as it stood at the first look",
        "chalicelib/usecases/budgets.py",
        "                wallet = rejected.wallet\n",
        "                wallet = wallet or rejected.wallet\n",
        _ROWS,
    ),
    Bug(
        "a timer that could not be set is forgotten",
        "chalicelib/usecases/relay.py",
        "            self.retry.update(record.record_id for record in records)\n",
        "            self.retry.update(record.record_id for record in records if not isinstance(step, partial))\n",
        _ROWS,
    ),
    Bug(
        "who tapped in secret is named in the end",
        "chalicelib/domain/streaks.py",
        '"sender_id": None if streak.is_anonymous else user_id',
        '"sender_id": user_id',
        _ROWS,
    ),
    Bug(
        "the name of who cheers in secret",
        "chalicelib/domain/events.py",
        '"sender_name": None if gift.anonymous else gift.sender_name',
        '"sender_name": gift.sender_name',
        _KINDS,
    ),
    Bug(
        "a streak in many shards",
        "chalicelib/domain/gifts.py",
        "shard_of(order.streak_id or posting.event_id, creator_shards)",
        "shard_of(posting.event_id, creator_shards)",
        _KINDS,
    ),
    Bug(
        "a message limited in bytes alone",
        "chalicelib/domain/gifts.py",
        "len(order.message) <= text.max_characters and size <= text.max_bytes",
        "size <= text.max_bytes",
        _KINDS,
    ),
    Bug(
        "every super chat in the lowest tier",
        "chalicelib/domain/economy.py",
        "for tier in reversed(self.tiers) if",
        "for tier in self.tiers if",
        ("tests/domain/test_economy.py",),
    ),
    Bug(
        "a share rounded up",
        "chalicelib/domain/economy.py",
        "units = max(coins, 0) * share.units // share.per_coins",
        "units = -(-max(coins, 0) * share.units // share.per_coins)",
        ("tests/domain/test_economy.py",),
    ),
]
