"""Plays about streaks, cheers and super chats. Their own check: each streak is counted, and published once."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from tests.faults.play import Play, Step
from tests.faults.plays import bought, given
from tests.faults.town import Town

Row = tuple[str, str]
"""A fan and one of the fan's streaks."""


def begun(town: Town, item_id: str = "rose", **wish: Any) -> str:
    """Start a streak of one. Returns its key."""
    key = town.key()
    town.send(key, item_id, streak_id=key, **wish)
    return key


def _open(town: Town) -> None:
    """Start and publish a streak, and create a key for the next tap."""
    bought(town)
    town.about = begun(town)
    town.stream()
    town.plot = town.key()


def _tap(town: Town) -> None:
    town.send(town.plot, "rose", streak_id=town.about)


def _begin(town: Town) -> None:
    town.send(town.plot, "cake", streak_id=town.plot)


def _tapped(town: Town) -> None:
    _open(town)
    _tap(town)
    town.stream()


def _begun_before(town: Town) -> None:
    _ready(town)
    _begin(town)


def _tapped_and_over(town: Town) -> None:
    """End the streak before the fan reads the response to the last tap."""
    _tapped(town)
    town.advance(1)
    town.end_streaks()


def _over(town: Town) -> None:
    """End the streak and publish its notification."""
    _open(town)
    town.advance(1)
    town.end_streaks()
    town.stream()


def _ready(town: Town) -> None:
    bought(town)
    town.stream()
    town.plot = town.key()


def _pause_after(arrange: Step) -> Step:
    def happened(town: Town) -> None:
        arrange(town)
        town.advance(1)

    return happened


def _tap_late(town: Town) -> None:
    """Make the alarm due right after a tap."""
    _open(town)
    town.advance(1)
    _tap(town)
    town.stream()


def _ring_twice(town: Town) -> None:
    """Deliver the gift that set the alarm twice."""
    _tapped(town)
    town.alarms.wake("fan-1", town.about, town.alarms.waiting[0].due - town.clock.now())
    town.advance(1)


def _three(town: Town) -> None:
    bought(town)
    streak_id = begun(town)
    given(town)
    for quantity in (1, 2):
        given(town, "rose", streak_id=streak_id, quantity=quantity)


def _lost(town: Town) -> None:
    _three(town)
    town.lose_the_stream()
    town.advance(20)


STREAKS: Final = [
    Play("begin a streak", _ready, _begin),
    Play("begin a streak again", _begun_before, _begin),
    Play("tap", _open, _tap),
    Play("tap again", _tapped, _tap),
    Play("tap again after the end", _tapped_and_over, _tap),
    Play("begin a streak in the place of another", _open, _begin),
    Play("tap a streak that has ended", _over, _tap),
    Play("end a streak", _pause_after(_tapped), Town.end_streaks),
    Play("end a streak that goes on", _tap_late, Town.end_streaks),
    Play("end a streak twice", _ring_twice, Town.end_streaks),
    Play("cheer", _ready, lambda town: town.send(town.plot, "", kind="cheer", coins=30, message="hello")),
    Play("super chat", _ready, lambda town: town.send(town.plot, "", kind="super_chat", coins=50, message="hello")),
    Play("relay a streak", _three, Town.stream),
    Play("sweep a streak", _lost, Town.sweep, is_mending=True),
]


def miscounted_rows(town: Town) -> Iterator[str]:
    """Find streaks that differ from their taps: in the wallet, in the creator's shard, in the published messages."""
    rows: dict[Row, list[Gift]] = defaultdict(list)
    ends: dict[Row, list[NotificationEntry]] = defaultdict(list)
    for entry in [entry for known in town.books.entries.values() for entry in known.values()]:
        if isinstance(entry, Gift) and entry.streak_id:
            rows[entry.user_id, entry.streak_id].append(entry)
        if isinstance(entry, NotificationEntry) and entry.kind is NotificationKind.STREAK_END:
            ends[entry.user_id, str(entry.payload["streak_id"])].append(entry)
    yield from (f"the end of {row} is told, and nobody began it" for row in ends.keys() - rows.keys())
    yield from (f"the streak {streak.streak_id} of {fan} never ended" for fan, streak in town.books.streaks.items())
    for row, taps in rows.items():
        due = (len(taps), sum(tap.price_coins for tap in taps))
        told = [(notification.payload["count"], notification.payload["coins"]) for notification in ends[row]]
        if told != [due]:
            yield f"{row} came to {due}, and is told as {told}"
        yield from _uncounted(town, row, taps)


def _uncounted(town: Town, row: Row, taps: list[Gift]) -> Iterator[str]:
    """Check that the running counts go from one to the total, in the shard's order, and equal the published ones."""
    [(creator_id, number)] = {(tap.creator_id, tap.shard) for tap in taps}
    shard = town.books.shards[creator_id, number]
    published = {announcement.id: announcement.envelope["data"] for announcement in town.publisher.published}
    coins = 0
    for count, tap in enumerate(sorted(taps, key=lambda tap: shard.sequences[tap.event_id]), start=1):
        coins += tap.price_coins
        due = {"streak_id": row[1], "count": count, "coins": coins}
        data = published[tap.event_id]
        if not isinstance(data, dict) or data["streak"] != due:
            yield f"tap {tap.gift_id} is the streak's {due}, and is told as {data}"
