"""Shard totals and streak counts of the fake ledger."""

from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd
from chalicelib.domain.wallets import Streak


@dataclass
class ShardState:
    coins: int = 0
    sequences: dict[str, int] = field(default_factory=dict)
    streaks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    """Coins of the shard after each entry, by event id."""
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Gifts and coins of its streak up to and including each gift, by event id."""
    runs: dict[str, str | None] = field(default_factory=dict)
    """The run of the relay that received each gift."""
    published: dict[str, datetime] = field(default_factory=dict)


def is_as_seen(streak: Streak | None, ended: StreakEnd | None) -> bool:
    if ended is None or streak is None:
        return ended is None and streak is None
    seen = ended.streak
    return (streak.streak_id, streak.count, streak.last_at) == (seen.streak_id, seen.count, seen.last_at)


def grown(streak: Streak | None, gift: Gift) -> Streak:
    return Streak(
        streak_id=str(gift.streak_id),
        creator_id=gift.creator_id,
        item_id=str(gift.item_id),
        is_anonymous=gift.anonymous,
        shard=gift.shard,
        count=1 + (streak.count if streak else 0),
        coins=gift.price_coins + (streak.coins if streak else 0),
        last_at=gift.posted_at,
    )


def position(shard: ShardState, gift: ShardEntry) -> ShardPosition:
    count, coins = shard.counted.get(gift.event_id, (0, 0))
    return ShardPosition(
        sequence=shard.sequences[gift.event_id],
        streak_count=count,
        streak_coins=coins,
        received_by=shard.runs[gift.event_id],
        is_published=gift.event_id in shard.published,
    )


class FakePublished:
    """The notes of the Ledger port that entries were published."""

    entries: dict[str, dict[str, Entry]]
    shards: dict[tuple[str, int], ShardState]
    published_runs: dict[str, datetime]
    published_entries: dict[str, datetime]

    def mark_run_published(self, run_id: str, at: datetime) -> None:
        self.published_runs[run_id] = at

    def mark_gift_published(self, creator_id: str, shard: int, event_id: str, at: datetime) -> None:
        received = self.shards.get((creator_id, shard))
        if received and event_id in received.sequences:
            received.published.setdefault(event_id, at)

    def mark_published(self, user_id: str, entry_id: str, at: datetime) -> None:
        if entry_id in self.entries.get(user_id, {}):
            self.published_entries.setdefault(entry_id, at)

    def may_publish_again(self, user_id: str, entry_id: str) -> bool:
        return entry_id in self.entries.get(user_id, {}) and entry_id not in self.published_entries
