"""Reconcile: refunds whose webhooks were lost, and a first run in a busy account."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final

from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import WALLET, wallet_key
from chalicelib.adapters.dynamodb.mapping import posted_row
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.adapters.stripe.pace import Pace
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.payments import CheckoutSession, EventPage, MoneyState, StripeEvent
from chalicelib.domain.purchases import Purchase
from chalicelib.services import RECONCILE, THREADS
from chalicelib.usecases.event_slices import Walks
from chalicelib.usecases.reconcile import LOOKBACK, PART, RUN_TIME, reconcile
from tests.bench.capacity.functions import SimulatedCloud, simulated_cloud
from tests.bench.capacity.limits import CPU, seconds, value
from tests.bench.capacity.measures import Run, limit_of
from tests.bench.capacity.rows import fans, item_of
from tests.bench.capacity.simulation import Simulation, VirtualThreads
from tests.domain.builders import a_posted_purchase, a_refund
from tests.fake_memberships import FakeSubscriptions
from tests.fake_services import CATALOGUE
from tests.fakes import START, FakeGateway, session_of, uuid7_at
from tests.usecases.checkout_harness import a_hint, session_event

PAYMENTS: Final = 100_000
"""Payments of a first run, in the 30 days that Stripe lists."""
REFUNDS: Final = 1_300
PERIOD: Final = 900
"""Seconds between two runs (chalicelib/workers.py)."""
_PAGE: Final = 100
_READS_OF_MONEY: Final = 3
"""Requests that read a payment's charge, refunds and disputes (chalicelib/adapters/stripe/gateway.py)."""
CASES: Final = ("a lost refund event", "first run: four refund events", "first run: none refunded")
_REFUND_EVENTS: Final = ("charge.refunded", "refund.created", "refund.updated", "charge.refund.updated")


class SimulatedStripe(FakeGateway):
    """The provider, behind the worker's real pace. Its events are listed by time."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self._simulation = simulation
        self._pace = Pace(int(value("stripe_pace")), lambda: simulation.seconds, simulation.sleep)
        self.payments: dict[str, CheckoutSession] = {}
        self.requests = 0

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        del types
        self._request()
        first, last = (bisect_left(self._times, at) for at in (since, until))
        if after is not None:
            last = next(place for place in range(first, last) if self.listed[place].stripe_event_id == after)
        page = self.listed[max(first, last - _PAGE) : last]
        return EventPage(events=page[::-1], after=page[0].stripe_event_id if last - first > _PAGE else None)

    def find_session(self, payment_intent: str) -> CheckoutSession | None:
        self._request()
        return self.payments.get(payment_intent)

    def read_money(self, payment_intent: str) -> MoneyState:
        for _ in range(_READS_OF_MONEY):
            self._request()
        return super().read_money(payment_intent)

    @cached_property
    def _times(self) -> list[datetime]:
        self.listed.sort(key=lambda event: event.created_at)
        return [event.created_at for event in self.listed]

    def _request(self) -> None:
        self.requests += 1
        self._pace.wait()
        self._simulation.compute(seconds("cpu_stripe"))
        self._simulation.sleep(seconds("stripe_request"))


class ReconcileServices:
    """Services of reconcile over a simulated cloud."""

    livemode = False
    catalogue: Catalogue = CATALOGUE

    def __init__(self, cloud: SimulatedCloud) -> None:
        self.gateway = SimulatedStripe(cloud.simulation)
        self.subscriptions = FakeSubscriptions()
        self.threads = VirtualThreads(cloud.simulation, THREADS[RECONCILE])
        self.ledger, self.memberships, self.journal = cloud.ledger, cloud.memberships, cloud.journal
        self.positions, self.looks, self.clock = cloud.positions, cloud.looks, cloud.clock

    def list_payment(self, purchase: Purchase, kinds: Collection[str], *, is_refunded: bool) -> None:
        """List the events of a payment that was credited."""
        payment = str(purchase.payment_intent)
        refunds = [a_refund(37)] if is_refunded else []
        self.gateway.payments[payment] = session_of(purchase)
        self.gateway.money[payment] = MoneyState(captured_minor=purchase.amount_minor, refunds=refunds, disputes=[])
        hints = [a_hint(payment, kind) for kind in kinds]
        for event in [session_event("paid", purchase), *hints] if len(kinds) != 1 else hints:
            self._list(event, purchase.created_at)

    def _list(self, event: StripeEvent, at: datetime) -> None:
        number = len(self.gateway.listed)
        self.gateway.listed.append(replace(event, stripe_event_id=f"evt_{number:08}", created_at=at))


@dataclass(frozen=True, kw_only=True)
class Reconciled(Run):
    """Runs that handled the events of some payments, and their requests to Stripe."""

    requests: int


def reconciling(payments: int) -> dict[str, Any]:
    """Measure refunds of one hour, and days with as many payments as a day of the first run has.

    `first_run_hours`: the time for PAYMENTS payments, of which all, a twentieth and none were refunded.
    """
    refunds, all_refunded, none_refunded = runs = [_refunds(1), *(_first_run(payments, share) for share in (1.0, 0.0))]
    smaller = [partial(_refunds, 10), *(partial(_first_run, payments // 5, share) for share in (1.0, 0.0))]
    waits = PERIOD / RUN_TIME.total_seconds()
    each = [share * all_refunded.each + (1 - share) * none_refunded.each for share in (1.0, 0.05, 0.0)]
    return {
        "cases": [
            [case, 1 / run.each, run.requests / run.seconds, limit_of(simulate)]
            for case, run, simulate in zip(CASES, runs, smaller, strict=True)
        ],
        "refunds_minutes": refunds.seconds / 60,
        "first_run_hours": [PAYMENTS * seconds_each * waits / 3_600 for seconds_each in each],
    }


def _refunds(part: int) -> Reconciled:
    """Handle a part of the refunds of an hour."""
    return reconcile_run(REFUNDS // part, _REFUND_EVENTS[:1], share=1.0, over=timedelta(hours=1) / part)


def _first_run(payments: int, share: float) -> Reconciled:
    over = timedelta(days=30) * payments / PAYMENTS
    return reconcile_run(payments, _REFUND_EVENTS, share=share, over=over)


def reconcile_run(payments: int, kinds: Collection[str], *, share: float, over: timedelta) -> Reconciled:
    """Handle the events of payments whose purchases are credited, `share` of them refunded.

    With one kind, the events of the sessions were handled before.
    """
    with simulated_cloud() as cloud:
        services = ReconcileServices(cloud)
        since = START + LOOKBACK - timedelta(hours=2) - over
        for number, fan in zip(range(payments), fans(), strict=False):
            at = since + over * number / payments
            key = uuid7_at(at, number)
            purchase = a_posted_purchase(user_id=fan, purchase_id=key, created_at=at, posted_at=at)
            cloud.table.put(item_of(posted_row(purchase)))
            cloud.table.put(item_of(WalletRow(wallet_key(fan), WALLET, coins=purchase.coins)))
            is_refunded = number < share * payments
            services.list_payment(purchase, kinds if is_refunded else (), is_refunded=is_refunded)
        cloud.table.records.clear()
        cloud.simulation.seconds = LOOKBACK.total_seconds()
        cloud.positions.rewind(PART, Walks(events=since, late=since).text)
        took, requests = 0.0, 0
        while True:
            began = cloud.simulation.seconds
            done = cloud.run(lambda: reconcile(services))
            if not done.outcomes:
                break
            assert done.parked == 0, done
            took += cloud.simulation.seconds - began
            assert services.gateway.requests > requests
            requests = services.gateway.requests
        costs = frozenset({*cloud.costs.calls, CPU, "stripe_request", "stripe_pace"})
        return Reconciled(items=payments, seconds=took, messages=0, costs=costs, requests=requests)
