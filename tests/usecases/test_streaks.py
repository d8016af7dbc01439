"""Gifts of a streak: sent, relayed, and published as a total at its end."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.streaks import Active, Ended, end_of, is_of
from chalicelib.domain.wallets import Streak
from chalicelib.errors import InsufficientCoins, StreakEnded, TryAgain, WalletFrozen
from chalicelib.ports.results import Posted, Stale
from chalicelib.usecases.gifts import SentGift, send_gift
from chalicelib.usecases.streaks import end_streak
from tests.domain.builders import CREATOR, FAN, a_catalogue, a_gift, a_gift_order
from tests.fake_topic import FakeStreakTimer
from tests.fakes import PAUSE, START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.relay_harness import RelayHarness, events, gift

FIRST = uuid7_at(START, 100)
LANES = 8
ENDED, ENDED_BEFORE = Ended(is_repeat=False), Ended(is_repeat=True)


class StreakHarness:
    """A fan with coins and a streak."""

    def __init__(self, coins: int = 100) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger()
        self.ledger.coins[FAN] = coins
        self.tap_count = 0

    def tap(self, streak_id: str = FIRST, gift_id: str = "", **changes: Any) -> SentGift:
        self.tap_count += 1
        key = gift_id or uuid7_at(START, 100 + self.tap_count)
        order = a_gift_order(gift_id=key, streak_id=streak_id, **changes)
        return send_gift(order, catalogue=a_catalogue(), ledger=self.ledger, clock=self.clock, creator_shards=LANES)

    def start(self, gift_id: str = FIRST, **changes: Any) -> SentGift:
        return self.tap(gift_id, gift_id, **changes)

    def end(self, streak_id: str = FIRST) -> Ended | Active:
        return end_streak(FAN, streak_id, PAUSE, ledger=self.ledger, clock=self.clock)

    @property
    def streak(self) -> Streak | None:
        return self.ledger.read_wallet(FAN).streak

    def notifications(self) -> list[NotificationEntry]:
        return [entry for entry in self.ledger.entries[FAN].values() if isinstance(entry, NotificationEntry)]


def test_send_gift_of_a_streak_is_one_debit_each() -> None:
    harness = StreakHarness()
    harness.start()
    for _ in range(4):
        assert not harness.tap(quantity=2).is_repeat
    assert harness.ledger.coins[FAN] == 91
    assert harness.streak is not None
    assert (harness.streak.count, harness.streak.coins) == (5, 9)


def test_send_gift_of_a_streak_repeat_is_one_debit() -> None:
    harness = StreakHarness()
    first = harness.start()
    assert harness.start() == SentGift(gift=first.gift, is_repeat=True)
    again = harness.tap(gift_id=uuid7_at(START, 500))
    assert harness.tap(gift_id=uuid7_at(START, 500)) == SentGift(gift=again.gift, is_repeat=True)
    assert harness.ledger.coins[FAN] == 98


def test_send_gift_of_an_ended_streak_repeat_is_never_refused() -> None:
    harness = StreakHarness()
    harness.start()
    tap = harness.tap(gift_id=uuid7_at(START, 500))
    harness.clock.advance(PAUSE)
    assert harness.end() == ENDED
    assert harness.tap(gift_id=uuid7_at(START, 500)) == SentGift(gift=tap.gift, is_repeat=True)


@pytest.mark.parametrize(
    "changes", [{"creator_id": "dora"}, {"item_id": "cake"}, {"anonymous": True}, {"streak_id": uuid7_at(START, 99)}]
)
def test_send_gift_differing_from_its_streak_is_refused(changes: dict[str, Any]) -> None:
    harness = StreakHarness()
    harness.start()
    with pytest.raises(StreakEnded):
        harness.tap(**changes)
    assert harness.ledger.coins[FAN] == 99


def test_send_gift_of_an_unknown_streak_is_refused() -> None:
    with pytest.raises(StreakEnded):
        StreakHarness().tap()


def test_send_gift_of_a_streak_without_a_wallet_is_refused_for_coins() -> None:
    harness = StreakHarness()
    harness.ledger.coins.clear()
    with pytest.raises(InsufficientCoins):
        harness.start()


def test_send_gift_starting_a_streak_ends_the_active_one_in_one_write() -> None:
    harness = StreakHarness()
    harness.start()
    harness.tap()
    other = uuid7_at(START, 700)
    harness.start(other, item_id="cake")

    assert harness.streak is not None
    assert (harness.streak.streak_id, harness.streak.count) == (other, 1)
    [notification] = harness.notifications()
    assert (notification.payload["streak_id"], notification.payload["count"], notification.payload["coins"]) == (
        FIRST,
        2,
        2,
    )
    assert harness.end() == ENDED_BEFORE
    assert harness.ledger.coins[FAN] == 63


@pytest.mark.parametrize(("coins", "frozen", "error"), [(35, False, InsufficientCoins), (100, True, WalletFrozen)])
def test_send_gift_refused_start_of_a_streak_ends_no_other(coins: int, frozen: bool, error: type[Exception]) -> None:
    harness = StreakHarness(coins)
    harness.start()
    if frozen:
        harness.ledger.frozen.add(FAN)
    with pytest.raises(error):
        harness.start(uuid7_at(START, 700), item_id="cake")
    assert harness.streak is not None
    assert harness.streak.streak_id == FIRST
    assert harness.notifications() == []


class GrowingLedger(FakeLedger):
    """A ledger in which the streak grows before each attempt to end it, a limited number of times."""

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


def test_end_streak_that_keeps_growing_raises_try_again() -> None:
    harness = StreakHarness()
    harness.ledger = GrowingLedger()
    harness.ledger.coins[FAN] = 100
    harness.start()
    with pytest.raises(TryAgain):
        harness.start(uuid7_at(START, 700))
    harness.clock.advance(PAUSE)
    with pytest.raises(TryAgain):
        harness.end()
    assert harness.notifications() == []


@pytest.mark.parametrize("is_started", [True, False])
def test_end_streak_that_grows_publishes_its_whole_total(is_started: bool) -> None:
    harness = StreakHarness()
    harness.ledger = GrowingLedger()
    harness.ledger.left = 1
    harness.ledger.coins[FAN] = 100
    harness.start()
    harness.clock.advance(PAUSE)
    if is_started:
        harness.start(uuid7_at(START, 700))
    else:
        assert harness.end() == ENDED
    assert [notification.payload["count"] for notification in harness.notifications()] == [2]


# --- end --------------------------------------------------------------------------------------------------------------


def test_end_streak_after_a_pause_publishes_once() -> None:
    harness = StreakHarness()
    harness.start()
    harness.clock.advance(PAUSE - timedelta(milliseconds=1))
    harness.tap()
    harness.clock.advance(PAUSE - timedelta(milliseconds=1))
    assert harness.end() == Active(left=timedelta(milliseconds=1))

    harness.clock.advance(timedelta(milliseconds=1))
    assert [harness.end(), harness.end()] == [ENDED, ENDED_BEFORE]
    [notification] = harness.notifications()
    assert dict(notification.payload) == {
        "streak_id": FIRST,
        "sender_id": FAN,
        "item_id": "rose",
        "count": 2,
        "coins": 2,
    }
    assert (notification.creator_id, notification.posted_at) == (CREATOR, harness.clock.now())
    assert notification.shard == next(iter(harness.ledger.entries[FAN].values())).shard  # type: ignore[union-attr]


def test_end_streak_of_an_anonymous_streak_names_no_fan() -> None:
    harness = StreakHarness()
    harness.start(anonymous=True)
    harness.clock.advance(PAUSE)
    harness.end()
    assert [notification.payload["sender_id"] for notification in harness.notifications()] == [None]


def test_end_streak_of_an_unknown_streak_has_ended_before() -> None:
    assert StreakHarness().end() == ENDED_BEFORE


def test_is_of_compares_every_property_of_a_streak() -> None:
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


# --- relay ------------------------------------------------------------------------------------------------------------


def tap(number: int, **changes: Any) -> Gift:
    return replace(gift(number, **changes), streak_id="gift-1")


def test_relay_of_a_streak_counts_it_and_sets_one_timer() -> None:
    relay = RelayHarness()
    assert relay.relay(tap(1), tap(2), tap(3, price_coins=5)) == []
    sent = [message.envelope["data"] for message in relay.publisher.published]
    assert [data["streak"] for data in sent if isinstance(data, dict)] == [
        {"streak_id": "gift-1", "count": 1, "coins": 1},
        {"streak_id": "gift-1", "count": 2, "coins": 2},
        {"streak_id": "gift-1", "count": 3, "coins": 7},
    ]
    assert relay.timer.waiting == [("fan-1", "gift-1", PAUSE)]


class FailingTimer(FakeStreakTimer):
    """A timer that never responds."""

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        del user_id, streak_id, after, failures
        raise TryAgain


def test_relay_with_a_failing_timer_retries_and_counts_once() -> None:
    relay = RelayHarness()
    timer, relay.timer = relay.timer, FailingTimer()
    assert [relay.relay(tap(1), tap(2)) for _ in range(3)] == [["r0"]] * 3
    relay.timer = timer
    assert relay.relay(tap(1)) == []
    assert relay.published() == events(2, 1)
    assert relay.ledger.shards[CREATOR, 0].streaks == {("fan-1", "gift-1"): (2, 2)}
    assert len(timer.waiting) == 1


def test_relay_of_a_streak_end_has_the_next_sequence_of_its_shard() -> None:
    relay, harness = RelayHarness(), StreakHarness()
    harness.start()
    assert harness.streak is not None
    ended = end_of(harness.streak, FAN, "entry-9", posting=next_posting(harness))
    assert relay.relay(tap(1, shard=harness.streak.shard), ended.notification) == []
    assert [message.attributes["kind"] for message in relay.publisher.published] == ["gift", "streak_end"]
    assert relay.sequences(shard=harness.streak.shard) == {"event-1": 1, "event-9": 2}
    assert relay.ledger.published_entries == {}


def next_posting(harness: StreakHarness) -> Any:
    from chalicelib.domain.posting import Posting

    return Posting(posted_at=harness.clock.now(), event_id="event-9")
