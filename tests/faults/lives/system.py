"""The simulated system on the real adapters: DynamoDB's on a table in this process, Stripe's on the sandbox."""

from datetime import timedelta
from functools import cache
from typing import Final
from zlib import crc32

from chalicelib.adapters.dynamodb.keys import REVIEWS
from chalicelib.adapters.dynamodb.looks import DynamoLooks
from chalicelib.adapters.dynamodb.models import ReviewRow
from chalicelib.adapters.dynamodb.review_rows import to_review
from chalicelib.adapters.dynamodb.stream_records import budget_records, posted_records
from chalicelib.adapters.dynamodb.totals import DynamoTotals
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.journal import JOURNAL_SHARDS, place_of
from chalicelib.domain.operators import Act, Decision
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Review
from chalicelib.domain.work import Part
from chalicelib.errors import TryAgain
from chalicelib.usecases.event_slices import TYPES
from chalicelib.usecases.reviews import settle_review
from chalicelib.usecases.stripe_events import receive_webhook
from infra.local.stripe_sandbox.events import Event
from tests.atomic_table import AtomicTable, connected_store
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item, a_plan
from tests.fake_services import settlement_services
from tests.fakes import START
from tests.faults.lives.account import StripeAccount
from tests.faults.simulated_system import SimulatedSystem
from tests.journal_hours import put_watermark
from tests.stores import DynamoStore

CATALOGUE: Final = a_catalogue(
    *(a_bundle("coins_70", 70), a_bundle("coins_700", 700, prices={"web": {"usd": 720}})),
    *(a_gift_item("rose", 1), a_gift_item("cake", 35), a_gift_item("moon", 700), a_plan()),
    custom_max_coins=5_000,
)
FANS: Final = ("ana", "ben")
ROUNDS: Final = 12
"""Largest number of rounds until nothing is left to do: a paid invoice may wait for its payment."""


@cache
def _store() -> tuple[DynamoStore, AtomicTable]:
    """Build the adapters once: their client takes longer than a life."""
    return connected_store("lives")


class LivingSystem(SimulatedSystem):
    """A simulated system whose ledger is in a table, and whose payments are at the Stripe sandbox.

    `undelivered` are the Stripe events whose webhook was not acknowledged, `happened` all of them. `is_behind` is True
    while the stream has lost records that no sweep has relayed.
    """

    shards = sorted({crc32(fan.encode()) % JOURNAL_SHARDS for fan in FANS})

    def __init__(self) -> None:
        super().__init__()
        self.catalogue, self.max_open_checkouts = CATALOGUE, 4
        store, self.table = _store()
        store.bind()
        self.table.clear()
        self.ledger, self.operators = store.ledger, store.operators
        self.journal, self.memberships = store.journal, store.memberships
        self.positions, self.looks = DynamoWorkPositions(store.table_name), DynamoLooks(store.table_name)
        self.totals = DynamoTotals(store.table_name)
        self.undelivered: list[Event] = []
        self.happened: list[Event] = []
        self.is_behind = False
        self.stripe = StripeAccount(self.clock, self._notice)
        self.gateway, self.subscriptions = self.stripe.gateway, self.stripe.memberships
        put_watermark(store, "reconcile", START)
        self.place_audit()

    def _notice(self, event: Event) -> None:
        if event.type in TYPES:
            self.undelivered.append(event)
            self.happened.append(event)

    def reviews(self) -> list[Review]:
        """Return all reviews, in the order of their filing."""
        found = [item for (partition, _), item in self.table.items.items() if partition.startswith(REVIEWS)]
        return [to_review(ReviewRow.from_raw_data(dict(item))) for item in found]

    def is_purchase(self, fan: str, key: str) -> bool:
        return isinstance(self.ledger.find_entry(fan, key), Purchase)

    # --- requests ---------------------------------------------------------------------------------------------------

    def answer_about(self, review: Review, decision: Decision, key: str) -> None:
        """Settle a review, as an operator."""
        act = Act(key=key, actor="operator-1", reason="because")
        services = settlement_services(self, self.operators)
        self._request(key, lambda: settle_review(review.ref, decision, act, services))

    def deliver_stripe_event(self, event: Event) -> None:
        """Deliver a webhook. One that is not acknowledged stays undelivered."""
        try:
            receive_webhook(*self.stripe.signed(event), self)
        except TryAgain:
            return
        self.undelivered = [waiting for waiting in self.undelivered if waiting is not event]

    # --- workers ----------------------------------------------------------------------------------------------------

    def read_stream(self) -> None:
        records, self.table.records = self.table.records, []
        for posted in posted_records(records):
            assert posted.entry is not None
            self.facts[posted.entry.user_id, posted.entry.entry_id] = posted.entry
            self.records.append(posted)
        for spent in budget_records(records):
            self.spent.append(spent)
            self.spent_at[spent.record_id] = self.clock.now()

    def lose_the_stream(self) -> None:
        super().lose_the_stream()
        self.is_behind = True

    def advance_stripe(self, minutes: int) -> None:
        """Advance both clocks, and let Stripe expire, renew and dun what is due."""
        self.advance(minutes)
        self.stripe.control.move_clock({}, "")

    def come_to_rest(self) -> None:
        """Deliver everything, and run every worker until nothing is left to do. Stripe is well again."""
        self.stripe.knobs.fail_next.times = 0
        for _ in range(ROUNDS):
            for event in list(self.undelivered):
                self.deliver_stripe_event(event)
            self.advance_stripe(20)
            self.reconcile()
            self.end_streaks()
            self.stream()
            self.sweep()
            self.audit()
            self.read_stream()
            if not (self.undelivered or self.records or self.spent or self.streak_timer.pending):
                break
        assert self.undelivered == []
        assert self.records == []
        assert self.spent == []
        assert self.streak_timer.pending == []
        self.is_behind = False

    def month_later(self) -> None:
        """Come to rest and let a month pass, in which the hourly workers find nothing. Old items expire."""
        self.come_to_rest()
        for _ in range(3):
            self.advance_stripe(10 * 24 * 60 + 8 * 60)
            self.reconcile()
            self.table.expire(self.clock.now())
        place = place_of(self.clock.now() - timedelta(hours=1))
        for shard in self.shards:
            self.positions.rewind(Part(worker="sweep", name=f"{shard:02d}"), f"{place}|{place}||")
        self.place_audit()
