"""What creators receive, shard by shard: as much at once as one transaction takes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from chalicelib.domain.entries import ShardEntry
from chalicelib.domain.gifts import Gift

MAX_ACTIONS_PER_RECEIPT: Final = 99
"""A transaction takes a hundred actions, and the shard itself is one of them."""

MAX_SHARDS: Final = 64
"""Over so many shards, at most, gifts to one creator are spread; the setting may change at any time."""

Thing = TypeVar("Thing")


class ShardPosition(Struct, frozen=True, kw_only=True):
    """How a creator's shard received an entry: `sequence` is its place there.

    For a gift of a streak also how many of it, and how many coins, had come by then, itself included.
    """

    sequence: int
    streak_count: int = 0
    streak_coins: int = 0


def streak_of(entry: ShardEntry) -> tuple[str, str] | None:
    """The streak that an entry counts in, by fan and id; None when in none."""
    return (entry.user_id, entry.streak_id) if isinstance(entry, Gift) and entry.streak_id else None


def batches_by_shard(things: Sequence[tuple[Thing, ShardEntry]]) -> Iterator[list[Thing]]:
    """The things whose entries one transaction receives: of one shard, in their order, each entry one action, each
    streak another."""
    shards: dict[tuple[str, int], list[tuple[Thing, ShardEntry]]] = defaultdict(list)
    for thing, entry in things:
        shards[entry.creator_id, entry.shard].append((thing, entry))
    for shard in shards.values():
        chunk: list[Thing] = []
        streaks: set[tuple[str, str]] = set()
        for thing, entry in shard:
            own = {streak for streak in [streak_of(entry)] if streak}
            if len(chunk) + 1 + len(streaks | own) > MAX_ACTIONS_PER_RECEIPT:
                yield chunk
                chunk, streaks = [], set()
            chunk.append(thing)
            streaks |= own
        yield chunk
