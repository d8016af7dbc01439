"""Anything that fans, creators, the payment provider and operators can do, and what workers mend, in any order."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from chalicelib.domain.entries import Entry, shard_entry
from chalicelib.domain.operators import Decision, GrantOrder
from chalicelib.domain.payments import Movement
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import audit_ledger
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift, settle_review
from chalicelib.usecases.reconcile import reconcile
from chalicelib.usecases.recovery import redrive, sweep
from tests.domain.builders import an_act
from tests.fake_operators import FakeJournal, FakeOperators
from tests.properties.giving import Giving
from tests.properties.model import Moved, Name
from tests.properties.profile import COMMANDS, STORIES
from tests.properties.stories import News, Stories, fans, faults, places, word_for
from tests.usecases.checkout_harness import a_hint

REFUND_WORDS = ["pending", "succeeded", "succeeded", "requires_action", "failed", "canceled", "reversed"]
DISPUTE_WORDS = ["needs_response", "under_review", "lost", "won", "prevented", "warning_needs_response", "invented"]
STEPS = ["find_purchase_ref", "find_entry", "read_money", "update_kept_amount", "post_purchase", "file_review"]
MINUTE = timedelta(minutes=1)

deliveries = st.sampled_from([0, 1, 1, 1, 2])
"""How often a webhook arrives at first: it may be lost, and come twice."""


class StoriesWithSettingChanges(Giving):
    """Money goes back and returns, operators do this and that, and what was lost is found."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = FakeOperators(self.harness.books)
        self.journal = FakeJournal(self.harness.books)
        self.refunds: dict[str, list[Moved]] = {}
        self.disputes: dict[str, list[Moved]] = {}
        self.reconciled: datetime | None = None

    @initialize()
    def begin_to_sweep(self) -> None:
        self.sweep()

    # --- money --------------------------------------------------------------------------------------------------------

    @rule(place=places, amount=st.integers(1, 80), word=st.sampled_from(REFUND_WORDS), times=deliveries, fault=faults,
          step=st.sampled_from(STEPS))  # fmt: skip
    def refund(self, place: int, amount: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = self.a_payment(place)
        self.refunds.setdefault(payment, []).append((amount, word))
        self.money_moves(payment, "refund.created", times, fault, step)

    @precondition(lambda self: self.refunds)
    @rule(place=places, word=st.sampled_from(REFUND_WORDS), times=deliveries, fault=faults, step=st.sampled_from(STEPS))
    def a_refund_moves_on(self, place: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = change_one(self.refunds, place, word)
        self.money_moves(payment, "refund.updated", times, fault, step)

    @rule(place=places, amount=st.sampled_from([74, 74, 37]), word=st.sampled_from(DISPUTE_WORDS), times=deliveries,
          fault=faults, step=st.sampled_from(STEPS))  # fmt: skip
    def dispute(self, place: int, amount: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = self.a_payment(place)
        self.disputes.setdefault(payment, []).append((amount, word))
        self.money_moves(payment, "charge.dispute.created", times, fault, step)

    @precondition(lambda self: self.disputes)
    @rule(place=places, word=st.sampled_from(DISPUTE_WORDS), times=deliveries, fault=faults,
          step=st.sampled_from(STEPS))  # fmt: skip
    def a_dispute_moves_on(self, place: int, word: str, times: int, fault: str | None, step: str) -> None:
        payment = change_one(self.disputes, place, word)
        self.money_moves(payment, "charge.dispute.updated", times, fault, step)

    def a_payment(self, place: int) -> str:
        return list(self.paid)[place % len(self.paid)]

    def money_moves(self, payment: str, kind: str, times: int, fault: str | None, step: str) -> None:
        session = self.harness.provider.find_session(payment)
        assert session is not None
        currency = session.currency
        self.harness.move_money(
            payment=payment,
            captured_minor=self.harness.provider.money[payment].captured_minor,
            refunds=[
                Movement(amount_minor=part, currency=currency, status=word)
                for part, word in self.refunds.get(payment, [])
            ],
            disputes=[
                Movement(amount_minor=part, currency=currency, status=word)
                for part, word in self.disputes.get(payment, [])
            ],
        )
        news = self.note(a_hint(payment, kind), "look", self.paid[payment])
        for _ in range(times):
            self.deliver(news, fault, step)

    def deliver(self, news: News, fault: str | None = None, step: str = "update_kept_amount") -> None:
        """What a hint does, it does in several writes: where the answer is lost, only the end is the model's."""
        if news.word != "look":
            super().deliver(news, fault)
            return
        if fault:
            getattr(self.harness.watch, fault)[step] = TryAgain()
        answer = word_for(lambda: self.harness.hear(news.event))
        self.harness.watch.fail_before.clear()
        self.harness.watch.fail_after.clear()
        expected = self.what_the_model_makes_of(news)
        if answer == "try_again":
            answer = expected = word_for(lambda: self.harness.hear(news.event))
        assert answer == expected != "try_again"

    def what_the_model_makes_of(self, news: News) -> str:
        if news.word != "look":
            return self.model.hear(news.word, news.paid)
        payment = news.paid.payment
        return self.model.look(news.paid, self.refunds.get(payment, []), self.disputes.get(payment, []))

    # --- operators ----------------------------------------------------------------------------------------------------

    @rule(name=Stories.names, coins=st.sampled_from([1, 500, -40]))
    def grant(self, name: Name, coins: int) -> None:
        order = GrantOrder(act=an_act(key=name[1]), user_id=name[0], coins=coins)
        clock = self.harness.clock
        answer = word_for(lambda: grant_coins(order, operators=self.operators, clock=clock).is_repeat)
        assert answer == self.model.grant(name, coins)

    @rule(name=Stories.names, gift=Stories.names)
    def reverse(self, name: Name, gift: Name) -> None:
        def really() -> bool:
            act, ledger = an_act(key=name[1]), self.harness.ledger
            return reverse_gift(*gift, act, ledger=ledger, operators=self.operators, clock=self.harness.clock).is_repeat

        assert word_for(really) == self.model.reverse(gift, name[1])

    @rule(name=Stories.names, fan=fans, is_frozen=st.booleans())
    def freeze(self, name: Name, fan: str, *, is_frozen: bool) -> None:
        def really() -> str:
            freeze_wallet(
                fan, an_act(key=name[1]), is_frozen=is_frozen, operators=self.operators, clock=self.harness.clock
            )
            return "done"

        assert word_for(really) == self.model.freeze(fan, name[1], is_frozen=is_frozen)

    @precondition(lambda self: self.model.reviews)
    @rule(name=Stories.names, place=places, decision=st.sampled_from(["credit", "refuse"]))
    def settle(self, name: Name, place: int, decision: Decision) -> None:
        payment = list(self.model.reviews)[place % len(self.model.reviews)]
        month = self.harness.books.reviews[payment].month

        def really() -> str:
            settle_review(
                month, payment, decision, an_act(key=name[1]), operators=self.operators, clock=self.harness.clock
            )
            return "done"

        assert word_for(really) == self.model.settle(payment, decision, name[1])

    # --- workers ------------------------------------------------------------------------------------------------------

    @rule()
    def reconcile(self) -> None:
        """Everything since the last time is handled again, in its order, but for what may still be on its way."""
        now = self.harness.clock.now()
        outcomes = reconcile(self.harness.intake(), journal=self.journal)
        since = max(self.reconciled or now - timedelta(days=3), now - timedelta(days=30))
        listed = [news for news in self.news if since - 60 * MINUTE <= news.event.created_at <= now - 5 * MINUTE]
        assert outcomes == Counter(self.what_the_model_makes_of(news) for news in listed)
        self.reconciled = max(since, now - 5 * MINUTE)

    @rule()
    def sweep(self) -> None:
        """The stream has ten minutes: what it has not brought by then is found. Busy topics are asked again."""
        lost = [entry.event_id for entry in self.waiting if self.is_lost(entry)]
        sweep(self.relay_of(), journal=self.journal)
        heard = {announcement.id for announcement in self.publisher.published}
        assert heard.issuperset(lost)
        self.tick_off([entry for entry in self.waiting if entry.event_id in heard])

    def is_lost(self, entry: Entry) -> bool:
        """Whether it is old, and nobody has received or announced it."""
        gift, books = shard_entry(entry), self.harness.books
        is_old = entry.posted_at is not None and entry.posted_at <= self.harness.clock.now() - 10 * MINUTE
        if gift is None:
            return is_old and entry.entry_id not in books.announced
        shard = books.shards.get((gift.creator_id, gift.shard))
        return is_old and (shard is None or gift.event_id not in shard.sequences)

    @rule(minutes=st.integers(0, 3000))
    def redrive(self, minutes: int) -> None:
        """All of a stretch is told again."""
        now = self.harness.clock.now()
        redrive(now - minutes * MINUTE, now, self.relay_of(), journal=self.journal)
        self.tick_off(
            [entry for entry in self.waiting if entry.posted_at and entry.posted_at >= now - minutes * MINUTE]
        )

    @rule()
    def audit(self) -> None:
        assert audit_ledger(journal=self.journal, clock=self.harness.clock) == []

    @invariant()
    def the_shares_are_the_models(self) -> None:
        entries = [entry for known in self.harness.books.entries.values() for entry in known.values()]
        kept = {
            (entry.user_id, entry.entry_id): entry.coins * entry.kept_minor // entry.amount_minor
            for entry in entries
            if isinstance(entry, Purchase) and entry.kept_minor is not None
        }
        assert kept == self.model.kept


def change_one(movements: dict[str, list[Moved]], place: int, word: str) -> str:
    """One refund or dispute has a new status. Returns its payment."""
    payment = list(movements)[place % len(movements)]
    own = movements[payment]
    own[place % len(own)] = (own[place % len(own)][0], word)
    return payment


TestStories = pytest.mark.timeout(300 + COMMANDS // 100)(StoriesWithSettingChanges.TestCase)
TestStories.settings = STORIES
