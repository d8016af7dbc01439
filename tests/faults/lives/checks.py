"""The invariants of a table, by the project's own check and by the one of operations; and Stripe's side of it."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import (
    ENTRIES,
    MEMBERSHIPS,
    RECEIVED,
    SHARD,
    WALLET,
    creator_id_of,
    entry_key,
    user_id_of,
    wallet_key,
)
from chalicelib.adapters.dynamodb.mapping import to_entry, to_wallet
from chalicelib.adapters.dynamodb.membership_rows import to_membership
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, EntryRow, MembershipRow, ShardRow, WalletRow
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.memberships import Membership, MembershipStatus
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import SUPERSEDED, Review, ReviewReason
from chalicelib.domain.spending import is_barred
from chalicelib.domain.wallets import Wallet
from infra.operations.exports import write_export
from infra.operations.ledger_rules import ALL_SETTLED, duck_ledger, find_wrong_figures
from tests.atomic_table import Key
from tests.fakes import START
from tests.faults.lives.budgets import SpentMoney
from tests.faults.lives.system import FANS, LivingSystem
from tests.invariants import Books, Received, ShardTotal, broken, changed
from tests.table_expressions import Item

T = TypeVar("T")


@dataclass
class LifeChecks:
    """The checks of one life. An item that has not changed is converted once."""

    system: LivingSystem
    before: Books = field(default_factory=Books)
    spent: SpentMoney = field(default_factory=SpentMoney)
    _converted: dict[tuple[object, Key], tuple[Item, Any]] = field(default_factory=dict)

    def after_step(self) -> list[str]:
        """Return the violated invariants, one sentence each."""
        system = self.system
        system.read_stream()
        books = self._books()
        is_drained = not (system.records or system.is_behind)
        before = replace(self.before, entries=[entry for entry in self.before.entries if not self._is_expired(entry)])
        found = [*broken(books, is_drained=is_drained), *changed(before, books), *_unpaid_credits(books, system)]
        found += _refusable(self.before, books)
        self.spent.follow(books, self._all(MEMBERSHIPS, _membership))
        found += self.spent.miscounted(books, self.system.clock.now())
        self.before = books
        return found

    def at_the_end(self) -> list[str]:
        """Return what differs from Stripe, or by the rules of operations, once everything was delivered."""
        system, books = self.system, self.before
        return [
            *_wrong_shares(books, system),
            *_wrong_reviews(books, system),
            *_wrong_members(system),
            *_wrong_figures(system),
        ]

    def _is_expired(self, entry: Entry) -> bool:
        if not isinstance(entry, Purchase) or entry.status is Status.POSTED:
            return False
        return (wallet_key(entry.user_id), entry_key(entry.entry_id)) not in self.system.table.items

    def _books(self) -> Books:
        return Books(
            wallets=self._all(WALLET, _wallet),
            entries=self._all(ENTRIES, _entry),
            received=self._all(RECEIVED, _received),
            shards=self._all(SHARD, _shard_total),
            published=[message.id for message in self.system.publisher.published],
        )

    def _all(self, sort_key: str, convert: Callable[[Item], T]) -> list[T]:
        """Convert the items whose sort key begins so."""
        return [
            self._kept(key, item, convert)
            for key, item in self.system.table.items.items()
            if key[1].startswith(sort_key)
        ]

    def _kept(self, key: Key, item: Item, convert: Callable[[Item], T]) -> T:
        known = self._converted.get((convert, key))
        if known is None or known[0] is not item:
            known = self._converted[convert, key] = item, convert(item)
        value: T = known[1]
        return value


def _wallet(item: Item) -> Wallet:
    return to_wallet(user_id_of(item["PK"]["S"]), WalletRow.from_raw_data(dict(item)))


def _entry(item: Item) -> Entry:
    return to_entry(EntryRow.from_raw_data(dict(item)))


def _membership(item: Item) -> Membership:
    return to_membership(MembershipRow.from_raw_data(dict(item)))


def _received(item: Item) -> Received:
    row = CreatorEntryRow.from_raw_data(dict(item))
    event_id = row.sk.removeprefix(RECEIVED)
    creator_id, shard = _creator(row.pk)
    return Received(creator_id=creator_id, shard=shard, event_id=event_id, coins=row.coins, sequence=row.sequence)


def _shard_total(item: Item) -> ShardTotal:
    row = ShardRow.from_raw_data(dict(item))
    creator_id, shard = _creator(row.pk)
    return ShardTotal(creator_id=creator_id, shard=shard, coins=row.coins, gifts=row.sequence)


def _creator(partition: str) -> tuple[str, int]:
    return creator_id_of(partition), int(partition.rpartition("#")[2])


def _refusable(before: Books, books: Books) -> Iterator[str]:
    """Find new gifts and checkouts that the wallet did not allow: it was frozen, excluded, or above its budget."""
    known = {(entry.user_id, entry.entry_id) for entry in before.entries}
    was = {wallet.user_id: wallet for wallet in before.wallets}
    now = {wallet.user_id: wallet for wallet in books.wallets}
    for entry in books.entries:
        is_checkout = isinstance(entry, Purchase) and entry.status is Status.PENDING
        if (entry.user_id, entry.entry_id) in known or not (isinstance(entry, Gift) or is_checkout):
            continue
        at = entry.created_at if isinstance(entry, Purchase) else entry.posted_at
        if is_barred(was.get(entry.user_id), at):
            yield f"rule: {entry.entry_id} of {entry.user_id} was made while the wallet was barred"
        budget = now[entry.user_id].budget
        if budget and min(*(budget.coins_left if isinstance(entry, Gift) else budget.money_left)) < 0:
            yield f"rule: {entry.entry_id} of {entry.user_id} is above the budget"


def _wrong_figures(system: LivingSystem) -> Iterator[str]:
    """Run the rules of operations over the table."""
    settled = START if system.records or system.is_behind else ALL_SETTLED
    with tempfile.TemporaryDirectory(prefix="coinpurse-lives-") as directory:
        export = write_export(system.table.items.values(), Path(directory), START)
        with duck_ledger(export, settled) as ledger:
            yield from map(str, find_wrong_figures(ledger).listed)


def _unpaid_credits(books: Books, system: LivingSystem) -> Iterator[str]:
    """Find credits of payments that did not succeed at Stripe (I2)."""
    for entry in books.posted:
        if isinstance(entry, Purchase) and entry.payment_intent:
            intent = system.stripe.store.payment_intents.get(entry.payment_intent)
            if intent is None or intent.status != "succeeded":
                yield f"I2: {entry.entry_id} is credited for {entry.payment_intent}, which was not paid"


def _wrong_shares(books: Books, system: LivingSystem) -> Iterator[str]:
    """Find purchases whose coins differ from the money that is kept at Stripe (I8)."""
    moved = Counter[tuple[str, str | None]]()
    for entry in books.posted:
        if isinstance(entry, Adjustment) and entry.kind in {Kind.CLAWBACK, Kind.RESTORE} and not entry.actor:
            moved[entry.user_id, entry.about] += entry.coins
    for entry in books.posted:
        if isinstance(entry, Purchase) and entry.payment_intent:
            kept_minor = system.stripe.kept_minor(entry.payment_intent, entry.amount_minor)
            if kept_minor is None:
                continue
            due = entry.coins * kept_minor // entry.amount_minor
            granted = entry.coins + moved[entry.user_id, entry.entry_id]
            if granted != due:
                yield f"I8: {entry.entry_id} grants {granted} coins for {kept_minor} of {entry.amount_minor}, not {due}"


def _wrong_reviews(books: Books, system: LivingSystem) -> Iterator[str]:
    """Find payments that are both credited and open in review, or neither credited nor in review."""
    credited = {entry.payment_intent for entry in books.posted if isinstance(entry, Purchase)}
    reviews = system.reviews()
    for review in reviews:
        if review.settlement is None and review.payment_id in credited:
            yield f"{review.payment_id} is credited and in review: {review.reason}"
    about = [each for each in reviews if each.reason is not ReviewReason.EARLY_FRAUD_WARNING and not _is_closed(each)]
    reviewed = {review.payment_id for review in about} | {review.session_id for review in about}
    for names in system.stripe.payments_of_coins():
        if not names & (credited | reviewed):
            yield f"{sorted(names)} was paid, and is neither credited nor in review"


def _is_closed(review: Review) -> bool:
    return review.settlement is not None and review.settlement.decision == SUPERSEDED


def _wrong_members(system: LivingSystem) -> Iterator[str]:
    """Find memberships that go on though their subscription has ended, or are not begun though it is paid."""
    for fan in FANS:
        for membership in system.memberships.list_memberships(fan):
            if membership.subscription_id is None:
                continue
            subscription = system.stripe.store.subscriptions.get(membership.subscription_id)
            is_over = subscription is None or subscription.status == "canceled"
            if is_over and membership.status is not MembershipStatus.ENDED:
                yield f"{membership.membership_id} is {membership.status}, and its subscription has ended"
