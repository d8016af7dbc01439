"""Any commands of fans, Stripe, operators and workers, in any order, compared with the model."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from chalicelib.domain.entries import Entry, shard_entry
from chalicelib.domain.operators import Decision, GrantOrder
from chalicelib.domain.payments import Dispute
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reversals import money_state
from chalicelib.domain.settlements import payment_entry_id
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import audit_ledger
from chalicelib.usecases.event_slices import object_of
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift
from chalicelib.usecases.recovery import redrive, sweep
from chalicelib.usecases.reviews import settle_review
from tests.domain.builders import a_dispute, a_refund, an_act, booked
from tests.fake_operators import FakeJournal, FakeOperators
from tests.fake_services import FakeSweepServices, settlement_services
from tests.fake_totals import FakeTotals
from tests.fake_work import FakeWorkPositions
from tests.fakes import FakeClock
from tests.properties.checkout_machine import CheckoutMachine, ProviderEvent, fans, faults, places
from tests.properties.giving_machine import GivingMachine
from tests.properties.model import Moved, Name
from tests.properties.outcomes import outcome_of
from tests.properties.profile import COMMANDS, MACHINE
from tests.usecases.checkout_harness import a_hint
from tests.usecases.reconcile_harness import Reconciler

REFUND_WORDS = ["pending", "succeeded", "succeeded", "requires_action", "failed", "canceled", "reversed"]
DISPUTE_WORDS = ["needs_response", "under_review", "lost", "won", "blocked", "resolved", "warning_needs_response",
                 "invented"]  # fmt: skip
STEPS = ["find_purchase_ref", "find_entry", "read_money", "update_kept_amount", "post_purchase", "file_review"]
MINUTE = timedelta(minutes=1)

deliveries = st.sampled_from([0, 1, 1, 1, 2])
"""Number of first deliveries of a webhook: none, one or two."""


class CoinpurseMachine(GivingMachine):
    """Add refunds, disputes, operators' acts and workers to the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = FakeOperators(self.harness.books)
        self.journal = FakeJournal(self.harness.books, shards=1)
        self.totals = FakeTotals(self.harness.books)
        self.positions = FakeWorkPositions()
        self.refunds: dict[str, list[Moved]] = {}
        self.disputes: dict[str, list[Moved]] = {}
        self.reconciler = Reconciler(self.harness, self.journal)
        self.reconciled: datetime | None = None
        self.looked: dict[str, datetime] = {}

    @initialize()
    def start_sweeping(self) -> None:
        self.sweep()

    # --- money --------------------------------------------------------------------------------------------------------

    @rule(place=places, amount=st.integers(1, 80), word=st.sampled_from(REFUND_WORDS), times=deliveries, fault=faults,
          step=st.sampled_from(STEPS))  # fmt: skip
    def refund(self, place: int, amount: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = self.payment_at(place)
        self.refunds.setdefault(payment, []).append((amount, word))
        self.move_money_of(payment, "refund.created", times, fault, step)

    @precondition(lambda self: self.refunds)
    @rule(place=places, word=st.sampled_from(REFUND_WORDS), times=deliveries, fault=faults, step=st.sampled_from(STEPS))
    def advance_a_refund(self, place: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = change_one(self.refunds, place, word)
        self.move_money_of(payment, "refund.updated", times, fault, step)

    @rule(place=places, amount=st.sampled_from([74, 74, 37]), word=st.sampled_from(DISPUTE_WORDS), times=deliveries,
          fault=faults, step=st.sampled_from(STEPS))  # fmt: skip
    def dispute(self, place: int, amount: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = self.payment_at(place)
        self.disputes.setdefault(payment, []).append((amount, word))
        self.move_money_of(payment, "charge.dispute.created", times, fault, step)

    @precondition(lambda self: self.disputes)
    @rule(place=places, word=st.sampled_from(DISPUTE_WORDS), times=deliveries, fault=faults,
          step=st.sampled_from(STEPS))  # fmt: skip
    def advance_a_dispute(self, place: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = change_one(self.disputes, place, word)
        self.move_money_of(payment, "charge.dispute.updated", times, fault, step)

    def payment_at(self, place: int) -> str:
        return list(self.paid)[place % len(self.paid)]

    def move_money_of(self, payment: str, kind: str, times: int, fault: str | None, step: str) -> None:
        session = self.harness.provider.find_session(payment)
        assert session is not None
        currency = session.currency
        self.harness.move_money(
            payment=payment,
            captured_minor=self.harness.provider.money[payment].captured_minor,
            refunds=[a_refund(part, word, currency) for part, word in self.refunds.get(payment, [])],
            disputes=[disputed(part, word, currency) for part, word in self.disputes.get(payment, [])],
        )
        event = self.record_event(a_hint(payment, kind), "sync", self.paid[payment])
        for _ in range(times):
            self.deliver(event, fault, step)

    def deliver(self, event: ProviderEvent, fault: str | None = None, step: str = "update_kept_amount") -> None:
        """Deliver an event.

        A sync of refunds makes several writes: after a lost response only the final outcome is compared.
        """
        if event.word != "sync":
            super().deliver(event, fault)
            return
        if fault:
            getattr(self.harness.recorder, fault)[step] = TryAgain()
        answer = outcome_of(lambda: self.harness.deliver(event.stripe_event))
        self.harness.recorder.fail_before.clear()
        self.harness.recorder.fail_after.clear()
        expected = self.predicted_outcome(event)
        if answer == "try_again":
            answer = expected = outcome_of(lambda: self.harness.deliver(event.stripe_event))
        assert answer == expected != "try_again"

    def predicted_outcome(self, event: ProviderEvent) -> str:
        if event.word != "sync":
            return self.model.apply_event(event.word, event.paid)
        payment = event.paid.payment
        state = money_state(self.harness.provider.money[payment])
        return self.model.sync_refunds(event.paid, self.refunds.get(payment, []), self.disputes.get(payment, []), state)

    # --- operators ----------------------------------------------------------------------------------------------------

    @rule(name=CheckoutMachine.names, coins=st.sampled_from([1, 500, -40]))
    def grant(self, name: Name, coins: int) -> None:
        order = GrantOrder(act=an_act(key=name[1]), user_id=name[0], coins=coins)
        ledger, clock = self.harness.books, self.harness.clock
        granted = outcome_of(lambda: grant_coins(order, ledger=ledger, operators=self.operators, clock=clock).is_repeat)
        assert granted == self.model.grant(name, coins)

    @rule(name=CheckoutMachine.names, gift=CheckoutMachine.names)
    def reverse(self, name: Name, gift: Name) -> None:
        def call() -> bool:
            act, ledger = an_act(key=name[1]), self.harness.ledger
            return reverse_gift(*gift, act, ledger=ledger, operators=self.operators, clock=self.harness.clock).is_repeat

        assert outcome_of(call) == self.model.reverse(gift, name[1])

    @rule(name=CheckoutMachine.names, fan=fans, is_frozen=st.booleans())
    def freeze(self, name: Name, fan: str, *, is_frozen: bool) -> None:
        def call() -> str:
            freeze_wallet(
                fan, an_act(key=name[1]), is_frozen=is_frozen, operators=self.operators, clock=self.harness.clock
            )
            return "done"

        assert outcome_of(call) == self.model.freeze(fan, name[1], is_frozen=is_frozen)

    @precondition(lambda self: self.model.reviews)
    @rule(name=CheckoutMachine.names, place=places, decision=st.sampled_from(["credit", "refuse"]))
    def settle(self, name: Name, place: int, decision: Decision) -> None:
        payment = list(self.model.reviews)[place % len(self.model.reviews)]
        review = self.harness.books.reviews[payment]

        def call() -> str:
            settle_review(review.ref, decision, an_act(key=name[1]), settlement_services(self.harness, self.operators))
            return "done"

        own = review.user_id, payment_entry_id(review.paid_at, payment)
        answer = self.model.settle(payment, decision, name[1], own)
        if answer == "done" and decision == "credit":
            self.predicted_outcome(ProviderEvent(self.events[0].stripe_event, "sync", self.paid[payment]))
        assert outcome_of(call) == answer

    # --- workers ------------------------------------------------------------------------------------------------------

    @rule()
    def reconcile(self) -> None:
        """Look once at what the events since the last run are about, in order, except for the most recent ones."""
        now = self.harness.clock.now()
        outcomes = self.reconciler.reconcile()
        until = (now - 5 * MINUTE).replace(microsecond=0)
        since = max(self.reconciled or now - timedelta(days=30), now - timedelta(days=30))
        groups: dict[str, list[ProviderEvent]] = {}
        for event in sorted(self.events, key=lambda event: event.stripe_event.created_at):
            if since <= event.stripe_event.created_at < until:
                groups.setdefault(object_of(event.stripe_event), []).append(event)
        fresh = [
            group[-1]
            for name, group in groups.items()
            if self.looked.get(name, now - timedelta(days=99)) <= group[-1].stripe_event.created_at + MINUTE
        ]
        assert outcomes == Counter(self.predicted_outcome(event) for event in fresh)
        self.looked |= {object_of(event.stripe_event): now for event in fresh}
        self.reconciled = max(since, until)

    @rule()
    def sweep(self) -> None:
        """Sweep the entries that the stream did not bring within ten minutes. Rejected messages are retried."""
        lost = [entry.event_id for entry in self.waiting if self.is_lost(entry)]
        sweep(self.sweep_services(), range(1))
        published = {message.id for message in self.publisher.published}
        assert published.issuperset(lost)
        self.mark_relayed([entry for entry in self.waiting if entry.event_id in published])

    def is_lost(self, entry: Entry) -> bool:
        """Return True if the entry is old, and neither received nor published."""
        gift, books = shard_entry(entry), self.harness.books
        is_old = entry.posted_at is not None and entry.posted_at <= self.harness.clock.now() - 10 * MINUTE
        if gift is None:
            return is_old and entry.entry_id not in books.published_entries
        shard = books.shards.get((str(gift.creator_id), gift.shard))
        return is_old and (shard is None or gift.event_id not in shard.sequences)

    @rule(minutes=st.integers(0, 3000))
    def redrive(self, minutes: int) -> None:
        """Publish all entries of the time range again, but the youngest."""
        now = self.harness.clock.now()
        assert redrive(now - minutes * MINUTE, now, self.sweep_services(), range(1)) == []
        before = len(self.publisher.published)
        self.sweep()
        again = {message.id for message in self.publisher.published[before:]}
        entries = [entry for known in self.harness.books.entries.values() for entry in known.values()]
        assert again >= {
            entry.event_id
            for entry in entries
            if entry.posted_at and now - minutes * MINUTE <= entry.posted_at <= now - 10 * MINUTE
        }

    def sweep_services(self) -> FakeSweepServices:
        return FakeSweepServices(
            ledger=self.harness.ledger,
            publisher=self.publisher,
            redrive_queue=self.queue,
            streak_timer=self.timer,
            clock=self.harness.clock,
            journal=self.journal,
            positions=self.positions,
        )

    @rule()
    def audit(self) -> None:
        assert audit_ledger(self, parts=[0]).mismatches == []

    @property
    def clock(self) -> FakeClock:
        return self.harness.clock

    @invariant()
    def kept_amounts_equal_the_model(self) -> None:
        entries = [entry for known in self.harness.books.entries.values() for entry in known.values()]
        kept = {
            (entry.user_id, entry.entry_id): entry.coins * entry.kept_minor // entry.amount_minor
            for entry in entries
            if isinstance(entry, Purchase) and entry.kept_minor is not None
        }
        assert kept == self.model.kept

    @invariant()
    def wallets_are_frozen_as_in_the_model(self) -> None:
        for fan in ("ana", "ben"):
            assert bool(self.harness.books.read_wallet(fan).freeze_reasons) is self.model.is_frozen(fan)


def disputed(amount: int, word: str, currency: str) -> Dispute:
    """Build a dispute. A prevented one was blocked, or resolved with the money; an invented status has taken it."""
    status = "prevented" if word in {"blocked", "resolved"} else word
    if word in {"resolved", "invented"}:
        return a_dispute(amount, status, currency, bookings=booked(-amount, currency=currency))
    return a_dispute(amount, status, currency)


def change_one(movements: dict[str, list[Moved]], place: int, word: str) -> str:
    """Change the status of one refund or dispute. Returns its payment."""
    payment = list(movements)[place % len(movements)]
    own = movements[payment]
    own[place % len(own)] = (own[place % len(own)][0], word)
    return payment


TestCoinpurseMachine = pytest.mark.timeout(300 + COMMANDS // 100)(CoinpurseMachine.TestCase)
TestCoinpurseMachine.settings = MACHINE
