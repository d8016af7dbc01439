"""The simulated system: a whole Coinpurse on fakes, with fans, provider, stream, operators and workers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.budgets import Budget, Limits
from chalicelib.domain.entries import Entry
from chalicelib.domain.journal import PostedRecord, place_of
from chalicelib.domain.operators import Act, Decision, GrantOrder
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.reviews import ReviewRef
from chalicelib.domain.work import Part
from chalicelib.errors import CoinpurseError, TryAgain
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.looks import Looks
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.checkout import open_checkout
from chalicelib.usecases.event_slices import Walks
from chalicelib.usecases.gifts import send_gift
from chalicelib.usecases.memberships import open_membership
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift
from chalicelib.usecases.reconcile import PART, reconcile
from chalicelib.usecases.recovery import redrive, sweep
from chalicelib.usecases.relay import relay_records
from chalicelib.usecases.reviews import count_open_reviews, settle_review
from chalicelib.usecases.streaks import check_streaks
from chalicelib.usecases.stripe_events import ask_about, receive_webhook
from tests.domain.builders import a_bundle, a_catalogue, a_checkout_order, a_gift_item, a_gift_order, a_membership_order
from tests.fake_looks import FakeLooks, OneThread
from tests.fake_memberships import FakeMemberships
from tests.fake_operators import FakeJournal, FakeOperators
from tests.fake_services import FakeSweepServices, settlement_services
from tests.fake_topic import FakePublisher, FakeRedriveQueue
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.faults.audited_system import AuditedSystem
from tests.faults.billing import Billing
from tests.faults.intercepted_ports import Interceptor, intercepted, pass_through
from tests.faults.provider import Provider
from tests.faults.records import budget_record, record_of
from tests.faults.streak_timer import SimulatedStreakTimer

CATALOGUE = a_catalogue(
    a_bundle("coins_70", 70), a_gift_item("rose", 1), a_gift_item("cake", 35), a_gift_item("moon", 700)
)
LANES = 2
SWEEP = Part(worker="sweep", name="00")


class SimulatedSystem(AuditedSystem):
    """The whole system, with one short method for each request to it.

    `responses` and `refusals` keep the last response, by key. `webhooks` are the provider's unacknowledged events,
    `records` are undelivered stream records. `current_key`, `about` and `stripe_event` pass a key, a gift or payment
    id, and a Stripe event from a scenario's setup to its act.
    """

    livemode, threads = False, OneThread()

    def __init__(self, intercept: Interceptor = pass_through) -> None:
        self.clock = FakeClock()
        self.catalogue, self.max_open_checkouts, self.max_open_memberships = CATALOGUE, 20, 3
        self.fake_ledger = FakeLedger()
        self.fake_memberships = FakeMemberships(self.fake_ledger)
        self.fake_operators = FakeOperators(self.fake_ledger, self.fake_memberships)
        self.provider = Provider(self.clock)
        self.publisher = FakePublisher()
        self.queue = FakeRedriveQueue()
        self.streak_timer = SimulatedStreakTimer(lambda: self.clock.now())
        self.timer: StreakTimer = intercepted(self.streak_timer, StreakTimer, intercept)
        self.topic: EventPublisher = intercepted(self.publisher, EventPublisher, intercept)
        self.redrive_queue: RedriveQueue = intercepted(self.queue, RedriveQueue, intercept)
        self.fake_journal, self.fake_looks = FakeJournal(self.fake_ledger, shards=1), FakeLooks()
        self.prepare_audit(intercept)
        self.responses, self.refusals = dict[str, Any](), dict[str, str]()
        self.webhooks: list[StripeEvent] = []
        self.records, self.spent = list[PostedRecord](), list[BudgetRecord]()
        self.spent_at: dict[str, datetime] = {}
        self.budgets: dict[str, Budget] = {}
        self.facts: dict[tuple[str, str], Entry] = {}
        self.ledger: Ledger = intercepted(self.fake_ledger, Ledger, intercept)
        self.operators: OperatorLedger = intercepted(self.fake_operators, OperatorLedger, intercept)
        self.journal: Journal = intercepted(self.fake_journal, Journal, intercept)
        self.looks: Looks = intercepted(self.fake_looks, Looks, intercept)
        self.gateway: PaymentGateway = intercepted(self.provider, PaymentGateway, intercept)
        self.billing = Billing(self.provider, self.fake_memberships)
        self.memberships: Memberships = intercepted(self.fake_memberships, Memberships, intercept)
        self.subscriptions: Subscriptions = intercepted(self.billing, Subscriptions, intercept)
        self.fake_positions.rewind(SWEEP, "|".join((place_of(START),) * 2) + "||")
        self.fake_journal.watermarks["reconcile"] = START
        self.current_key = self.about = ""
        self.stripe_event: StripeEvent | None = None
        self._minted = 0

    def key(self) -> str:
        """Create a new idempotency key."""
        self._minted += 1
        return uuid7_at(self.clock.now(), 1 << 40 | self._minted)

    # --- fans -------------------------------------------------------------------------------------------------------

    def open(self, key: str, fan: str = "fan-1", **wish: Any) -> None:
        order = a_checkout_order(purchase_id=key, user_id=fan, **wish)
        self._request(key, lambda: open_checkout(order, self))

    def send(self, key: str, item_id: str | None = "cake", fan: str = "fan-1", **wish: Any) -> None:
        order = a_gift_order(gift_id=key, user_id=fan, item_id=item_id, **wish)
        self._request(
            key,
            lambda: send_gift(order, catalogue=CATALOGUE, ledger=self.ledger, clock=self.clock, creator_shards=LANES),
        )

    def join(self, key: str, fan: str = "fan-1") -> None:
        order = a_membership_order(membership_id=key, user_id=fan)
        self._request(key, lambda: open_membership(order, self))

    def set_budget(self, limits: Limits, fan: str = "fan-1") -> None:
        set_budget(fan, limits, ledger=self.ledger, clock=self.clock)

    def exclude(self, key: str, fan: str = "fan-1") -> None:
        self._request(key, lambda: exclude_fan(fan, key, 30, ledger=self.ledger, clock=self.clock))

    # --- operators --------------------------------------------------------------------------------------------------

    def grant(self, key: str, coins: int = 20, fan: str = "fan-1") -> None:
        order = GrantOrder(act=_act(key), user_id=fan, coins=coins)
        self._request(key, lambda: grant_coins(order, ledger=self.ledger, operators=self.operators, clock=self.clock))

    def reverse(self, key: str, gift_id: str, fan: str = "fan-1") -> None:
        self._request(
            key,
            lambda: reverse_gift(
                fan, gift_id, _act(key), ledger=self.ledger, operators=self.operators, clock=self.clock
            ),
        )

    def freeze(self, key: str, *, is_frozen: bool, fan: str = "fan-1") -> None:
        self._request(
            key, lambda: freeze_wallet(fan, _act(key), is_frozen=is_frozen, operators=self.operators, clock=self.clock)
        )

    def settle(self, key: str, payment_id: str, decision: Decision) -> None:
        ref = ReviewRef(month=f"{START:%Y-%m}", payment_id=payment_id)
        self._request(
            key,
            lambda: settle_review(ref, decision, _act(key), settlement_services(self, self.operators)),
        )

    # --- the provider -----------------------------------------------------------------------------------------------

    def queue_webhook(self, event: StripeEvent) -> StripeEvent:
        """Queue a Stripe event for delivery."""
        self.webhooks.append(event)
        return event

    def deliver(self, event: StripeEvent) -> str:
        """Deliver a Stripe event. An acknowledged event is not delivered again."""
        outcome = receive_webhook(event.stripe_event_id.encode(), "signed", self)
        self.webhooks = [waiting for waiting in self.webhooks if waiting is not event]
        return outcome

    def read(self, key: str, fan: str = "fan-1") -> None:
        """Read a purchase, as the page that waits for it does."""
        purchase = self.ledger.find_entry(fan, key)
        assert isinstance(purchase, Purchase)
        ask_about(purchase, self)

    # --- workers ----------------------------------------------------------------------------------------------------

    def stream(self) -> None:
        """Deliver the waiting stream records; failed ones stay.

        Raises:
            TryAgain: some records must be delivered again.
        """
        self.read_stream()
        if self.records or self.spent:
            relay = self.relay()
            again = set(relay_records(self.records, self.spent, relay))
            self.records = [record for record in self.records if record.record_id in again]
            self.spent = [record for record in self.spent if record.record_id in again]
            if again:
                raise TryAgain("The stream has to hand some over again.")

    def end_streaks(self) -> None:
        """Handle the due checks, as one batch. All are delivered again when the handler dies."""
        self.streak_timer.deliver(lambda due: check_streaks(due, self.relay()))

    def redrive(self) -> None:
        """Have all entries published again, as an operator does."""
        if redrive(START, self.clock.now(), self.relay(), self.shards):
            raise TryAgain("A run of the sweep has the shard.")
        self.sweep()

    def reconcile(self) -> None:
        """Run reconcile. Raises TryAgain when some events must wait for the next run."""
        if reconcile(self).outcomes.get(Outcome.TRY_AGAIN):
            raise TryAgain("Some events must wait.")

    def sweep(self) -> None:
        if sweep(self.relay(), self.shards).undecided:
            raise TryAgain("Some entries must wait.")

    def count_reviews(self) -> int:
        return count_open_reviews(self)

    def relay(self, publisher: EventPublisher | None = None) -> FakeSweepServices:
        return FakeSweepServices(
            ledger=self.ledger,
            publisher=publisher or self.topic,
            redrive_queue=self.redrive_queue,
            streak_timer=self.timer,
            clock=self.clock,
            journal=self.journal,
            positions=self.positions,
        )

    def read_stream(self) -> None:
        """Add the entries posted since the last call to the stream."""
        for known in self.fake_ledger.entries.values():
            for entry in list(known.values()):
                name = (entry.user_id, entry.entry_id)
                is_posted = not isinstance(entry, Purchase) or entry.status is Status.POSTED
                if is_posted and name not in self.facts:
                    self.facts[name] = entry
                    self.records.append(record_of(entry))
        for fan, budget in self.fake_ledger.budgets.items():
            if (old := self.budgets.get(fan)) != budget:
                self.budgets[fan] = budget
                record = budget_record(len(self.spent_at), fan, old, budget)
                self.spent.append(record)
                self.spent_at[record.record_id] = self.clock.now()

    def lose_the_stream(self) -> None:
        """Drop the waiting records, as the mapping does after half a day."""
        self.read_stream()
        self.records, self.spent = [], []

    def posting(self) -> Posting:
        """Build a posting at the current time."""
        return Posting(posted_at=self.clock.now(), event_id="")

    def advance(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    def a_day_later(self) -> None:
        """Advance by 25 hours, with the workers' watermarks up to date."""
        self.advance(25 * 60)
        self.fake_positions.rewind(SWEEP, "|".join((place_of(self.clock.now()),) * 2) + "||")
        self.fake_positions.rewind(PART, Walks(events=self.clock.now(), late=self.clock.now()).text)
        self.place_audit()

    def state(self) -> list[object]:
        """Collect all state that may differ between two orders of the same calls.

        Two systems with the same history have the same `repr`, so no fake is among the values.
        """
        shared = {id(self.fake_ledger), id(self.fake_memberships)}
        stores = [self.fake_ledger, self.fake_memberships, self.fake_operators, self.fake_journal, self.fake_totals]
        fakes = [*stores, self.publisher, self.queue, self.fake_positions, self.fake_looks]
        held = [{name: value for name, value in vars(fake).items() if id(value) not in shared} for fake in fakes]
        billed = [self.billing.subscriptions, self.billing.invoices]
        rest = [self.webhooks, self.records, self.spent, self.streak_timer.pending, self.refusals]
        return [held, billed, self.provider.payments, *rest]

    def _request(self, key: str, request: Callable[[], object]) -> None:
        """Make a request and keep its last response. TryAgain is no response."""
        try:
            self.responses[key] = request()
            self.refusals.pop(key, None)
        except TryAgain:
            raise
        except CoinpurseError as error:
            self.refusals[key] = error.code


def _act(key: str) -> Act:
    return Act(key=key, actor="operator-1", reason="because")
