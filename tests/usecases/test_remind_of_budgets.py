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
from chalicelib.usecases.relay import remind_of_budgets
from tests.domain.builders import FAN
from tests.fake_operators import FakeJournal
from tests.fakes import START
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
    """Does not take notifications, or does not show wallets, of the fans that it is told of."""

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
        self.journal = FakeJournal(self.ledger)

    def remind(self, *records: BudgetRecord) -> list[str]:
        return remind_of_budgets(records, self.relay_of())


def test_a_threshold_that_is_passed_becomes_a_notice_and_is_relayed_like_any_entry() -> None:
    yard = ReminderHarness()
    assert yard.remind(a_record()) == []
    assert notifications(yard.ledger) == ["coins day 80"]
    assert yard.publisher.published == [], "the stream brings it back"


def test_a_record_that_comes_again_reminds_of_nothing_new() -> None:
    yard = ReminderHarness()
    for _ in range(3):
        assert yard.remind(a_record(), a_record(2, old=with_left(20), new=with_left(19))) == []
    (notification,) = yard.ledger.entries[FAN].values()
    assert isinstance(notification, NotificationEntry)
    assert (notification.posted_at, notification.user_id) == (START, FAN)


def test_both_thresholds_at_once_are_two_notices() -> None:
    yard = ReminderHarness()
    yard.remind(a_record(new=with_left(0)))
    assert notifications(yard.ledger) == ["coins day 80", "coins day 100"]


def test_what_a_busy_ledger_does_not_take_comes_again_alone() -> None:
    yard = ReminderHarness()
    yard.ledger.busy["fan-2"] = TryAgain()
    assert yard.remind(a_record(1), a_record(2, "fan-2"), a_record(3, "fan-3")) == ["r2"]
    assert notifications(yard.ledger, "fan-3") == ["coins day 80"]
    assert yard.queue.budgets == []


def test_a_budget_that_cannot_be_read_is_set_aside_and_holds_up_nobody() -> None:
    yard = ReminderHarness()
    yard.ledger.busy["fan-3"] = ValueError("what nobody foresaw")
    assert yard.remind(a_record(1, new=None), a_record(2), a_record(3, "fan-3")) == []
    assert notifications(yard.ledger) == ["coins day 80"]
    assert yard.queue.budgets == [FAN, "fan-3"]


def test_what_cannot_even_be_set_aside_comes_again() -> None:
    yard = ReminderHarness()
    yard.queue.failing[FAN] = TryAgain()
    assert yard.remind(a_record(1, new=None), a_record(2)) == ["r1"]
    assert notifications(yard.ledger) == ["coins day 80"]


# --- what the stream lost ---------------------------------------------------------------------------------------------


def a_yard_that_lost_its_stream() -> ReminderHarness:
    yard = ReminderHarness()
    yard.ledger.budgets[FAN] = with_left(0)
    return yard


@pytest.mark.parametrize("spend", ["give", "buy"])
def test_the_sweep_reminds_of_what_the_stream_lost(spend: str) -> None:
    yard = a_yard_that_lost_its_stream()
    for number in range(3):
        getattr(yard, spend)(number)
    assert yard.sweep(HOUR) == 3
    assert notifications(yard.ledger) == ["coins day 80", "coins day 100"]

    yard.sweep(HOUR)
    assert yard.forgotten() == [], "the next sweep relays the notices"
    types = [told.attributes["event_type"] for told in yard.publisher.published]
    assert types.count("coinpurse.budget.reached.v1") == 2


def test_the_sweep_reminds_nobody_who_has_no_budget() -> None:
    yard = ReminderHarness()
    yard.give(1)
    assert yard.sweep(HOUR) == 1
    assert notifications(yard.ledger) == []


def test_a_sweep_that_could_not_remind_begins_again_where_it_was() -> None:
    yard = a_yard_that_lost_its_stream()
    yard.give(1)
    yard.ledger.busy[FAN] = TryAgain()
    assert yard.sweep(HOUR) == 0
    del yard.ledger.busy[FAN]
    assert yard.sweep() == 1
    assert notifications(yard.ledger) == ["coins day 80", "coins day 100"]


def test_a_sweep_that_cannot_see_a_wallet_now_says_so() -> None:
    yard = a_yard_that_lost_its_stream()
    yard.give(1)
    yard.ledger.hidden[FAN] = TryAgain()
    with pytest.raises(TryAgain):
        yard.sweep(HOUR)


def test_a_wallet_that_nobody_can_read_holds_up_no_sweep() -> None:
    yard = a_yard_that_lost_its_stream()
    yard.give(1)
    yard.ledger.hidden[FAN] = ValueError("what nobody foresaw")
    assert yard.sweep(HOUR) == 1
    assert yard.queue.budgets == [FAN]
