"""Gifts in a row: sent, relayed, and told as one in the end."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.streak_timer import parse
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.streaks import end_of, is_of
from chalicelib.domain.wallets import Streak
from chalicelib.errors import InsufficientCoins, StreakEnded, TryAgain, WalletFrozen
from chalicelib.ports.results import Posted, Stale
from chalicelib.usecases.gifts import SentGift, end_streak, send_gift
from tests.domain.builders import CREATOR, FAN, a_catalogue, a_gift, a_gift_order
from tests.fake_topic import FakeStreakTimer
from tests.fakes import PAUSE, START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.relay_harness import RelayHarness, gift

FIRST = uuid7_at(START, 100)
LANES = 8


class StreakHarness:
    """A fan with coins, who taps."""

    def __init__(self, coins: int = 100) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger()
        self.timer = FakeStreakTimer()
        self.ledger.coins[FAN] = coins
        self.tapped = 0

    def tap(self, streak_id: str = FIRST, gift_id: str = "", **wish: Any) -> SentGift:
        self.tapped += 1
        key = gift_id or uuid7_at(START, 100 + self.tapped)
        order = a_gift_order(gift_id=key, streak_id=streak_id, **wish)
        return send_gift(order, catalogue=a_catalogue(), ledger=self.ledger, clock=self.clock, creator_shards=LANES)

    def begin(self, gift_id: str = FIRST, **wish: Any) -> SentGift:
        return self.tap(gift_id, gift_id, **wish)

    def look(self, streak_id: str = FIRST) -> str:
        return end_streak(FAN, streak_id, PAUSE, ledger=self.ledger, timer=self.timer, clock=self.clock)

    @property
    def streak(self) -> Streak | None:
        return self.ledger.read_wallet(FAN).streak

    def notifications(self) -> list[NotificationEntry]:
        return [entry for entry in self.ledger.entries[FAN].values() if isinstance(entry, NotificationEntry)]


def test_taps_are_debits_of_their_own() -> None:
    row = StreakHarness()
    row.begin()
    for _ in range(4):
        assert not row.tap(quantity=2).is_repeat
    assert row.ledger.coins[FAN] == 91
    assert row.streak is not None
    assert (row.streak.count, row.streak.coins) == (5, 9)


def test_a_tap_that_is_sent_again_is_the_same_tap() -> None:
    row = StreakHarness()
    first = row.begin()
    assert row.begin() == SentGift(gift=first.gift, is_repeat=True)
    again = row.tap(gift_id=uuid7_at(START, 500))
    assert row.tap(gift_id=uuid7_at(START, 500)) == SentGift(gift=again.gift, is_repeat=True)
    assert row.ledger.coins[FAN] == 98


def test_a_tap_that_went_through_never_hears_that_its_streak_has_ended() -> None:
    row = StreakHarness()
    row.begin()
    tap = row.tap(gift_id=uuid7_at(START, 500))
    row.clock.advance(PAUSE)
    assert row.look() == "ended"
    assert row.tap(gift_id=uuid7_at(START, 500)) == SentGift(gift=tap.gift, is_repeat=True)


@pytest.mark.parametrize(
    "wish", [{"creator_id": "dora"}, {"item_id": "cake"}, {"anonymous": True}, {"streak_id": uuid7_at(START, 99)}]
)
def test_what_is_not_of_the_streak_must_begin_its_own(wish: dict[str, Any]) -> None:
    row = StreakHarness()
    row.begin()
    with pytest.raises(StreakEnded):
        row.tap(**wish)
    assert row.ledger.coins[FAN] == 99


def test_a_streak_that_never_began_does_not_go_on() -> None:
    with pytest.raises(StreakEnded):
        StreakHarness().tap()


def test_a_fan_without_a_wallet_hears_of_the_coins_first() -> None:
    row = StreakHarness()
    row.ledger.coins.clear()
    with pytest.raises(InsufficientCoins):
        row.begin()


def test_the_next_streak_ends_the_one_before_in_the_same_write() -> None:
    row = StreakHarness()
    row.begin()
    row.tap()
    other = uuid7_at(START, 700)
    row.begin(other, item_id="cake")

    assert row.streak is not None
    assert (row.streak.streak_id, row.streak.count) == (other, 1)
    [notification] = row.notifications()
    assert (notification.payload["streak_id"], notification.payload["count"], notification.payload["coins"]) == (
        FIRST,
        2,
        2,
    )
    assert row.look() == "ended_before"
    assert row.ledger.coins[FAN] == 63


@pytest.mark.parametrize(("coins", "frozen", "error"), [(35, False, InsufficientCoins), (100, True, WalletFrozen)])
def test_a_streak_that_cannot_begin_ends_no_other(coins: int, frozen: bool, error: type[Exception]) -> None:
    row = StreakHarness(coins)
    row.begin()
    if frozen:
        row.ledger.frozen.add(FAN)
    with pytest.raises(error):
        row.begin(uuid7_at(START, 700), item_id="cake")
    assert row.streak is not None
    assert row.streak.streak_id == FIRST
    assert row.notifications() == []


class GrowingLedger(FakeLedger):
    """Somebody taps whenever a streak is about to end, so many times."""

    left = 100

    def post_gift(self, gift: Gift, change: Any = None, ended: Any = None) -> Any:
        self._grow(ended)
        return super().post_gift(gift, change, ended)

    def end_streak(self, user_id: str, ended: Any) -> Posted | Stale:
        self._grow(ended)
        return super().end_streak(user_id, ended)

    def _grow(self, ended: Any) -> None:
        if ended and self.left:
            self.left -= 1
            streak = self.streaks[FAN]
            self.streaks[FAN] = replace(streak, count=streak.count + 1)


def test_a_streak_that_keeps_growing_is_no_reason_to_say_no() -> None:
    row = StreakHarness()
    row.ledger = GrowingLedger()
    row.ledger.coins[FAN] = 100
    row.begin()
    with pytest.raises(TryAgain):
        row.begin(uuid7_at(START, 700))
    row.clock.advance(PAUSE)
    with pytest.raises(TryAgain):
        row.look()
    assert row.notifications() == []


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_streak_that_grows_as_it_ends_is_told_with_all_of_it(is_begun: bool) -> None:
    row = StreakHarness()
    row.ledger = GrowingLedger()
    row.ledger.left = 1
    row.ledger.coins[FAN] = 100
    row.begin()
    row.clock.advance(PAUSE)
    if is_begun:
        row.begin(uuid7_at(START, 700))
    else:
        assert row.look() == "ended"
    assert [notification.payload["count"] for notification in row.notifications()] == [2]


# --- its end ----------------------------------------------------------------------------------------------------------


def test_a_streak_ends_after_a_pause_and_is_told_once() -> None:
    row = StreakHarness()
    row.begin()
    row.clock.advance(PAUSE - timedelta(milliseconds=1))
    row.tap()
    row.clock.advance(PAUSE - timedelta(milliseconds=1))
    assert row.look() == "goes_on"
    assert row.timer.waiting == [(FAN, FIRST, timedelta(milliseconds=1))]

    row.clock.advance(timedelta(milliseconds=1))
    assert [row.look(), row.look()] == ["ended", "ended_before"]
    [notification] = row.notifications()
    assert dict(notification.payload) == {
        "streak_id": FIRST,
        "sender_id": FAN,
        "item_id": "rose",
        "count": 2,
        "coins": 2,
    }
    assert (notification.creator_id, notification.posted_at) == (CREATOR, row.clock.now())
    assert notification.shard == next(iter(row.ledger.entries[FAN].values())).shard  # type: ignore[union-attr]


def test_the_end_of_an_anonymous_streak_names_nobody() -> None:
    row = StreakHarness()
    row.begin(anonymous=True)
    row.clock.advance(PAUSE)
    row.look()
    assert [notification.payload["sender_id"] for notification in row.notifications()] == [None]


def test_a_streak_that_nobody_began_is_over() -> None:
    assert StreakHarness().look() == "ended_before"


def test_what_is_of_a_streak_is_told_apart_by_all_that_makes_it() -> None:
    tap = a_gift(gift_id="2", streak_id="1")
    streak = Streak(
        streak_id="1", creator_id=CREATOR, item_id="rose", is_anonymous=False, shard=0, count=1, coins=1, last_at=START
    )
    assert is_of(tap, streak)
    assert not is_of(tap, None)
    others: list[dict[str, Any]] = [
        {"streak_id": "0"}, {"creator_id": "dora"}, {"item_id": "cake"}, {"is_anonymous": True}, {"shard": 1}
    ]  # fmt: skip
    assert not any(is_of(tap, replace(streak, **other)) for other in others)


# --- its relay --------------------------------------------------------------------------------------------------------


def tap(number: int, **changes: Any) -> Gift:
    return replace(gift(number, **changes), streak_id="gift-1")


def test_a_relayed_streak_is_counted_and_its_timer_set_once_it_is_told() -> None:
    station = RelayHarness()
    assert station.relay(tap(1), tap(2), tap(3, price_coins=5)) == []
    told = [message.envelope["data"] for message in station.publisher.published]
    assert [data["streak"] for data in told if isinstance(data, dict)] == [
        {"streak_id": "gift-1", "count": 1, "coins": 1},
        {"streak_id": "gift-1", "count": 2, "coins": 2},
        {"streak_id": "gift-1", "count": 3, "coins": 7},
    ]
    assert station.timer.waiting == [("fan-1", "gift-1", PAUSE)]


class SilentTimer(FakeStreakTimer):
    """Does not answer."""

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        del user_id, streak_id, after
        raise TryAgain

    def parse(self, message: str) -> tuple[str, str]:
        return parse(message)


def test_a_timer_that_cannot_be_set_has_the_gift_come_again_and_counts_it_once() -> None:
    station = RelayHarness()
    timer, station.timer = station.timer, SilentTimer()
    assert station.relay(tap(1), tap(2)) == ["r0"]
    station.timer = timer
    assert station.relay(tap(1)) == []
    assert station.ledger.shards[CREATOR, 0].streaks == {("fan-1", "gift-1"): (2, 2)}
    assert len(timer.waiting) == 1


def test_the_end_is_relayed_like_any_entry_of_its_lane() -> None:
    station, row = RelayHarness(), StreakHarness()
    row.begin()
    assert row.streak is not None
    ended = end_of(row.streak, FAN, "entry-9", posting=next_posting(row))
    assert station.relay(tap(1, shard=row.streak.shard), ended.notification) == []
    assert [message.attributes["kind"] for message in station.publisher.published] == ["gift", "streak_end"]
    assert station.sequences(shard=row.streak.shard) == {"event-1": 1, "event-9": 2}
    assert station.ledger.published_entries == {}


def next_posting(row: StreakHarness) -> Any:
    from chalicelib.domain.posting import Posting

    return Posting(posted_at=row.clock.now(), event_id="event-9")
