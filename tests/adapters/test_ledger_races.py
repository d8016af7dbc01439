"""Concurrent writes, on the stores with atomic transactions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import BudgetChange, changed, due_change
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, Posted, Unchanged
from tests.adapters.samples import a_budget, a_gift, a_posting, a_purchase, buy, gifts_to, new_name
from tests.fakes import START, session_of
from tests.stores import DynamoStore

Result = TypeVar("Result")


def all_at_once(acts: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run the acts at the same time, one thread each. Returns their results in order."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], Result]) -> Result:
        ready.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def until_decided(act: Callable[[], Result]) -> Callable[[], Result]:
    """Return an act that repeats on TryAgain, as callers do."""

    def repeat() -> Result:
        for _ in range(100):
            try:
                return act()
            except TryAgain:
                continue
        raise AssertionError("never decided")

    return repeat


def test_post_purchase_64_at_once_credits_once(atomic_store: DynamoStore) -> None:
    ledger, purchase = atomic_store.ledger, a_purchase()
    ledger.open_purchase(purchase)
    session = session_of(purchase)

    results = all_at_once([until_decided(lambda: ledger.post_purchase(session, a_posting()))] * 64)

    posted = ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert results.count(Posted()) == 1
    assert results.count(Unchanged(purchase=posted)) == 63
    assert ledger.read_wallet(purchase.user_id).coins == purchase.coins


def test_post_purchase_with_16_payments_at_once_credits_once(atomic_store: DynamoStore) -> None:
    ledger, purchase = atomic_store.ledger, a_purchase()
    ledger.open_purchase(purchase)

    def pay(payment_intent: str) -> Callable[[], Posted | Unchanged]:
        session = session_of(purchase, payment_intent=payment_intent)
        return until_decided(lambda: ledger.post_purchase(session, a_posting()))

    results = all_at_once([pay(f"pi_{number}") for number in range(16)])

    (winner,) = {answer.purchase.payment_intent for answer in results if isinstance(answer, Unchanged)}
    assert results.index(Posted()) == int(str(winner).removeprefix("pi_"))
    assert ledger.read_wallet(purchase.user_id).coins == purchase.coins


def test_post_purchase_32_of_one_user_at_once_add_up(atomic_store: DynamoStore) -> None:
    ledger, user_id = atomic_store.ledger, new_name("fan")

    def buy_at_once(coins: int) -> object:
        purchase = a_purchase(user_id, coins=coins)
        assert ledger.open_purchase(purchase, limit=32) == Posted()
        return ledger.post_purchase(session_of(purchase), a_posting())

    bought = all_at_once([partial(buy_at_once, coins) for coins in range(1, 33)])

    assert bought == [Posted()] * 32
    assert ledger.read_wallet(user_id).coins == sum(range(1, 33))


def test_post_gift_100_at_once_spend_coins_for_one(atomic_store: DynamoStore) -> None:
    ledger, user_id = atomic_store.ledger, new_name("fan")
    buy(ledger, user_id, 100)

    def send(gift: Gift) -> Callable[[], bool]:
        return until_decided(lambda: ledger.post_gift(gift) == Posted())

    gifts = [a_gift(user_id) for _ in range(100)]
    sent = [gift for gift, done in zip(gifts, all_at_once([send(gift) for gift in gifts]), strict=True) if done]

    stored = [entry for entry in ledger.list_entries(user_id, 200) if isinstance(entry, Gift)]
    assert len(sent) == 1
    assert stored == sent
    assert ledger.read_wallet(user_id).coins == 40


def test_post_gift_same_gift_32_at_once_debits_once(atomic_store: DynamoStore) -> None:
    ledger, gift = atomic_store.ledger, a_gift()
    buy(ledger, gift.user_id, 1_000)

    results = all_at_once([until_decided(lambda: ledger.post_gift(gift))] * 32)

    assert Counter(results) == {Posted(): 1, AlreadyExists(entry=gift): 31}
    assert ledger.read_wallet(gift.user_id).coins == 940


@pytest.mark.parametrize("workers", [8])
def test_receive_gifts_overlapping_at_once_give_each_gift_one_sequence(atomic_store: DynamoStore, workers: int) -> None:
    ledger, creator_id = atomic_store.ledger, new_name("creator")
    gifts = gifts_to(creator_id, 60)
    # Each gift is in three batches, at a different place in each.
    batches = [gifts[start : start + 9] for start in range(0, 60, 3)]
    received: list[Mapping[str, int]] = []

    def receive(batch: Sequence[Gift]) -> Mapping[str, int]:
        batches_by_shard = until_decided(lambda: ledger.receive_gifts(creator_id, 0, batch))()
        return {event_id: position.sequence for event_id, position in batches_by_shard.items()}

    def relay(own_batches: Sequence[Sequence[Gift]]) -> Callable[[], None]:
        return lambda: received.extend(receive(batch) for batch in own_batches)

    all_at_once([relay(batches[number::workers]) for number in range(workers)])

    shard = atomic_store.shard(creator_id, 0)
    assert sorted(shard.sequences.values()) == list(range(1, 61))
    assert shard.sequences.keys() == {gift.event_id for gift in gifts}
    assert shard.coins == sum(gift.price_coins for gift in gifts)
    for answer in received:
        assert answer.items() <= shard.sequences.items(), "whoever asks hears of the same place"


def test_post_gift_100_at_once_stay_within_budget(atomic_store: DynamoStore) -> None:
    ledger, user_id = atomic_store.ledger, new_name("fan")
    buy(ledger, user_id, 10_000)
    assert (
        ledger.change_budget(user_id, BudgetChange(seen=None, budget=a_budget(coins=ByPeriod(100, 300, 1_000))))
        == Posted()
    )

    def send(gift: Gift) -> Callable[[], bool]:
        return until_decided(lambda: ledger.post_gift(gift) == Posted())

    sent = all_at_once([send(a_gift(user_id, price_coins=8)) for _ in range(100)])

    wallet = ledger.read_wallet(user_id)
    assert (sent.count(True), wallet.coins) == (12, 10_000 - 96)
    assert wallet.budget
    assert wallet.budget.coins_left == ByPeriod(4, 204, 904)


def test_post_gift_40_first_of_a_day_at_once_renew_budget_once(atomic_store: DynamoStore) -> None:
    ledger, user_id = atomic_store.ledger, new_name("fan")
    buy(ledger, user_id, 10_000)
    ledger.change_budget(user_id, BudgetChange(seen=None, budget=a_budget(coins=ByPeriod(100, 10_000, 1_000))))
    tomorrow = START + timedelta(days=1)
    change = due_change(ledger.read_wallet(user_id).budget, tomorrow)

    def send(gift: Gift) -> Callable[[], bool]:
        return until_decided(lambda: Posted() in {ledger.post_gift(gift, change), ledger.post_gift(gift)})

    sent = all_at_once([send(a_gift(user_id, price_coins=8, posted_at=tomorrow)) for _ in range(40)])

    wallet = ledger.read_wallet(user_id)
    assert (sent.count(True), wallet.coins) == (12, 10_000 - 96)
    assert wallet.budget
    assert (wallet.budget.coins_left, wallet.budget.version) == (ByPeriod(4, 10_000 - 96, 904), 2)


def test_change_budget_among_gifts_applies_to_later_gifts(atomic_store: DynamoStore) -> None:
    ledger, user_id = atomic_store.ledger, new_name("fan")
    buy(ledger, user_id, 10_000)
    ledger.change_budget(user_id, BudgetChange(seen=None, budget=a_budget(coins=ByPeriod(1_000, 1_000, 1_000))))
    seen = ledger.read_wallet(user_id).budget
    assert seen
    lower = changed(seen, replace(seen.limits, coins=ByPeriod(80, 1_000, 1_000)), START)
    gifts = [a_gift(user_id, price_coins=8) for _ in range(40)]

    def act(number: int) -> Callable[[], object]:
        if number == 5:
            return until_decided(lambda: ledger.change_budget(user_id, BudgetChange(seen=seen, budget=lower)))
        return until_decided(lambda: ledger.post_gift(gifts[number]))

    all_at_once([act(number) for number in range(40)])

    wallet = ledger.read_wallet(user_id)
    assert wallet.budget
    spent = 10_000 - wallet.coins
    assert wallet.budget.coins_left == ByPeriod(80 - spent, 1_000 - spent, 1_000 - spent)
    assert ledger.post_gift(a_gift(user_id, price_coins=80)) != Posted()
