"""Concurrent gifts of all kinds, on the stores with atomic transactions: one budget, one streak, one end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import shard_key
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd, end_of
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from tests.adapters.conftest import DYNAMODB_LOCAL
from tests.adapters.samples import a_budget, a_gift, a_posting, buy, new_id, new_name
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.stores import DynamoStore


def begin_streak(ledger: Ledger, coins: int = 10_000) -> Gift:
    """Send the first gift of a streak; each gift costs 3 coins."""
    gift = a_gift(price_coins=3, item_id="rose")
    first = replace(gift, streak_id=gift.gift_id)
    buy(ledger, gift.user_id, coins)
    assert ledger.post_gift(first) == Posted()
    return first


def next_gift(first: Gift) -> Gift:
    return replace(first, gift_id=new_id(), event_id=new_id(), posted_at=first.posted_at + timedelta(seconds=1))


def end_of_current(ledger: Ledger, first: Gift) -> StreakEnd | None:
    """Build the end of the current streak. Returns None if it has ended."""
    streak = ledger.read_wallet(first.user_id).streak
    if streak is None or streak.streak_id != first.streak_id:
        return None
    return end_of(streak, first.user_id, new_id(), a_posting())


def sent(ledger: Ledger, gift: Gift) -> Callable[[], Gift | None]:
    """Return an act that sends the gift and returns it if it was posted."""
    return until_decided(lambda: gift if ledger.post_gift(gift) == Posted() else None)


def stored_ends(ledger: Ledger, first: Gift) -> list[tuple[object, object]]:
    """Return count and coins of each stored streak end."""
    notifications = [entry for entry in ledger.list_entries(first.user_id, 300) if isinstance(entry, NotificationEntry)]
    return [(notification.payload["count"], notification.payload["coins"]) for notification in notifications]


def test_post_gift_100_of_all_kinds_at_once_stay_within_budget(atomic_store: DynamoStore) -> None:
    ledger = atomic_store.ledger
    first = begin_streak(ledger)
    budget = a_budget(coins=ByPeriod(100, 300, 1_000))
    assert ledger.change_budget(first.user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    kinds: list[Callable[[], Gift]] = [
        lambda: next_gift(first),
        lambda: a_gift(first.user_id, price_coins=8),
        lambda: a_gift(first.user_id, price_coins=5, kind=GiftKind.CHEER, item_id=None),
        lambda: a_gift(first.user_id, price_coins=13, kind=GiftKind.SUPER_CHAT, item_id=None, color="blue"),
    ]

    gifts = [kinds[number % 4]() for number in range(100)]
    done = [gift for gift in all_at_once([sent(ledger, gift) for gift in gifts]) if gift]

    wallet, spent = ledger.read_wallet(first.user_id), sum(gift.price_coins for gift in done)
    taps = [gift for gift in done if gift.streak_id]
    assert wallet.coins == 10_000 - 3 - spent
    assert wallet.budget
    assert wallet.budget.coins_left == ByPeriod(100 - spent, 300 - spent, 1_000 - spent)
    refused = [gift.price_coins for gift in gifts if gift not in done]
    assert 0 <= 100 - spent < min(refused), "nobody was refused what there was"
    assert wallet.streak
    assert (wallet.streak.count, wallet.streak.coins) == (1 + len(taps), 3 * (1 + len(taps)))


def test_end_streak_among_gifts_ends_once_and_counts_every_gift(atomic_store: DynamoStore) -> None:
    ledger = atomic_store.ledger
    first = begin_streak(ledger)

    def end() -> bool:
        seen = end_of_current(ledger, first)
        return seen is not None and ledger.end_streak(first.user_id, seen) == Posted()

    taps = [sent(ledger, next_gift(first)) for _ in range(40)]
    ends = [until_decided(end)] * 8
    acts: list[Callable[[], Gift | bool | None]] = [
        act for row in zip(*[iter(taps)] * 5, ends, strict=True) for act in row
    ]
    answers = all_at_once(acts)
    while ledger.read_wallet(first.user_id).streak:
        answers.append(until_decided(end)())

    count = 1 + sum(isinstance(answer, Gift) for answer in answers)
    assert answers.count(True) == 1
    assert stored_ends(ledger, first) == [(count, 3 * count)]
    assert ledger.read_wallet(first.user_id).coins == 10_000 - 3 * count


def test_post_gift_streaks_begun_at_once_each_end_the_previous(atomic_store: DynamoStore) -> None:
    ledger = atomic_store.ledger
    first = begin_streak(ledger)
    others = [replace(gift, streak_id=gift.gift_id) for gift in (next_gift(first) for _ in range(16))]

    def begin(gift: Gift) -> Callable[[], bool]:
        def once() -> bool:
            streak = ledger.read_wallet(first.user_id).streak
            assert streak
            ended = end_of(streak, first.user_id, new_id(), a_posting())
            return ledger.post_gift(gift, None, ended) == Posted()

        return until_decided(once)

    begun = all_at_once([begin(gift) for gift in others]).count(True)

    assert begun >= 1
    assert stored_ends(ledger, first) == [(1, 3)] * begun
    assert ledger.read_wallet(first.user_id).coins == 10_000 - 3 * (1 + begun)


def test_receive_gifts_overlapping_batches_count_each_streak_gift_once(atomic_store: DynamoStore) -> None:
    ledger, creator_id, user_id, streak_id = atomic_store.ledger, new_name("creator"), new_name("fan"), new_id()
    taps = [a_gift(user_id, creator_id=creator_id, shard=0, price_coins=3, streak_id=streak_id) for _ in range(24)]
    batches = [taps[start : start + 6] for start in range(0, 24, 3)]
    batches_by_shard: dict[str, ShardPosition] = {}

    for answer in all_at_once(
        [until_decided(lambda batch=batch: ledger.receive_gifts(creator_id, 0, batch)) for batch in batches]  # type: ignore[misc]
    ):
        assert all(batches_by_shard.setdefault(event_id, position) == position for event_id, position in answer.items())

    in_order = sorted(batches_by_shard.values(), key=lambda position: position.sequence)
    assert [position.streak_count for position in in_order] == list(range(1, 25))
    assert [position.streak_coins for position in in_order] == list(range(3, 75, 3))


@pytest.fixture(params=["table_store", "ministack_store", DYNAMODB_LOCAL])
def table(request: pytest.FixtureRequest) -> DynamoStore:
    """Run the test on every DynamoDB store."""
    chosen: DynamoStore = request.getfixturevalue(request.param)
    chosen.bind()
    return chosen


def test_receive_gifts_with_torn_read_counts_each_gift_once(table: DynamoStore) -> None:
    """BatchGetItem is not atomic: another batch is written between its reads of streak and shard."""
    ledger, creator_id, user_id, streak_id = table.ledger, new_name("creator"), new_name("fan"), new_id()
    taps = [a_gift(user_id, creator_id=creator_id, shard=0, price_coins=3, streak_id=streak_id) for _ in range(2)]

    def tear(parsed: dict[str, Any], **_: object) -> None:
        table.client.meta.events.unregister(event, tear)
        ledger.receive_gifts(creator_id, 0, taps[:1])
        parsed["Responses"] = {table.table_name: [table.item(shard_key(creator_id, 0), "LANE")]}

    table.client.meta.events.register(event := "after-call.dynamodb.BatchGetItem", tear)
    batches_by_shard = ledger.receive_gifts(creator_id, 0, taps[1:])

    assert batches_by_shard == {taps[1].event_id: ShardPosition(sequence=2, streak_count=2, streak_coins=6)}
