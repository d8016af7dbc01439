"""Contract of the Ledger port: gifts on the creator's side."""

from collections.abc import Sequence

import pytest

from chalicelib.domain.gifts import Gift
from chalicelib.domain.shards import MAX_ACTIONS_PER_TRANSACTION, ShardPosition
from tests.adapters.samples import a_gift, a_reversal, gifts_to, new_name
from tests.stores import Store


@pytest.fixture
def creator_id() -> str:
    return new_name("creator")


def numbered(gifts: Sequence[Gift], first: int = 1) -> dict[str, ShardPosition]:
    """Return the positions that the gifts get in their order."""
    return {gift.event_id: ShardPosition(sequence=sequence) for sequence, gift in enumerate(gifts, start=first)}


def sequences_of(gifts: Sequence[Gift], first: int = 1) -> dict[str, int]:
    return {event_id: position.sequence for event_id, position in numbered(gifts, first).items()}


def total(gifts: Sequence[Gift]) -> int:
    return sum(gift.price_coins for gift in gifts)


@pytest.mark.parametrize("number", [1, 2, MAX_ACTIONS_PER_TRANSACTION])
def test_receive_gifts_assigns_sequences_in_order(store: Store, creator_id: str, number: int) -> None:
    gifts = gifts_to(creator_id, min(number, store.max_gifts))

    assert store.ledger.receive_gifts(creator_id, 0, gifts) == numbered(gifts)

    shard = store.shard(creator_id, 0)
    assert (shard.coins, shard.sequences) == (total(gifts), sequences_of(gifts))


@pytest.mark.parametrize("number", [1, MAX_ACTIONS_PER_TRANSACTION])
def test_receive_gifts_repeat_keeps_sequences(store: Store, creator_id: str, number: int) -> None:
    gifts = gifts_to(creator_id, min(number, store.max_gifts))
    store.ledger.receive_gifts(creator_id, 0, gifts)

    assert store.ledger.receive_gifts(creator_id, 0, gifts[::-1]) == numbered(gifts)

    shard = store.shard(creator_id, 0)
    assert (shard.coins, shard.sequences) == (total(gifts), sequences_of(gifts))


@pytest.mark.parametrize(("known", "again"), [(1, 0), (3, 1), (5, 4), (9, 5), (99, 50)])
def test_receive_gifts_overlapping_batches_leave_no_gap(store: Store, creator_id: str, known: int, again: int) -> None:
    known, again = min(known, store.max_gifts), min(again, store.max_gifts - 1)
    gifts = gifts_to(creator_id, store.max_gifts + known - again)
    first, second = gifts[:known], gifts[known - again :]
    store.ledger.receive_gifts(creator_id, 0, first)

    answer = store.ledger.receive_gifts(creator_id, 0, second)

    assert answer == {gift.event_id: numbered(gifts)[gift.event_id] for gift in second}
    shard = store.shard(creator_id, 0)
    assert (shard.coins, shard.sequences) == (total(gifts), sequences_of(gifts))


def test_receive_gifts_alternately_known_gifts_get_next_sequences(store: Store, creator_id: str) -> None:
    gifts = gifts_to(creator_id, 9)
    known, new = gifts[1::2], gifts[::2]
    store.ledger.receive_gifts(creator_id, 0, known)

    assert store.ledger.receive_gifts(creator_id, 0, gifts) == numbered(known) | numbered(new, first=5)


def test_receive_gifts_later_batches_continue_the_sequence(store: Store, creator_id: str) -> None:
    gifts = gifts_to(creator_id, 4)
    received = [store.ledger.receive_gifts(creator_id, 0, [gift])[gift.event_id].sequence for gift in gifts]

    assert received == [1, 2, 3, 4]
    assert store.shard(creator_id, 0).coins == total(gifts)


def test_receive_gifts_shards_have_separate_sequences(store: Store, creator_id: str) -> None:
    first, second = gifts_to(creator_id, 2), gifts_to(creator_id, 1)
    store.ledger.receive_gifts(creator_id, 0, first)

    assert store.ledger.receive_gifts(creator_id, 63, second) == numbered(second)
    assert store.shard(creator_id, 0).sequences == sequences_of(first)


def test_receive_gifts_creators_have_separate_sequences(store: Store, creator_id: str) -> None:
    mine, yours = gifts_to(creator_id, 2), gifts_to(f"{creator_id}0", 1)
    store.ledger.receive_gifts(creator_id, 0, mine)

    assert store.ledger.receive_gifts(f"{creator_id}0", 0, yours) == numbered(yours)


@pytest.mark.parametrize("creator_id", ["|:@._-=", "c" * 128, "lane|0"])
def test_receive_gifts_accepts_every_valid_creator_id(store: Store, creator_id: str) -> None:
    gift = a_gift("s" * 128, creator_id=creator_id, message="おめでとう🎉", anonymous=True)

    assert store.ledger.receive_gifts(creator_id, 3, [gift]) == {gift.event_id: ShardPosition(sequence=1)}
    assert store.shard(creator_id, 3).coins == gift.price_coins


def test_receive_gifts_reversal_subtracts_coins_with_own_sequence(store: Store, creator_id: str) -> None:
    first, second = gifts_to(creator_id, 2)
    reversal = a_reversal(second)

    assert store.ledger.receive_gifts(creator_id, 0, [first, second]) == numbered([first, second])
    assert store.ledger.receive_gifts(creator_id, 0, [reversal]) == {reversal.event_id: ShardPosition(sequence=3)}

    assert store.shard(creator_id, 0).coins == first.price_coins


def test_receive_gifts_accepts_reversal_before_its_gift(store: Store, creator_id: str) -> None:
    """A sender's records are relayed in order, but a failed one is redriven later."""
    first, second = gifts_to(creator_id, 2)
    early, late = a_reversal(first), a_reversal(second)

    assert store.ledger.receive_gifts(creator_id, 0, [early]) == {early.event_id: ShardPosition(sequence=1)}
    assert store.shard(creator_id, 0).coins == -first.price_coins
    store.ledger.receive_gifts(creator_id, 0, [second, late, first])

    shard = store.shard(creator_id, 0)
    assert (shard.coins, len(shard.sequences)) == (0, 4)


def test_receive_gifts_repeated_reversal_keeps_its_sequence(store: Store, creator_id: str) -> None:
    (gift,) = gifts_to(creator_id, 1)
    reversal = a_reversal(gift)
    both = store.ledger.receive_gifts(creator_id, 0, [gift, reversal])

    assert store.ledger.receive_gifts(creator_id, 0, [reversal, gift]) == both
    assert store.shard(creator_id, 0).coins == 0


def test_receive_gifts_of_empty_batch_is_empty(store: Store, creator_id: str) -> None:
    assert store.ledger.receive_gifts(creator_id, 0, []) == {}
    assert store.shard(creator_id, 0).sequences == {}
