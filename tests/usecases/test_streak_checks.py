"""Checks of streaks by the messages of a queue: kept, replaced, repeated, or set aside."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.economy import MAX_STREAK_SECONDS
from chalicelib.domain.streaks import Delivery, ScheduledCheck
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import TryAgain
from chalicelib.ports.threads import Threads
from chalicelib.usecases.streaks import (
    FAILURE_DELAY,
    MAX_AGE,
    MAX_DELIVERIES,
    MAX_FAILURES,
    RETRY_DELAY,
    RUN_TIME,
    check_streaks,
)
from tests.domain.builders import FAN
from tests.fake_looks import Handled, Item, OneThread
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import PAUSE, FakeClock, FakeLedger
from tests.usecases.test_streaks import FIRST, StreakHarness

OTHER = "bob"


class UnreadableLedger(FakeLedger):
    """A ledger that cannot read a fan's wallet."""

    def __init__(self, error: Exception, fan: str = FAN) -> None:
        super().__init__()
        self.error, self.fan = error, fan

    def read_wallet(self, user_id: str) -> Wallet:
        if user_id == self.fan:
            raise self.error
        return super().read_wallet(user_id)


class CheckHarness(StreakHarness):
    """A fan with an active streak, and the worker that checks it."""

    def __init__(self) -> None:
        super().__init__()
        self.timer = FakeStreakTimer()
        self.threads: Threads = OneThread()
        self.start()

    def delivery(
        self, fan: str = FAN, *, received: int = 1, age: timedelta = PAUSE, failures: int = 0, readable: bool = True
    ) -> Delivery:
        check = ScheduledCheck(user_id=fan, streak_id=FIRST, failures=failures) if readable else None
        return Delivery(
            message_id=f"of {fan}",
            receipt=f"receipt {fan}",
            message="body",
            check=check,
            received=received,
            sent_at=self.clock.now() - age,
        )

    def check(self, *deliveries: Delivery) -> list[str]:
        services = FakeRelayServices(
            ledger=self.ledger,
            publisher=FakePublisher(),
            redrive_queue=FakeRedriveQueue(),
            streak_timer=self.timer,
            clock=self.clock,
            threads=self.threads,
        )
        return check_streaks(deliveries, services)

    def ended(self) -> list[Any]:
        return [end.payload["count"] for end in self.notifications()]


class CountingThreads(OneThread):
    """Threads that record the calls of each map."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        self.calls.append(len(items))
        return super().map(handle, items)


def test_checks_of_a_delivery_are_made_side_by_side() -> None:
    harness = CheckHarness()
    harness.threads = threads = CountingThreads()
    harness.check(harness.delivery(), harness.delivery("fan-2"), harness.delivery("fan-3"))
    assert threads.calls == [3]


def test_check_of_an_active_streak_keeps_its_message_hidden_for_the_time_left() -> None:
    harness = CheckHarness()
    harness.clock.advance(PAUSE / 2)
    assert harness.check(harness.delivery(received=MAX_DELIVERIES - 1, age=MAX_AGE - PAUSE)) == [f"of {FAN}"]
    assert harness.timer.postponed == {f"receipt {FAN}": PAUSE / 2}
    assert (harness.timer.waiting, harness.ended()) == ([], [])


def test_check_of_a_streak_whose_pause_is_over_ends_it_and_its_message() -> None:
    harness = CheckHarness()
    harness.clock.advance(PAUSE)
    assert [harness.check(harness.delivery()) for _ in range(2)] == [[], []]
    assert (harness.timer.postponed, harness.timer.waiting, harness.ended()) == ({}, [], [1])


@pytest.mark.parametrize(
    ("received", "age"), [(MAX_DELIVERIES, PAUSE), (1, MAX_AGE)], ids=["by its deliveries", "by its age"]
)
def test_check_by_a_worn_message_replaces_it(received: int, age: timedelta) -> None:
    harness = CheckHarness()
    assert harness.check(harness.delivery(received=received, age=age, failures=3)) == []
    assert harness.timer.waiting == [(FAN, FIRST, PAUSE)]
    assert harness.timer.failures == [3]
    assert harness.timer.postponed == {}


def test_check_replaces_a_message_before_sqs_stops_hiding_it() -> None:
    """SQS hides a message for 12 hours in all."""
    assert MAX_AGE + timedelta(seconds=MAX_STREAK_SECONDS) < timedelta(hours=12)


def test_check_while_the_ledger_is_away_is_no_failure_however_often() -> None:
    harness = CheckHarness()
    harness.ledger = UnreadableLedger(TryAgain())
    assert harness.check(harness.delivery(received=11)) == [f"of {FAN}"]
    assert harness.timer.postponed == {f"receipt {FAN}": RETRY_DELAY}
    assert harness.check(harness.delivery(received=MAX_DELIVERIES)) == []
    assert (harness.timer.waiting, harness.timer.failures) == ([(FAN, FIRST, RETRY_DELAY)], [0])


class SlowLedger(FakeLedger):
    """A ledger whose reads of a wallet take all the time of a run."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    def read_wallet(self, user_id: str) -> Wallet:
        self.clock.advance(RUN_TIME)
        return super().read_wallet(user_id)


def test_check_after_the_time_of_a_run_waits_for_the_next() -> None:
    harness = CheckHarness()
    harness.ledger = SlowLedger(harness.clock)
    worn = harness.delivery(OTHER, received=MAX_DELIVERIES)
    assert harness.check(harness.delivery(), worn) == [f"of {OTHER}"]
    assert (harness.timer.postponed, harness.timer.waiting) == ({f"receipt {OTHER}": RETRY_DELAY}, [])


def test_check_that_fails_is_counted_and_set_aside_and_delays_no_other() -> None:
    harness = CheckHarness()
    harness.ledger = UnreadableLedger(ZeroDivisionError(), OTHER)
    harness.ledger.coins[FAN] = 1
    harness.start()
    failures = 0
    for count in range(1, MAX_FAILURES):
        # The streak's own count decides, not the number of deliveries.
        assert harness.check(harness.delivery(OTHER, failures=failures, received=500)) == []
        assert harness.timer.waiting.pop() == (OTHER, FIRST, FAILURE_DELAY)
        failures = harness.timer.failures.pop()
        assert failures == count
    harness.clock.advance(PAUSE)
    assert harness.check(harness.delivery(OTHER, failures=failures), harness.delivery()) == []
    assert (harness.timer.waiting, harness.timer.dead, harness.ended()) == ([], ["body"], [1])


def test_check_that_is_unreadable_is_set_aside_at_once() -> None:
    harness = CheckHarness()
    harness.clock.advance(PAUSE)
    assert harness.check(harness.delivery(readable=False), harness.delivery()) == []
    assert (harness.timer.dead, harness.ended()) == (["body"], [1])


class SilentTimer(FakeStreakTimer):
    """A queue that does not respond."""

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        del user_id, streak_id, after, failures
        raise TryAgain

    def set_aside(self, delivery: Delivery) -> None:
        del delivery
        raise TryAgain

    def postpone(self, times_left: Mapping[str, timedelta]) -> None:
        del times_left
        raise TryAgain


def test_check_without_the_queue_keeps_the_messages() -> None:
    harness = CheckHarness()
    harness.timer = SilentTimer()
    worn, unreadable = harness.delivery(received=MAX_DELIVERIES), harness.delivery(OTHER, readable=False)
    assert harness.check(worn, unreadable, harness.delivery()) == [f"of {FAN}", f"of {OTHER}", f"of {FAN}"]
    assert harness.ended() == []
