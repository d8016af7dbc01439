import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.shards import MAX_ACTIONS_PER_TRANSACTION, batches_by_shard, streak_of
from tests.domain.builders import a_gift, a_reversal, an_adjustment


def chunks(*entries: ShardEntry) -> list[list[ShardEntry]]:
    return [batch for _, _, batch in batches_by_shard([(entry, entry) for entry in entries])]


def many(number: int, **changes: object) -> list[Gift]:
    return [replace(a_gift(event_id=f"event-{place}"), **changes) for place in range(number)]


def test_batches_by_shard_of_nothing_is_empty() -> None:
    assert chunks() == []


def test_batches_by_shard_groups_by_shard_in_order() -> None:
    here, there, elsewhere = many(2), many(2, shard=1), many(1, creator_id="dora")
    mixed = [here[0], there[0], elsewhere[0], here[1], there[1]]
    assert chunks(*mixed) == [here, there, elsewhere]


def test_batches_by_shard_without_a_creator_are_none() -> None:
    assert chunks(an_adjustment(), *many(1)) == [many(1)]


@pytest.mark.parametrize(("number", "sizes"), [(98, [98]), (99, [99]), (100, [99, 1]), (250, [99, 99, 52])])
def test_batches_by_shard_holds_at_most_99_gifts(number: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in chunks(*many(number))] == sizes


@pytest.mark.parametrize(("number", "sizes"), [(98, [98]), (99, [98, 1])])
def test_batches_by_shard_counts_a_streak_as_one_action(number: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in chunks(*many(number, streak_id="s"))] == sizes


def test_batches_by_shard_counts_each_streak_as_an_action() -> None:
    gifts = [replace(gift, streak_id=f"s{place}") for place, gift in enumerate(many(60))]
    found = chunks(*gifts)
    assert [len(chunk) for chunk in found] == [49, 11]
    assert [gift for chunk in found for gift in chunk] == gifts
    assert all(len(chunk) * 2 <= MAX_ACTIONS_PER_TRANSACTION for chunk in found)


def test_streak_of_identifies_a_streak_with_its_fan() -> None:
    gift = a_gift(streak_id="s")
    assert streak_of(gift) == (gift.user_id, "s")
    assert streak_of(a_gift()) is None
    assert streak_of(a_reversal(gift)) is None


def test_batches_by_shard_counts_a_streak_in_each_of_its_batches() -> None:
    gifts = [replace(gift, streak_id=f"s{place % 98}") for place, gift in enumerate(many(200))]
    for chunk in chunks(*gifts):
        assert len(chunk) + len({streak_of(gift) for gift in chunk}) <= MAX_ACTIONS_PER_TRANSACTION
