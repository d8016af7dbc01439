"""What fans and creators do, and what the provider tells of a payment, asked of the use cases and of a model."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import KEY_WINDOW, uuid7_time
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import CoinpurseError, TryAgain
from chalicelib.usecases.relay import relay_entries
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item, a_purchase
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import PAUSE, session_of, uuid7_at
from tests.invariants import Books, books_of, broken, changed
from tests.properties.model import Model, Name, Payment
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event

COINS = {"coins_70": 70, "coins_700": 700}
COSTS = {"rose": 1, "cake": 35, "rocket": 600}
CATALOGUE = a_catalogue(
    *[a_bundle(bundle_id, coins) for bundle_id, coins in COINS.items()],
    *[a_gift_item(item_id, cost) for item_id, cost in COSTS.items()],
)
KINDS = {"unpaid": "completed", "failed": "async_payment_failed", "expired": "expired"}
THE_PROVIDERS = ("post_purchase", "move_purchase", "file_review")
WRITES = ("open_purchase", "post_gift", *THE_PROVIDERS)

Wish = tuple[str, str, int]
"""Creator, item and quantity."""
Odds = tuple[dict[str, Any], bool]
"""How a payment differs from the one that was asked for, and whether the quote still holds."""

fans = st.sampled_from(["ana", "ben"])
wishes = st.tuples(st.sampled_from(["cleo", "dora"]), st.sampled_from(sorted(COSTS)), st.sampled_from([1, 1, 2]))
places = st.integers(0, 10**6)
faults = st.sampled_from([None, None, None, "fail_before", "fail_after"])
odds: st.SearchStrategy[Odds] = st.sampled_from(
    [({}, True), ({}, True), ({}, True), ({"total_minor": 1}, False), ({"currency": "eur"}, False)]
)


class News(NamedTuple):
    """Something that happened at the provider, and what the model makes of it."""

    event: StripeEvent
    word: str
    paid: Payment


class Stories(RuleBasedStateMachine):
    """Each step is asked of the use cases and of the model; then the invariants are looked at."""

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
        self.told: list[Entry] = []
        self.before = Books()
        self.minted = 0
        self.news: list[News] = []
        self.paid: dict[str, Payment] = {}

    @initialize(target=names, fan=fans)
    def begin_with_coins(self, fan: str) -> Name:
        name = self.new_name(fan)
        self.open(name, "coins_700")
        self.deliver(self.happens(name, "completed", "paid", "pi_first"))
        return name

    @rule(target=names, fan=fans, name=names)
    def make_a_key_or_borrow_one(self, fan: str, name: Name) -> Name:
        return self.new_name(fan) if fan == name[0] else (fan, name[1])

    @rule(target=names, fan=fans, bundle_id=st.sampled_from(sorted(COINS)))
    def open_a_checkout(self, fan: str, bundle_id: str) -> Name:
        name = self.new_name(fan)
        self.open(name, bundle_id)
        return name

    @rule(target=names, wish=wishes, fan=fans)
    def give(self, wish: Wish, fan: str) -> Name:
        name = self.new_name(fan)
        self.send(name, wish)
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

    @rule(name=names, wish=wishes, fault=faults)
    def give_again(self, name: Name, wish: Wish, fault: str | None) -> None:
        self.send(name, wish, fault)

    @rule(
        name=names,
        kind=st.sampled_from(["completed", "async_payment_succeeded"]),
        odd=odds,
        number=st.sampled_from([1, 1, 1, 2]),
        fault=faults,
        is_lost=st.booleans(),
    )
    def pay(self, name: Name, kind: str, odd: Odds, number: int, fault: str | None, *, is_lost: bool) -> None:
        changes, is_as_quoted = odd
        payment_intent = f"pi_{number}_{'' if is_as_quoted else 'odd_'}{'_'.join(name)}"
        news = self.happens(name, kind, "paid", payment_intent, is_as_quoted=is_as_quoted, **changes)
        if not is_lost:
            self.deliver(news, fault)

    @rule(name=names, word=st.sampled_from(sorted(KINDS)), fault=faults)
    def leave_unpaid(self, name: Name, word: str, fault: str | None) -> None:
        self.deliver(self.happens(name, KINDS[word], word, "pi_none", payment_status="unpaid"), fault)

    @precondition(lambda self: self.news)
    @rule(place=places, fault=faults)
    def hear_again(self, place: int, fault: str | None) -> None:
        self.deliver(self.news[place % len(self.news)], fault)

    @precondition(lambda self: self.waiting)
    @rule(count=st.integers(1, 9), again=st.integers(0, 9), busy=st.booleans(), fault=faults)
    def relay(self, count: int, again: int, fault: str | None, *, busy: bool) -> None:
        batch = [*self.told[:again], *self.waiting[:count], *self.waiting[:again]]
        if busy:
            self.publisher.busy = {str(entry.event_id) for entry in batch[::2]}
        if fault:
            getattr(self.harness.watch, fault)["receive_gifts"] = TryAgain()
        self.run_relay(batch)
        self.publisher.busy = set()
        self.harness.watch.fail_before.clear()
        self.harness.watch.fail_after.clear()

    @rule()
    def drain(self) -> None:
        self.run_relay(list(self.waiting))
        assert self.waiting == []

    @invariant()
    def the_balances_are_the_models(self) -> None:
        assert self.harness.books.coins == self.model.coins
        assert self.harness.books.frozen == self.model.frozen
        assert {name: (found.user_id, found.coins) for name, found in self.harness.books.reviews.items()} == (
            self.model.reviews
        )

    @invariant()
    def the_statuses_are_the_models(self) -> None:
        entries = [entry for known in self.harness.books.entries.values() for entry in known.values()]
        found = {(entry.user_id, entry.entry_id): entry for entry in entries if not followed(entry)}
        assert found.keys() == self.model.wishes.keys()
        assert {name: entry.status for name, entry in found.items() if isinstance(entry, Purchase)} == self.model.status

    @invariant()
    def the_invariants_hold(self) -> None:
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
        self.the_invariants_hold()

    def new_name(self, fan: str) -> Name:
        self.minted += 1
        return fan, uuid7_at(self.harness.clock.now(), 10**9 + self.minted)

    def is_stale(self, name: Name) -> bool:
        return self.harness.clock.now() - uuid7_time(name[1]) > KEY_WINDOW

    def open(self, name: Name, bundle_id: str, fault: str | None = None, step: str = "open_purchase") -> None:
        self.ask(
            lambda: self.harness.open(user_id=name[0], purchase_id=name[1], bundle_id=bundle_id).is_repeat,
            lambda: self.model.open(name, (bundle_id,), COINS[bundle_id], 74, is_stale=self.is_stale(name)),
            fault,
            step,
        )

    def send(self, name: Name, wish: Wish, fault: str | None = None) -> None:
        creator_id, item_id, quantity = wish
        gift = {"creator_id": creator_id, "item_id": item_id, "quantity": quantity}
        self.ask(
            lambda: self.harness.send(user_id=name[0], gift_id=name[1], **gift).is_repeat,
            lambda: self.model.send(name, wish, COSTS[item_id] * quantity, is_stale=self.is_stale(name)),
            fault,
            "post_gift",
        )

    def happens(
        self, name: Name, kind: str, word: str, payment_intent: str, *, is_as_quoted: bool = True, **changes: Any
    ) -> News:
        """At the provider; nobody has told us yet. The first thing said of a payment is the truth."""
        known = self.harness.books.find_entry(*name)
        purchase = known if isinstance(known, Purchase) else a_purchase(user_id=name[0], purchase_id=name[1])
        session = session_of(purchase, payment_intent=payment_intent, **changes)
        paid = Payment(payment_intent, name, purchase.coins, is_as_quoted)
        if word == "paid" and payment_intent not in self.paid:
            self.paid[payment_intent] = paid
            self.harness.provider.sessions[payment_intent] = session
            self.harness.move_money(payment=payment_intent, captured_minor=session.total_minor)
        return self.note(a_stripe_event(kind, session), word, paid)

    def note(self, event: StripeEvent, word: str, paid: Payment) -> News:
        """What the provider remembers."""
        news = News(replace(event, created_at=self.harness.clock.now()), word, paid)
        self.news.append(news)
        self.harness.provider.listed.append(news.event)
        return news

    def deliver(self, news: News, fault: str | None = None) -> None:
        """A webhook arrives. Where its answer is lost, it comes again."""
        at = "move_purchase"
        if news.word == "paid":
            at = "file_review" if self.model.needs_review(news.paid) else "post_purchase"
        self.ask(lambda: self.harness.hear(news.event), lambda: self.model.hear(news.word, news.paid), fault, at)

    def ask(
        self, really: Callable[[], bool | str], of_the_model: Callable[[], str], fault: str | None, at: str
    ) -> None:
        """Ask both. When the answer is lost, the deed was done all the same, unless the fault came before the write."""
        if fault:
            getattr(self.harness.watch, fault)[at] = TryAgain()
        answer = word_for(really)
        getattr(self.harness.watch, fault or "fail_before").clear()
        if answer != "try_again":
            assert answer == of_the_model()
            return
        if fault == "fail_after" or at not in WRITES:
            of_the_model()
        if at in THE_PROVIDERS:
            # A fan may give up. The payment provider never does.
            assert word_for(really) == of_the_model()

    def run_relay(self, batch: list[Entry]) -> None:
        records = [
            PostedRecord(record_id=f"r{place}", keys={"SK": entry.entry_id}, entry=entry)
            for place, entry in enumerate(batch)
        ]
        retry = relay_entries(records, self.relay_of())
        self.tick_off([record.entry for record in records if record.record_id not in retry])

    def relay_of(self) -> FakeRelayServices:
        return FakeRelayServices(
            ledger=self.harness.ledger,
            publisher=self.publisher,
            redrive_queue=self.queue,
            streak_timer=self.timer,
            streak_pause=PAUSE,
            clock=self.harness.clock,
            source="/coinpurse/test",
            livemode=False,
        )

    def tick_off(self, done: Sequence[Entry | None]) -> None:
        """These need not be told any more."""
        self.told += [entry for entry in self.waiting if entry in done]
        self.waiting = [entry for entry in self.waiting if entry not in done]


def followed(entry: Entry) -> bool:
    """Whether it followed the money, or a streak: its id is not a caller's."""
    return isinstance(entry, NotificationEntry) or (isinstance(entry, Adjustment) and not entry.actor)


def word_for(really: Callable[[], bool | str]) -> str:
    """What came of it: the code of the error, the word for the counters, or whether it was new."""
    try:
        answer = really()
    except CoinpurseError as error:
        return error.code
    return {True: "repeat", False: "new"}[answer] if isinstance(answer, bool) else answer
