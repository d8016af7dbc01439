"""The invariants of the ledger, checked on the fake, on a table or on an export.

I1  a wallet's coins are the sum of its posted entries
I2  a purchase is credited once, and a payment credits one purchase
I3  a posted gift has exactly one entry in the creator's shard, with the same coins, and a reversed gift a second one
    with the negative amount; a shard's total is the sum of its entries; its sequences have no gaps
I4  the published ids are the event ids of the posted entries
I5  a wallet is negative by at most the coins clawed back from it and not restored
I6  every amount is an int within +-(2^53 - 1), which JSON readers keep exactly
I7  posted entries and quotes never change
I8  coins granted by a purchase, less clawbacks, plus restores = floor(coins x kept amount / paid amount)
I10 a wallet counts its purchases with an open and with a lost dispute
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry, shard_entry
from chalicelib.domain.events import Message
from chalicelib.domain.gifts import Gift
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.purchases import DisputeHold, Purchase, Status
from chalicelib.domain.wallets import Wallet
from tests.fakes import FakeLedger

T = TypeVar("T")


class Received(Struct, frozen=True, kw_only=True):
    """A gift's entry in a creator's shard."""

    creator_id: str
    shard: int
    event_id: str
    coins: int
    sequence: int


class ShardTotal(Struct, frozen=True, kw_only=True):
    """The stored total of a creator's shard."""

    creator_id: str
    shard: int
    coins: int
    gifts: int


class Books(Struct, frozen=True, kw_only=True):
    """A snapshot of the whole ledger. `published` holds the published event ids, with repeats."""

    wallets: Sequence[Wallet] = ()
    entries: Sequence[Entry] = ()
    received: Sequence[Received] = ()
    shards: Sequence[ShardTotal] = ()
    published: Collection[str] = ()

    @property
    def posted(self) -> list[Entry]:
        """The posted entries."""
        return [entry for entry in self.entries if not isinstance(entry, Purchase) or entry.status is Status.POSTED]


def books_of(ledger: FakeLedger, published: Sequence[Message]) -> Books:
    """Build the snapshot of a fake ledger."""
    entries = [entry for known in ledger.entries.values() for entry in known.values()]
    coins = {gift.event_id: gift.creator_coins for gift in map(shard_entry, entries) if gift}
    return Books(
        wallets=[ledger.read_wallet(user_id) for user_id in ledger.coins],
        entries=entries,
        received=[
            Received(creator_id=creator_id, shard=shard, event_id=event_id, coins=coins[event_id], sequence=sequence)
            for (creator_id, shard), received in ledger.shards.items()
            for event_id, sequence in received.sequences.items()
        ],
        shards=[
            ShardTotal(creator_id=creator_id, shard=shard, coins=received.coins, gifts=len(received.sequences))
            for (creator_id, shard), received in ledger.shards.items()
        ],
        published=[message.id for message in published],
    )


def broken(books: Books, *, is_drained: bool) -> list[str]:
    """Return the violated invariants, one sentence each. `is_drained`: the relay has processed every record."""
    return [
        *_wallets(books),
        *_debts(books),
        *_credits(books),
        *_shares(books),
        *_holds(books),
        *_gifts(books, is_drained=is_drained),
        *_shards(books),
        *_published(books, is_drained=is_drained),
        *_amounts(books),
    ]


def changed(before: Books, after: Books) -> list[str]:
    """Return the posted entries and quotes that differ between two snapshots (I7), one sentence each."""
    now = {(entry.user_id, entry.entry_id): entry for entry in after.entries}
    altered = [
        entry
        for entry in before.posted
        if _frozen_part(now.get((entry.user_id, entry.entry_id))) != _frozen_part(entry)
    ]
    quoted = [
        entry
        for entry in before.entries
        if isinstance(entry, Purchase) and _is_requoted(entry, now.get((entry.user_id, entry.entry_id)))
    ]
    return [f"I7: {entry.entry_id} of {entry.user_id} changed" for entry in [*altered, *quoted]]


def _frozen_part(entry: Entry | None) -> Entry | None:
    """Return the entry without the fields that may change: what money came back, and its version."""
    if not isinstance(entry, Purchase):
        return entry
    return replace(entry, kept_minor=None, hold=None, returned_payments=frozenset(), version=1)


def _is_requoted(entry: Purchase, now: Entry | None) -> bool:
    """Return True if the quote changed, other than by an operator's credit, which posts what was paid."""
    is_credited = isinstance(now, Purchase) and now.actor is not None
    return not is_credited and _quote(now) != _quote(entry)


def _quote(entry: Entry | None) -> tuple[object, ...]:
    assert isinstance(entry, Purchase | None)
    return () if entry is None else (entry.bundle_id, entry.coins, entry.amount_minor, entry.currency)


def _coins(entry: Entry) -> int:
    return -entry.price_coins if isinstance(entry, Gift) else entry.coins


def _clawbacks_and_restores(books: Books) -> list[Adjustment]:
    """Return the clawbacks and restores, of refunds and disputes as well as of operators."""
    adjustments = [entry for entry in books.posted if isinstance(entry, Adjustment)]
    return [entry for entry in adjustments if entry.kind in {Kind.CLAWBACK, Kind.RESTORE}]


def _wallets(books: Books) -> Iterator[str]:
    sums = Counter[str]()
    for entry in books.posted:
        sums[entry.user_id] += _coins(entry)
    held = {wallet.user_id: wallet.coins for wallet in books.wallets}
    for user_id in sorted(sums.keys() | held.keys()):
        if sums[user_id] != held.get(user_id, 0):
            yield f"I1: the wallet of {user_id} has {held.get(user_id, 0)} coins, its entries {sums[user_id]}"


def _debts(books: Books) -> Iterator[str]:
    taken = Counter[str]()
    for adjustment in _clawbacks_and_restores(books):
        taken[adjustment.user_id] -= adjustment.coins
        if (adjustment.coins < 0) is not (adjustment.kind is Kind.CLAWBACK):
            yield f"I5: {adjustment.entry_id} is a {adjustment.kind} of {adjustment.coins} coins"
    for wallet in books.wallets:
        if wallet.coins < min(0, -taken[wallet.user_id]):
            yield f"I5: the wallet of {wallet.user_id} has {wallet.coins} coins, {taken[wallet.user_id]} were taken"


def _shares(books: Books) -> Iterator[str]:
    moved = Counter[tuple[str, str | None]]()
    for adjustment in _clawbacks_and_restores(books):
        if not adjustment.actor:
            moved[adjustment.user_id, adjustment.about] += adjustment.coins
    for entry in books.posted:
        if isinstance(entry, Purchase):
            granted = entry.coins + moved.pop((entry.user_id, entry.entry_id), 0)
            kept_minor = entry.amount_minor if entry.kept_minor is None else entry.kept_minor
            due = entry.coins * kept_minor // entry.amount_minor if entry.amount_minor else entry.coins
            if not 0 <= kept_minor <= entry.amount_minor or granted != due:
                yield f"I8: {entry.entry_id} granted {granted} of {entry.coins} coins, kept {kept_minor} of its money"
    yield from (f"I8: {about} was never posted, and {coins} coins follow it" for about, coins in moved.items())


def _holds(books: Books) -> Iterator[str]:
    held = Counter((entry.user_id, entry.hold) for entry in books.entries if isinstance(entry, Purchase))
    for wallet in books.wallets:
        counted = wallet.open_disputes, wallet.lost_disputes
        if counted != tuple(held[wallet.user_id, hold] for hold in DisputeHold):
            yield f"I10: the wallet of {wallet.user_id} counts {counted} disputes, its purchases others"


def _credits(books: Books) -> Iterator[str]:
    ids = Counter((entry.user_id, entry.entry_id) for entry in books.entries)
    purchases = [entry for entry in books.posted if isinstance(entry, Purchase)]
    # A month that was paid outside Stripe has no payment there.
    payments = Counter(entry.payment_intent for entry in purchases if entry.payment_intent)
    yield from (f"I2: entry {entry_id} of {user_id} is there twice" for (user_id, entry_id) in _repeated(ids))
    yield from (f"I2: payment {payment} credits two purchases" for payment in _repeated(payments))


def _gifts(books: Books, *, is_drained: bool) -> Iterator[str]:
    sent: Counter[tuple[str | None, int, str, int]] = Counter(
        (gift.creator_id, gift.shard, gift.event_id, gift.creator_coins)
        for gift in map(shard_entry, books.posted)
        if gift
    )
    received: Counter[tuple[str | None, int, str, int]] = Counter(
        (gift.creator_id, gift.shard, gift.event_id, gift.coins) for gift in books.received
    )
    yield from (f"I3: received and not sent like this, or twice: {gift}" for gift in received - sent)
    if is_drained:
        yield from (f"I3: sent and not received like this: {gift}" for gift in sent - received)


def _shards(books: Books) -> Iterator[str]:
    by_shard: dict[tuple[str, int], list[Received]] = defaultdict(list)
    for gift in books.received:
        by_shard[gift.creator_id, gift.shard].append(gift)
    totals = {(shard.creator_id, shard.shard): (shard.coins, shard.gifts) for shard in books.shards}
    for name in sorted(by_shard.keys() | totals.keys()):
        gifts = by_shard.get(name, [])
        if totals.get(name) != (sum(gift.coins for gift in gifts), len(gifts)):
            yield f"I3: shard {name} says {totals.get(name)}, and its entries say otherwise"
        if sorted(gift.sequence for gift in gifts) != list(range(1, len(gifts) + 1)):
            yield f"I3: the sequences of shard {name} have a gap or come twice"


def _published(books: Books, *, is_drained: bool) -> Iterator[str]:
    posted, published = {entry.event_id for entry in books.posted}, set(books.published)
    yield from (f"I4: {event_id} was published and not posted" for event_id in published - posted)
    if len(posted) != len(books.posted):
        yield "I4: two posted entries have one event id"
    if is_drained:
        yield from (f"I4: {event_id} was posted and not published" for event_id in posted - published)


def _amounts(books: Books) -> Iterator[str]:
    amounts = [
        *((wallet.user_id, wallet.coins) for wallet in books.wallets),
        *((entry.entry_id, _coins(entry)) for entry in books.entries),
        *((entry.entry_id, entry.amount_minor) for entry in books.entries if isinstance(entry, Purchase)),
        *((gift.event_id, gift.coins) for gift in books.received),
        *((shard.creator_id, shard.coins) for shard in books.shards),
    ]
    for name, amount in amounts:
        if type(amount) is not int or abs(amount) > MAX_AMOUNT:
            yield f"I6: {name} has an amount of {amount!r}"


def _repeated(counted: Counter[T]) -> Iterator[T]:
    return (thing for thing, count in counted.items() if count > 1)
