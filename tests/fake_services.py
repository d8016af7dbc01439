"""Services that use cases take as one argument, out of single ports."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from chalicelib.domain.catalogue import Catalogue
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.looks import Looks
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.threads import Threads
from chalicelib.ports.work import WorkPositions
from tests.domain.builders import a_catalogue
from tests.fake_looks import OneThread
from tests.fakes import PAUSE, FakeClock

SOURCE = "/coinpurse/test"
ONE_THREAD = OneThread()
CATALOGUE = a_catalogue()
"""Built once: its checks take longer than the handling of an event, and the fault proofs build services for each."""


@dataclass(frozen=True, kw_only=True)
class FakeStripeEventServices:
    """Services of the handling of Stripe events."""

    ledger: Ledger
    gateway: PaymentGateway
    memberships: Memberships
    subscriptions: Subscriptions
    clock: Clock
    livemode: bool = False
    catalogue: Catalogue = CATALOGUE


@dataclass(frozen=True, kw_only=True)
class FakeSettlementServices(FakeStripeEventServices):
    """Services of the settlement of reviews."""

    operators: OperatorLedger


@dataclass(frozen=True, kw_only=True)
class FakeReconcileServices(FakeStripeEventServices):
    """Services of reconciliation."""

    journal: Journal
    positions: WorkPositions
    looks: Looks
    threads: Threads


class _Ports(Protocol):
    ledger: Ledger
    gateway: PaymentGateway
    memberships: Memberships
    subscriptions: Subscriptions
    clock: FakeClock


def settlement_services(ports: _Ports, operators: OperatorLedger) -> FakeSettlementServices:
    """Build the services from the ports of a harness or system."""
    return FakeSettlementServices(
        ledger=ports.ledger,
        gateway=ports.gateway,
        memberships=ports.memberships,
        subscriptions=ports.subscriptions,
        operators=operators,
        clock=ports.clock,
    )


@dataclass(frozen=True, kw_only=True)
class FakeRelayServices:
    """Services of the relay."""

    ledger: Ledger
    publisher: EventPublisher
    redrive_queue: RedriveQueue
    streak_timer: StreakTimer
    clock: Clock
    threads: Threads = ONE_THREAD
    streak_pause: timedelta = PAUSE
    source: str = SOURCE
    livemode: bool = False


@dataclass(frozen=True, kw_only=True)
class FakeSweepServices(FakeRelayServices):
    """Services of the sweep."""

    journal: Journal
    positions: WorkPositions
