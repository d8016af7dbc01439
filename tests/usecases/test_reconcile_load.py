"""Reconcile ends under any load: requests counted, and time passing with each of them.

A request takes 200 ms. Four looks at a time make 20 requests a second, which the simulated clock divides.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.payments import CheckoutSession, EventPage, MoneyState, PurchaseRef
from chalicelib.domain.purchases import Status
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import CHUNK, LOOKBACK
from tests.domain.builders import a_purchase, a_refund
from tests.fakes import FakeClock, FakeGateway, session_of, uuid7_at
from tests.usecases.checkout_harness import a_hint, moved, session_event
from tests.usecases.reconcile_harness import ReconcileHarness

MINUTE = timedelta(minutes=1)
TIME_OUT = timedelta(minutes=14)
KINDS = ("charge.refunded", "refund.created", "refund.updated", "charge.refund.updated")
"""Events that Stripe sends about one refund."""


class Killed(BaseException):
    """The end of a function whose time is up."""


class TimedGateway(FakeGateway):
    """A gateway whose requests take time and are counted, for a function that is killed at its time-out."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.request_time = timedelta(milliseconds=200)
        self.killed_at = clock.now() + LOOKBACK
        self.requests: Counter[str] = Counter()

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        self._request("list_events")
        return super().list_events(since, until, types, after)

    def find_purchase_ref(self, payment_intent: str) -> PurchaseRef | None:
        self._request("find_purchase_ref")
        return super().find_purchase_ref(payment_intent)

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        session: CheckoutSession | None = self.sessions.get(payment_intent.removeprefix("pi_"))
        return session

    def read_money(self, payment_intent: str) -> MoneyState:
        self._request("read_money", 3)
        return super().read_money(payment_intent)

    def _request(self, name: str, requests: int = 1) -> None:
        self.requests[name] += requests
        self.clock.advance(self.request_time * requests)
        if self.clock.now() > self.killed_at:
            raise Killed


class LoadHarness(ReconcileHarness):
    """A harness whose provider takes time."""

    def __init__(self) -> None:
        super().__init__()
        self.provider: TimedGateway = TimedGateway(self.clock)
        self.gateway = self.recorder.over(self.provider)

    def run(self) -> int:
        """Run the function, which may be killed. Returns the number of looks."""
        self.provider.killed_at = self.clock.now() + TIME_OUT
        try:
            return sum(self.reconcile().values())
        except Killed:
            return 0

    def list_refunds(self, refunds: int, since: datetime, every: timedelta) -> None:
        """List four events of each refund, of payments that were credited."""
        for number in range(refunds):
            key = uuid7_at(since, number)
            self.paid(purchase_id=key, **{**moved(Status.POSTED), "payment_intent": f"pi_{key}"})
            self.move_money(payment=f"pi_{key}", refunds=[a_refund(37)])
            self.list_events(*[a_hint(f"pi_{key}", kind) for kind in KINDS], since=since + number * every)


@pytest.fixture
def harness() -> LoadHarness:
    return LoadHarness()


def test_reconcile_ends_after_four_hundred_refunds_within_an_hour(harness: LoadHarness) -> None:
    """They were the end of reconcile: each event was handled, again in each run of the next hour, until the time-out.

    One request after another here, as then.
    """
    now = harness.clock.now()
    harness.worker.journal.watermarks["reconcile"] = now
    harness.list_refunds(400, now + MINUTE, timedelta(seconds=8))
    harness.clock.advance(65 * MINUTE)
    assert harness.run() == 400
    assert harness.run() == 0
    lost = harness.paid()
    harness.list_events(session_event("paid", lost), since=harness.clock.now())
    harness.clock.advance(15 * MINUTE)
    assert harness.run() == 1
    assert harness.purchase().status is Status.POSTED


def test_reconcile_ends_within_ten_minutes_after_thirteen_hundred_refund_events(harness: LoadHarness) -> None:
    """Each is about another payment. 4 requests for each of them, at 20 a second, are 260 seconds."""
    harness.provider.request_time = timedelta(milliseconds=50)
    began = harness.clock.now()
    for number in range(1_300):
        harness.move_money(payment=f"pi_{number}", refunds=[a_refund(37)])
    harness.provider.sessions |= {str(number): session_of(a_purchase()) for number in range(1_300)}
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(1_300)], since=began - 60 * MINUTE)
    assert harness.run() == 1_300
    assert harness.provider.requests["find_purchase_ref"] == 1_300
    assert harness.provider.requests["list_events"] < 1_300 / 25 + 20
    assert harness.clock.now() - began < 10 * MINUTE


def test_reconcile_first_run_costs_each_payment_one_look_however_long_ago(harness: LoadHarness) -> None:
    """400 payments over 30 days, each refunded a day later, or twelve: four events, and six more of a second refund.

    With 10^5 payments a first run takes 250 times the requests: 5.6 hours at 20 a second.
    """
    harness.provider.request_time = timedelta(milliseconds=50)
    began, payments = harness.clock.now(), 400
    harness.list_refunds(payments, began - LOOKBACK + 2 * MINUTE, timedelta(hours=1))
    for number in range(payments):
        payment = f"pi_{uuid7_at(began - LOOKBACK + 2 * MINUTE, number)}"
        again = [a_hint(payment, kind) for kind in KINDS[:2]]
        harness.list_events(*again, since=began - LOOKBACK + timedelta(days=12, hours=number))
    assert [harness.run() > 0 for _ in range(2)] == [True, False]
    assert harness.provider.requests["read_money"] == 3 * payments
    assert harness.provider.requests["list_events"] < 6 * payments / 25 + 20
    assert sum(harness.provider.requests.values()) * 250 < 86_400 * 20 / 2


def test_reconcile_that_is_killed_repeats_no_look(harness: LoadHarness) -> None:
    """The looks of a slice are kept even if its end was not reached."""
    now = harness.clock.now()
    harness.worker.journal.watermarks["reconcile"] = now
    harness.list_refunds(90, now + MINUTE, timedelta(seconds=1))
    harness.clock.advance(65 * MINUTE)
    harness.provider.killed_at = harness.clock.now() + timedelta(seconds=40)
    with pytest.raises(Killed):
        harness.reconcile()
    looked = harness.provider.requests["read_money"] // 3
    assert 0 < looked < 90
    harness.clock.advance(15 * MINUTE)
    assert 90 - looked <= harness.run() <= 91 - looked


def test_reconcile_ends_although_each_look_waits_for_two_time_outs(harness: LoadHarness) -> None:
    harness.provider.request_time = timedelta(seconds=9.5)
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(100)], since=harness.clock.now() - 60 * MINUTE)
    assert harness.run() == 4 * CHUNK


def test_reconcile_with_a_poison_event_credits_what_follows(harness: LoadHarness) -> None:
    harness.list_events(a_hint("pi_poison"), since=harness.clock.now() - 60 * MINUTE)
    lost = harness.paid()
    harness.list_events(session_event("paid", lost), since=harness.clock.now() - 50 * MINUTE)
    harness.recorder.fail_before["find_purchase_ref"] = TryAgain()
    assert harness.reconcile() == {"try_again": 1, "credited": 1}
