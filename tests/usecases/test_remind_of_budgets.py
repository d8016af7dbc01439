from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, Limits, first_budget
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import TryAgain
from chalicelib.ports.results import Posted, Repeated
from chalicelib.usecases.relay import relay_records
from chalicelib.usecases.reminders import RUN_TIME, remind_of_budgets
from tests.domain.builders import FAN, a_gift
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.faults.records import record_of
from tests.usecases.relay_harness import FailingLedger
from tests.usecases.sweep_harness import SweepHarness

NEW = first_budget(Limits(zone="UTC", coins=ByPeriod(100, UNLIMITED, UNLIMITED)), START)
HOUR = timedelta(hours=1)


def with_left(coins: int) -> Budget:
    return replace(NEW, coins_left=ByPeriod(coins, UNLIMITED, UNLIMITED))


def a_record(number: int = 1, user_id: str = FAN, **changes: Any) -> BudgetRecord:
    record = BudgetRecord(record_id=f"r{number}", user_id=user_id, old=with_left(100), new=with_left(20))
    return replace(record, **changes)


def notifications(ledger: FailingLedger, user_id: str = FAN) -> list[str]:
    found = [entry for entry in ledger.entries.get(user_id, {}).values() if isinstance(entry, NotificationEntry)]
    return [
        f"{notification.payload['what']} {notification.payload['period']} {notification.payload['percent']}"
        for notification in found
    ]


class BusyLedger(FailingLedger):
    """A ledger that takes no notification from, or shows no wallet of, chosen fans."""

    def __init__(self) -> None:
        super().__init__()
        self.busy: dict[str, Exception] = {}
        self.hidden: dict[str, Exception] = {}

    def post_notification(self, notification: NotificationEntry) -> Posted | Repeated:
        if notification.user_id in self.busy:
            raise self.busy[notification.user_id]
        return super().post_notification(notification)

    def read_wallet(self, user_id: str) -> Wallet:
        if user_id in self.hidden:
            raise self.hidden[user_id]
        return super().read_wallet(user_id)


class ReminderHarness(SweepHarness):
    def __init__(self) -> None:
        super().__init__()
        self.ledger: BusyLedger = BusyLedger()
        self.journal = FakeJournal(self.ledger, shards=1)

    def remind(self, *records: BudgetRecord) -> list[str]:
        return remind_of_budgets(records, self.services())


def test_remind_of_budgets_posts_a_notification_for_a_reached_threshold() -> None:
    harness = ReminderHarness()
    assert harness.remind(a_record()) == []
    assert notifications(harness.ledger) == ["coins day 80"]
    assert harness.publisher.published == [], "the stream brings it back"


def test_remind_of_budgets_of_a_repeated_record_posts_nothing_new() -> None:
    harness = ReminderHarness()
    for _ in range(3):
        assert harness.remind(a_record(), a_record(2, old=with_left(20), new=with_left(19))) == []
    (notification,) = harness.ledger.entries[FAN].values()
    assert isinstance(notification, NotificationEntry)
    assert (notification.posted_at, notification.user_id) == (START, FAN)


def test_remind_of_budgets_posts_two_notifications_for_two_thresholds() -> None:
    harness = ReminderHarness()
    harness.remind(a_record(new=with_left(0)))
    assert notifications(harness.ledger) == ["coins day 80", "coins day 100"]


def test_remind_of_budgets_retries_only_the_busy_record() -> None:
    harness = ReminderHarness()
    harness.ledger.busy["fan-2"] = TryAgain()
    assert harness.remind(a_record(1), a_record(2, "fan-2"), a_record(3, "fan-3")) == ["r2"]
    assert notifications(harness.ledger, "fan-3") == ["coins day 80"]
    assert harness.queue.budgets == []


def test_relay_records_holds_the_entries_of_a_fan_who_cannot_be_reminded() -> None:
    harness = ReminderHarness()
    harness.ledger.busy["fan-2"] = TryAgain()
    posted = [record_of(a_gift(event_id="relayed")), record_of(a_gift(user_id="fan-2", event_id="held"))]
    assert relay_records(posted, [a_record(1), a_record(2, "fan-2")], harness.services()) == ["r2", "held"]
    assert notifications(harness.ledger) == ["coins day 80"]


def test_remind_of_budgets_sets_an_unreadable_record_aside() -> None:
    harness = ReminderHarness()
    harness.ledger.busy["fan-3"] = ValueError("unexpected")
    assert harness.remind(a_record(1, new=None), a_record(2), a_record(3, "fan-3")) == []
    assert notifications(harness.ledger) == ["coins day 80"]
    assert harness.queue.budgets == [FAN, "fan-3"]


def test_remind_of_budgets_retries_a_record_that_cannot_be_set_aside() -> None:
    harness = ReminderHarness()
    harness.queue.failing[FAN] = TryAgain()
    assert harness.remind(a_record(1, new=None), a_record(2)) == ["r1"]
    assert notifications(harness.ledger) == ["coins day 80"]


def test_remind_of_budgets_retries_the_records_that_its_time_does_not_reach() -> None:
    harness = ReminderHarness()
    post = harness.ledger.post_notification

    def post_slowly(notification: NotificationEntry) -> Posted | Repeated:
        harness.clock.advance(RUN_TIME)
        return post(notification)

    harness.ledger.post_notification = post_slowly  # type: ignore[method-assign]  # a slow table
    assert harness.remind(a_record(1), a_record(2, "fan-2")) == ["r2"]
    assert (notifications(harness.ledger), notifications(harness.ledger, "fan-2")) == (["coins day 80"], [])
    assert harness.queue.budgets == []


# --- sweep of lost records --------------------------------------------------------------------------------------------


def a_harness_without_its_stream() -> ReminderHarness:
    harness = ReminderHarness()
    harness.ledger.budgets[FAN] = with_left(0)
    return harness


@pytest.mark.parametrize("spend", ["give", "buy"])
def test_sweep_posts_reminders_that_the_stream_lost(spend: str) -> None:
    harness = a_harness_without_its_stream()
    for number in range(3):
        getattr(harness, spend)(number)
    assert harness.sweep(HOUR) == 3
    assert notifications(harness.ledger) == ["coins day 80", "coins day 100"]

    harness.sweep(HOUR)
    assert harness.unrelayed() == [], "the next sweep relays the notices"
    types = [expected.attributes["event_type"] for expected in harness.publisher.published]
    assert types.count("coinpurse.budget.reached.v1") == 2


def test_sweep_without_a_budget_posts_no_reminder() -> None:
    harness = ReminderHarness()
    harness.give(1)
    assert harness.sweep(HOUR) == 1
    assert notifications(harness.ledger) == []


def test_sweep_with_a_busy_ledger_repeats_its_hour() -> None:
    harness = a_harness_without_its_stream()
    harness.give(1)
    harness.ledger.busy[FAN] = TryAgain()
    assert harness.sweep(HOUR) == 0
    del harness.ledger.busy[FAN]
    assert harness.sweep() == 1
    assert notifications(harness.ledger) == ["coins day 80", "coins day 100"]


def test_sweep_with_an_unavailable_wallet_relays_the_others() -> None:
    harness = a_harness_without_its_stream()
    harness.give(1)
    harness.give(2, user_id="fan-2", shard=1)
    harness.ledger.hidden[FAN] = TryAgain()
    assert (harness.sweep(HOUR), harness.swept.parked, harness.published()) == (1, 1, ["event-2"])
    harness.ledger.hidden.clear()
    assert harness.sweep(HOUR) == 1
    assert notifications(harness.ledger) == ["coins day 80", "coins day 100"]


def test_sweep_sets_an_unreadable_wallet_aside() -> None:
    harness = a_harness_without_its_stream()
    harness.give(1)
    harness.ledger.hidden[FAN] = ValueError("unexpected")
    assert harness.sweep(HOUR) == 1
    assert harness.queue.budgets == [FAN]
