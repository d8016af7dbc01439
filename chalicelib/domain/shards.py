"""Creators' shards, and batches of entries that fit into one transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from chalicelib.domain.entries import ShardEntry
from chalicelib.domain.gifts import Gift

MAX_ACTIONS_PER_TRANSACTION: Final = 99
"""A transaction takes a hundred actions, and the shard itself is one of them."""

MAX_SHARDS: Final = 64
"""The most shards that gifts to one creator are spread over; the setting may change at any time."""

Thing = TypeVar("Thing")


class ShardPosition(Struct, frozen=True, kw_only=True):
    """An entry's position in a creator's shard.

    For a gift of a streak also the streak's gifts and coins up to and including this one. `received_by` is the run of
    the relay that received the entry, `is_published` is True if a later run noted that it was published.
    """

    sequence: int
    streak_count: int = 0
    streak_coins: int = 0
    received_by: str | None = None
    is_published: bool = False


def streak_of(entry: ShardEntry) -> tuple[str, str] | None:
    """Return the entry's streak as (user id, streak id), or None."""
    return (entry.user_id, entry.streak_id) if isinstance(entry, Gift) and entry.streak_id else None


def batches_by_shard(things: Sequence[tuple[Thing, ShardEntry]]) -> Iterator[tuple[str, int, list[Thing]]]:
    """Group the things by shard, in order, into batches that fit into one transaction.

    Each entry is one action, and each streak is another. Entries without a creator are left out.

    Yields:
        The creator id, the shard, and the things of one batch.
    """
    shards: dict[tuple[str, int], list[tuple[Thing, ShardEntry]]] = defaultdict(list)
    for thing, entry in things:
        if entry.creator_id is not None:
            shards[entry.creator_id, entry.shard].append((thing, entry))
    for (creator_id, shard), received in shards.items():
        chunk: list[Thing] = []
        streaks: set[tuple[str, str]] = set()
        for thing, entry in received:
            own = {streak for streak in [streak_of(entry)] if streak}
            if len(chunk) + 1 + len(streaks | own) > MAX_ACTIONS_PER_TRANSACTION:
                yield creator_id, shard, chunk
                chunk, streaks = [], set()
            chunk.append(thing)
            streaks |= own
        yield creator_id, shard, chunk
