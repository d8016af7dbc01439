"""Services that use cases take as one argument, out of single ports."""

from dataclasses import dataclass
from datetime import timedelta

from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from tests.fakes import PAUSE

SOURCE = "/coinpurse/test"


@dataclass(frozen=True, kw_only=True)
class FakeStripeEventServices:
    """Services of the handling of Stripe events."""

    ledger: Ledger
    gateway: PaymentGateway
    memberships: Memberships
    subscriptions: Subscriptions
    clock: Clock
    livemode: bool = False


@dataclass(frozen=True, kw_only=True)
class FakeRelayServices:
    """Services of the relay."""

    ledger: Ledger
    publisher: EventPublisher
    redrive_queue: RedriveQueue
    streak_timer: StreakTimer
    clock: Clock
    streak_pause: timedelta = PAUSE
    source: str = SOURCE
    livemode: bool = False
