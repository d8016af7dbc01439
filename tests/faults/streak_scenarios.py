"""Scenarios for streaks, cheers and super chats. Their own check: each streak is counted, and published once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.usecases.streaks import MAX_DELIVERIES
from tests.faults.scenario import Scenario, Step
from tests.faults.scenarios import bought, given
from tests.faults.simulated_system import SimulatedSystem

Row = tuple[str, str]
"""A fan and one of the fan's streaks."""


def begun(system: SimulatedSystem, item_id: str = "rose", **wish: Any) -> str:
    """Start a streak of one. Returns its key."""
    key = system.key()
    system.send(key, item_id, streak_id=key, **wish)
    return key


def _open(system: SimulatedSystem) -> None:
    """Start and publish a streak, and create a key for the next tap."""
    bought(system)
    system.about = begun(system)
    system.stream()
    system.current_key = system.key()


def _tap(system: SimulatedSystem) -> None:
    system.send(system.current_key, "rose", streak_id=system.about)


def _begin(system: SimulatedSystem) -> None:
    system.send(system.current_key, "cake", streak_id=system.current_key)


def _tapped(system: SimulatedSystem) -> None:
    _open(system)
    _tap(system)
    system.stream()


def _begun_before(system: SimulatedSystem) -> None:
    _ready(system)
    _begin(system)


def _tapped_and_over(system: SimulatedSystem) -> None:
    """End the streak before the fan reads the response to the last tap."""
    _tapped(system)
    system.advance(1)
    system.end_streaks()


def _over(system: SimulatedSystem) -> None:
    """End the streak and publish its notification."""
    _open(system)
    system.advance(1)
    system.end_streaks()
    system.stream()


def _ready(system: SimulatedSystem) -> None:
    bought(system)
    system.stream()
    system.current_key = system.key()


def _pause_after(arrange: Step) -> Step:
    def happened(system: SimulatedSystem) -> None:
        arrange(system)
        system.advance(1)

    return happened


def _tap_late(system: SimulatedSystem) -> None:
    """Make the check due right after a tap."""
    _open(system)
    system.advance(1)
    _tap(system)
    system.stream()


def _ring_twice(system: SimulatedSystem) -> None:
    """Deliver twice the gift that scheduled the check."""
    _tapped(system)
    system.streak_timer.wake("fan-1", system.about, system.streak_timer.pending[0].due - system.clock.now())
    system.advance(1)


def _beside_an_unreadable_message(system: SimulatedSystem) -> None:
    _tapped(system)
    system.streak_timer.add(None, timedelta(0))
    system.advance(1)


def _tap_after_hours(system: SimulatedSystem) -> None:
    """Make a check of an active streak due whose message was delivered for hours."""
    _tap_late(system)
    for message in system.streak_timer.pending:
        message.received = MAX_DELIVERIES


def _three(system: SimulatedSystem) -> None:
    bought(system)
    streak_id = begun(system)
    given(system)
    for quantity in (1, 2):
        given(system, "rose", streak_id=streak_id, quantity=quantity)


def _lost(system: SimulatedSystem) -> None:
    _three(system)
    system.lose_the_stream()
    system.advance(20)


STREAKS: Final = [
    Scenario("begin a streak", _ready, _begin),
    Scenario("begin a streak again", _begun_before, _begin),
    Scenario("tap", _open, _tap),
    Scenario("tap again", _tapped, _tap),
    Scenario("tap again after the end", _tapped_and_over, _tap),
    Scenario("begin a streak in the place of another", _open, _begin),
    Scenario("tap a streak that has ended", _over, _tap),
    Scenario("end a streak", _pause_after(_tapped), SimulatedSystem.end_streaks),
    Scenario("end a streak that goes on", _tap_late, SimulatedSystem.end_streaks),
    Scenario("end a streak twice", _ring_twice, SimulatedSystem.end_streaks),
    Scenario("end a streak beside poison", _beside_an_unreadable_message, SimulatedSystem.end_streaks),
    Scenario("replace the check of a streak that goes on", _tap_after_hours, SimulatedSystem.end_streaks),
    Scenario(
        "cheer", _ready, lambda system: system.send(system.current_key, None, kind="cheer", coins=30, message="hello")
    ),
    Scenario(
        "super chat",
        _ready,
        lambda system: system.send(system.current_key, None, kind="super_chat", coins=50, message="hello"),
    ),
    Scenario("reverse a gift of an active streak", _tapped, lambda system: system.reverse(system.key(), system.about)),
    Scenario("relay a streak", _three, SimulatedSystem.stream),
    Scenario("sweep a streak", _lost, SimulatedSystem.sweep, is_repair=True),
]


def miscounted_streaks(system: SimulatedSystem) -> Iterator[str]:
    """Find streaks that differ from their taps: in the wallet, in the creator's shard, in the published messages."""
    rows: dict[Row, list[Gift]] = defaultdict(list)
    ends: dict[Row, list[NotificationEntry]] = defaultdict(list)
    reversals = dict[str | None, Adjustment]()
    for entry in [entry for known in system.fake_ledger.entries.values() for entry in known.values()]:
        if isinstance(entry, Gift) and entry.streak_id:
            rows[entry.user_id, entry.streak_id].append(entry)
        if isinstance(entry, NotificationEntry) and entry.kind is NotificationKind.STREAK_END:
            ends[entry.user_id, str(entry.payload["streak_id"])].append(entry)
        if isinstance(entry, Adjustment) and entry.kind is Kind.GIFT_REVERSAL:
            reversals[entry.about] = entry
    yield from (f"the end of {row} is published, and it never began" for row in ends.keys() - rows.keys())
    yield from (
        f"the streak {streak.streak_id} of {fan} never ended" for fan, streak in system.fake_ledger.streaks.items()
    )
    for row, taps in rows.items():
        reported = [(notification.payload["count"], notification.payload["coins"]) for notification in ends[row]]
        due = set().union(*(_totals(taps, reversals, end.posted_at) for end in ends[row]))
        if len(reported) != 1 or reported[0] not in due:
            yield f"{row} came to {due}, and is published as {reported}"
        yield from _uncounted(system, row, taps)


def _totals(
    taps: Iterable[Gift], reversals: Mapping[str | None, Adjustment], ended_at: datetime
) -> set[tuple[int, int]]:
    """Return the possible totals: a gift that was reversed before the end may have left the streak in time, or not."""
    totals = {(0, 0)}
    for tap in taps:
        added = {(count + 1, coins + tap.price_coins) for count, coins in totals}
        reversal = reversals.get(tap.gift_id)
        totals = added | totals if reversal and reversal.posted_at <= ended_at else added
    return totals


def _uncounted(system: SimulatedSystem, row: Row, taps: list[Gift]) -> Iterator[str]:
    """Check that the running counts go from one to the total, in the shard's order, and equal the published ones."""
    [(creator_id, number)] = {(tap.creator_id, tap.shard) for tap in taps}
    shard = system.fake_ledger.shards[creator_id, number]
    published = {message.id: message.envelope["data"] for message in system.publisher.published}
    coins = 0
    for count, tap in enumerate(sorted(taps, key=lambda tap: shard.sequences[tap.event_id]), start=1):
        coins += tap.price_coins
        due = {"streak_id": row[1], "count": count, "coins": coins}
        data = published[tap.event_id]
        if not isinstance(data, dict) or data["streak"] != due:
            yield f"tap {tap.gift_id} is the streak's {due}, and is published as {data}"
