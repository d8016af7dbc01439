"""State machine of checkouts, payments, gifts and the relay, compared with the model after each step."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.ids import KEY_WINDOW, uuid7_time
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item, a_purchase
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import session_of, uuid7_at
from tests.invariants import Books, books_of, broken, changed
from tests.properties.model import Model, Name, Payment
from tests.properties.outcomes import is_derived, outcome_of
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event

COINS = {"coins_70": 70, "coins_700": 700}
COSTS = {"rose": 1, "cake": 35, "rocket": 600}
CATALOGUE = a_catalogue(
    *[a_bundle(bundle_id, coins) for bundle_id, coins in COINS.items()],
    *[a_gift_item(item_id, cost) for item_id, cost in COSTS.items()],
)
KINDS = {"unpaid": "completed", "failed": "async_payment_failed", "expired": "expired"}
RETRIED_BY_STRIPE = ("post_purchase", "move_purchase", "file_review")
WRITES = ("open_purchase", "post_gift", *RETRIED_BY_STRIPE)

GiftRequest = tuple[str, str, int]
"""Creator, item and quantity."""
Deviations = tuple[dict[str, Any], bool]
"""Changes of a payment against its purchase, and whether it still matches the quote."""

fans = st.sampled_from(["ana", "ben"])
gift_requests = st.tuples(st.sampled_from(["cleo", "dora"]), st.sampled_from(sorted(COSTS)), st.sampled_from([1, 1, 2]))
places = st.integers(0, 10**6)
faults = st.sampled_from([None, None, None, "fail_before", "fail_after"])
deviations: st.SearchStrategy[Deviations] = st.sampled_from(
    [({}, True), ({}, True), ({}, True), ({"total_minor": 1}, False), ({"currency": "eur"}, False)]
)


class ProviderEvent(NamedTuple):
    """A Stripe event, with the word and the payment that the model takes."""

    stripe_event: StripeEvent
    word: str
    paid: Payment


class CheckoutMachine(RuleBasedStateMachine):
    """Run each step on the use cases and on the model, then check the invariants."""

    names: Bundle[Name] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.harness = CheckoutHarness(CATALOGUE)
        self.model = Model()
        self.publisher = FakePublisher()
        self.queue = FakeRedriveQueue()
        self.timer = FakeStreakTimer()
        self.known: set[str | None] = set()
        self.waiting: list[Entry] = []
        self.relayed: list[Entry] = []
        self.before = Books()
        self.id_count = 0
        self.events: list[ProviderEvent] = []
        self.paid: dict[str, Payment] = {}

    @initialize(target=names, fan=fans)
    def start_with_coins(self, fan: str) -> Name:
        name = self.new_name(fan)
        self.open(name, "coins_700")
        self.deliver(self.change_provider(name, "completed", "paid", "pi_first"))
        return name

    @rule(target=names, fan=fans, name=names)
    def make_or_borrow_a_key(self, fan: str, name: Name) -> Name:
        return self.new_name(fan) if fan == name[0] else (fan, name[1])

    @rule(target=names, fan=fans, bundle_id=st.sampled_from(sorted(COINS)))
    def open_a_checkout(self, fan: str, bundle_id: str) -> Name:
        name = self.new_name(fan)
        self.open(name, bundle_id)
        return name

    @rule(target=names, request=gift_requests, fan=fans)
    def give(self, request: GiftRequest, fan: str) -> Name:
        name = self.new_name(fan)
        self.send(name, request)
        return name

    @rule(minutes=st.sampled_from([1, 61, 25 * 60]))
    def wait(self, minutes: int) -> None:
        self.harness.clock.advance(timedelta(minutes=minutes))

    @rule(
        name=names,
        bundle_id=st.sampled_from(sorted(COINS)),
        fault=faults,
        step=st.sampled_from(["open_purchase", "open_session"]),
    )
    def open_again(self, name: Name, bundle_id: str, fault: str | None, step: str) -> None:
        self.open(name, bundle_id, fault, step)

    @rule(name=names, request=gift_requests, fault=faults)
    def give_again(self, name: Name, request: GiftRequest, fault: str | None) -> None:
        self.send(name, request, fault)

    @rule(
        name=names,
        kind=st.sampled_from(["completed", "async_payment_succeeded"]),
        deviation=deviations,
        number=st.sampled_from([1, 1, 1, 2]),
        fault=faults,
        is_lost=st.booleans(),
    )
    def pay(
        self, name: Name, kind: str, deviation: Deviations, number: int, fault: str | None, *, is_lost: bool
    ) -> None:
        changes, is_as_quoted = deviation
        payment_intent = f"pi_{number}_{'' if is_as_quoted else 'odd_'}{'_'.join(name)}"
        event = self.change_provider(name, kind, "paid", payment_intent, is_as_quoted=is_as_quoted, **changes)
        if not is_lost:
            self.deliver(event, fault)

    @rule(name=names, word=st.sampled_from(sorted(KINDS)), fault=faults)
    def leave_unpaid(self, name: Name, word: str, fault: str | None) -> None:
        self.deliver(self.change_provider(name, KINDS[word], word, "pi_none", payment_status="unpaid"), fault)

    @precondition(lambda self: self.events)
    @rule(place=places, fault=faults)
    def deliver_again(self, place: int, fault: str | None) -> None:
        self.deliver(self.events[place % len(self.events)], fault)

    @precondition(lambda self: self.waiting)
    @rule(count=st.integers(1, 9), again=st.integers(0, 9), busy=st.booleans(), fault=faults)
    def relay(self, count: int, again: int, fault: str | None, *, busy: bool) -> None:
        batch = [*self.relayed[:again], *self.waiting[:count], *self.waiting[:again]]
        if busy:
            self.publisher.busy = {str(entry.event_id) for entry in batch[::2]}
        if fault:
            getattr(self.harness.recorder, fault)["receive_gifts"] = TryAgain()
        self.run_relay(batch)
        self.publisher.busy = set()
        self.harness.recorder.fail_before.clear()
        self.harness.recorder.fail_after.clear()

    @rule()
    def drain(self) -> None:
        self.run_relay(list(self.waiting))
        assert self.waiting == []

    @invariant()
    def balances_equal_the_model(self) -> None:
        assert self.harness.books.coins == self.model.coins
        assert self.harness.books.frozen == self.model.frozen
        assert {name: (found.user_id, found.coins) for name, found in self.harness.books.reviews.items()} == (
            self.model.reviews
        )

    @invariant()
    def statuses_equal_the_model(self) -> None:
        entries = [entry for known in self.harness.books.entries.values() for entry in known.values()]
        found = {(entry.user_id, entry.entry_id): entry for entry in entries if not is_derived(entry)}
        assert found.keys() == self.model.requests.keys()
        assert {name: entry.status for name, entry in found.items() if isinstance(entry, Purchase)} == self.model.status

    @invariant()
    def invariants_hold(self) -> None:
        books = books_of(self.harness.books, self.publisher.published)
        for entry in books.posted:
            if entry.event_id not in self.known:
                self.known.add(entry.event_id)
                self.waiting.append(entry)
        assert broken(books, is_drained=not self.waiting) == []
        assert changed(self.before, books) == []
        assert self.queue.kept == []
        self.before = books

    def teardown(self) -> None:
        self.drain()
        self.invariants_hold()

    def new_name(self, fan: str) -> Name:
        self.id_count += 1
        return fan, uuid7_at(self.harness.clock.now(), 10**9 + self.id_count)

    def is_stale(self, name: Name) -> bool:
        return self.harness.clock.now() - uuid7_time(name[1]) > KEY_WINDOW

    def open(self, name: Name, bundle_id: str, fault: str | None = None, step: str = "open_purchase") -> None:
        self.compare(
            lambda: self.harness.open(user_id=name[0], purchase_id=name[1], bundle_id=bundle_id).is_repeat,
            lambda: self.model.open(name, (bundle_id,), COINS[bundle_id], 74, is_stale=self.is_stale(name)),
            fault,
            step,
        )

    def send(self, name: Name, request: GiftRequest, fault: str | None = None) -> None:
        creator_id, item_id, quantity = request
        gift = {"creator_id": creator_id, "item_id": item_id, "quantity": quantity}
        self.compare(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], **gift).is_repeat,
            lambda: self.model.send(name, request, COSTS[item_id] * quantity, is_stale=self.is_stale(name)),
            fault,
            "post_gift",
        )

    def change_provider(
        self, name: Name, kind: str, word: str, payment_intent: str, *, is_as_quoted: bool = True, **changes: Any
    ) -> ProviderEvent:
        """Change the provider's state and record the undelivered event. A payment's first event fixes its money."""
        known = self.harness.books.find_entry(*name)
        purchase = known if isinstance(known, Purchase) else a_purchase(user_id=name[0], purchase_id=name[1])
        session = session_of(purchase, payment_intent=payment_intent, **changes)
        is_discounted = session.total_minor != session.subtotal_minor
        paid = Payment(payment_intent, name, purchase.coins, is_as_quoted, session.total_minor, is_discounted)
        if word == "paid" and payment_intent not in self.paid:
            self.paid[payment_intent] = paid
            self.model.captured[payment_intent] = session.total_minor
            self.harness.provider.sessions[payment_intent] = session
            self.harness.move_money(payment=payment_intent, captured_minor=session.total_minor)
        return self.record_event(a_stripe_event(kind, session), word, paid)

    def record_event(self, event: StripeEvent, word: str, paid: Payment) -> ProviderEvent:
        """Record an event in the provider's list."""
        event_id, now = f"evt_{len(self.events)}", self.harness.clock.now()
        recorded = ProviderEvent(replace(event, stripe_event_id=event_id, created_at=now), word, paid)
        self.events.append(recorded)
        self.harness.provider.listed.append(recorded.stripe_event)
        return recorded

    def deliver(self, event: ProviderEvent, fault: str | None = None) -> None:
        """Deliver a webhook, again if its response is lost."""
        at = "move_purchase"
        if event.word == "paid":
            at = "file_review" if self.model.needs_review(event.paid) else "post_purchase"
        self.compare(
            lambda: self.harness.deliver(event.stripe_event),
            lambda: self.model.apply_event(event.word, event.paid),
            fault,
            at,
        )

    def compare(self, call: Callable[[], bool | str], predict: Callable[[], str], fault: str | None, at: str) -> None:
        """Compare a call's outcome with the model.

        A call whose response is lost took effect, unless it failed before the write.
        """
        if fault:
            getattr(self.harness.recorder, fault)[at] = TryAgain()
        answer = outcome_of(call)
        getattr(self.harness.recorder, fault or "fail_before").clear()
        if answer != "try_again":
            assert answer == predict()
            return
        if fault == "fail_after" or at not in WRITES:
            predict()
        if at in RETRIED_BY_STRIPE:
            # A fan may give up; Stripe retries until it gets a 2xx.
            assert outcome_of(call) == predict()

    def run_relay(self, batch: list[Entry]) -> None:
        records = [
            PostedRecord(
                record_id=f"r{place}", ref=EntryRef(user_id=entry.user_id, entry_id=entry.entry_id), entry=entry
            )
            for place, entry in enumerate(batch)
        ]
        retry = relay_entries(records, self.relay_of())
        self.mark_relayed([record.entry for record in records if record.record_id not in retry])

    def relay_of(self) -> FakeRelayServices:
        return FakeRelayServices(
            ledger=self.harness.ledger,
            publisher=self.publisher,
            redrive_queue=self.queue,
            streak_timer=self.timer,
            clock=self.harness.clock,
        )

    def mark_relayed(self, done: Sequence[Entry | None]) -> None:
        """Move relayed entries from `waiting` to `relayed`."""
        self.relayed += [entry for entry in self.waiting if entry in done]
        self.waiting = [entry for entry in self.waiting if entry not in done]
