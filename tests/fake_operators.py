"""Fakes of the OperatorLedger and Journal ports, over the fake ledger's dictionaries."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zlib import crc32

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.entries import Entry, EntryRef, shard_entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JOURNAL_SHARDS, JournalLine, PostedRecord, hour_of
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import Freeze, Review, ReviewPage, ReviewRef, Settlement
from chalicelib.domain.settlements import Credit
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated, Stale
from tests.fake_memberships import FakeMemberships
from tests.fake_shards import ShardState
from tests.fake_totals import FakeTotals
from tests.fake_work import FakeWorkPositions
from tests.fakes import FakeLedger

_EMPTY = ShardState()


class FakeOperators:
    """The OperatorLedger port. Each call is atomic."""

    def __init__(self, ledger: FakeLedger, memberships: FakeMemberships | None = None) -> None:
        self.ledger = ledger
        self.memberships = memberships or FakeMemberships(ledger)
        self.freezes: dict[str, Freeze] = {}
        self.old_reviews: list[Review] = []
        """Reviews of the first release that are not copied."""
        self.acts: dict[str, tuple[str, str]] = {}
        """Kind and user id of each act, by key."""
        self.reversed_by: dict[tuple[str, str], str] = {}
        """Entry id of the reversal, by user id and gift id (gift ids are unique per user only)."""

    def grant(self, adjustment: Adjustment, wallet: Wallet | None = None) -> Posted | AlreadyExists | Stale | Conflict:
        earlier = self.ledger.find_entry(adjustment.user_id, adjustment.entry_id)
        if earlier:
            return AlreadyExists(entry=earlier)
        if adjustment.entry_id in self.acts:
            return Conflict()
        if wallet and not self.ledger.is_as_read(wallet):
            return Stale()
        self._record(adjustment.entry_id, adjustment.kind.value, adjustment.user_id)
        self.ledger.note_paid(wallet)
        self.ledger.adjust(adjustment)
        return Posted()

    def reverse_gift(
        self, adjustment: Adjustment, change: BudgetChange | None = None, streak_id: str | None = None
    ) -> Posted | AlreadyReversed | Stale | Conflict:
        name = adjustment.user_id, str(adjustment.about)
        gift = self.ledger.find_entry(*name)
        taken = self.ledger.find_entry(adjustment.user_id, adjustment.entry_id)
        if name in self.reversed_by:
            return AlreadyReversed(reversed_by=self.reversed_by[name])
        if not isinstance(gift, Gift) or taken or adjustment.entry_id in self.acts:
            return Conflict()
        streak = self.ledger.streaks.get(adjustment.user_id)
        if streak_id and (streak is None or streak.streak_id != streak_id):
            return Stale()
        if change and self.ledger.change_budget(adjustment.user_id, change) == Stale():
            return Stale()
        if streak_id and streak:
            rest = replace(streak, count=streak.count - 1, coins=streak.coins - adjustment.coins)
            self.ledger.streaks[adjustment.user_id] = rest
        self._record(adjustment.entry_id, adjustment.kind.value, adjustment.user_id)
        self.reversed_by[name] = adjustment.entry_id
        self.ledger.adjust(adjustment)
        return Posted()

    def freeze(self, freeze: Freeze) -> Posted | Repeated:
        act = "freeze" if freeze.is_frozen else "unfreeze", freeze.user_id
        if self.acts.get(freeze.key, act) != act:
            raise IdempotencyConflict
        if freeze.key in self.acts:
            return Repeated()
        self._record(freeze.key, *act)
        self.freezes[freeze.key] = freeze
        (self.ledger.frozen.add if freeze.is_frozen else self.ledger.frozen.discard)(freeze.user_id)
        return Posted()

    def list_reviews(self, month: str, after: str | None, limit: int, *, is_any_age: bool = False) -> ReviewPage:
        def is_listed(review: Review) -> bool:
            return f"{review.opened_at:%Y-%m}" == month or (is_any_age and review.settlement is None)

        return self._page(is_listed, after, limit)

    def list_open_reviews(self, after: str | None, limit: int) -> ReviewPage:
        return self._page(lambda review: review.settlement is None, after, limit)

    def list_old_reviews(self, month: str) -> Sequence[Review]:
        return [review for review in self.old_reviews if review.month == month]

    def copy_old_reviews(self, month: str) -> int:
        old = self.list_old_reviews(month)
        for review in old:
            self.ledger.file_review(review)
            self.old_reviews.remove(review)
        return len(old)

    def find_review(self, ref: ReviewRef) -> Review | None:
        found = [
            review
            for review in self.ledger.reviews.values()
            if (review.payment_id, review.moved) == (ref.payment_id, ref.moved)
        ]
        return found[0] if found else None

    def close_review(self, review: Review, settlement: Settlement) -> None:
        stored = self.ledger.reviews[review.name]
        if stored.settlement is None:
            self.ledger.reviews[review.name] = replace(stored, settlement=settlement)

    def _page(self, is_listed: Callable[[Review], bool], after: str | None, limit: int) -> ReviewPage:
        known = {f"{iso(review.opened_at)}#{review.name}": review for review in self.ledger.reviews.values()}
        places = sorted(place for place, review in known.items() if is_listed(review) and place > (after or ""))
        return ReviewPage(
            reviews=[known[place] for place in places[:limit]],
            after=places[limit - 1] if len(places) > limit else None,
        )

    def settle_review(
        self, review: Review, settlement: Settlement, credit: Credit | None
    ) -> Posted | AlreadySettled | Stale | Conflict:
        stored = self.ledger.reviews.get(review.name)
        if stored and stored.settlement:
            return AlreadySettled(review=stored)
        if stored is None or settlement.key in self.acts:
            return Conflict()
        if credit and not self._is_as_seen(credit):
            return Stale()
        self._record(settlement.key, f"settle {review.name}", review.user_id)
        self.ledger.reviews[review.name] = replace(stored, settlement=settlement)
        if credit:
            self.ledger.credit(credit.purchase, credit.before)
            if credit.member:
                self.memberships.known[credit.member.user_id, credit.member.membership_id] = credit.member
        return Posted()

    def _record(self, key: str, act: str, user_id: str) -> None:
        self.acts[key] = act, user_id

    def _is_as_seen(self, credit: Credit) -> bool:
        purchase, before = credit.purchase, credit.before
        entry = self.ledger.find_entry(purchase.user_id, purchase.purchase_id)
        if before is None and entry is not None:
            return False
        if before is not None and (
            not isinstance(entry, Purchase)
            or (entry.status is Status.POSTED, entry.is_released) != (False, before.is_released)
            or self.ledger.is_granted(purchase)
        ):
            return False
        if credit.member is None:
            return True
        member = self.memberships.known.get((credit.member.user_id, credit.member.membership_id))
        seen = credit.member_before
        return (member and member.version) == (seen and seen.version)


class FakeJournal:
    """The Journal port. With one shard, a test runs one part of each worker only."""

    def __init__(self, ledger: FakeLedger, shards: int = JOURNAL_SHARDS) -> None:
        self.ledger = ledger
        self.shards = shards
        self.watermarks: dict[str, datetime] = {}

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        hour = hour_of(after)
        lines = [_line(entry) for known in self.ledger.entries.values() for entry in known.values() if _posted(entry)]
        found = [
            line
            for line in lines
            if line.posted_at.replace(minute=0, second=0, microsecond=0) == hour
            and line.place > after
            and crc32(line.user_id.encode()) % self.shards == shard
        ]
        return sorted(found, key=lambda line: line.place)[:limit]

    def read_records(self, refs: Sequence[EntryRef]) -> Sequence[PostedRecord]:
        return [record for ref in refs if (record := self._record(ref))]

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        return [line for line in lines if not self._is_relayed(line)]

    def read_watermark(self, name: str) -> datetime | None:
        return self.watermarks.get(name)

    def _record(self, ref: EntryRef) -> PostedRecord | None:
        """Read an entry. One that fails for good has a record without entry."""
        try:
            entry = self.ledger.find_entry(ref.user_id, ref.entry_id)
        except ValueError:
            return PostedRecord(record_id=ref.name, ref=ref, entry=None)
        return PostedRecord(record_id=ref.name, ref=ref, entry=entry) if entry else None

    def _is_relayed(self, line: JournalLine) -> bool:
        if line.creator_id:
            received = self.ledger.shards.get((line.creator_id, line.shard), _EMPTY)
            run_id = received.runs.get(line.event_id)
            is_marked = line.event_id in received.published or run_id is None or run_id in self.ledger.published_runs
            return line.event_id in received.sequences and is_marked
        return line.entry_id in self.ledger.published_entries


def _posted(entry: Entry) -> bool:
    return getattr(entry, "status", Status.POSTED) is Status.POSTED


def _line(entry: Entry) -> JournalLine:
    gift = shard_entry(entry)
    assert entry.posted_at is not None
    assert entry.event_id is not None
    return JournalLine(
        user_id=entry.user_id,
        entry_id=entry.entry_id,
        event_id=entry.event_id,
        kind=entry.kind.value if isinstance(entry, Adjustment | NotificationEntry) else "gift" if gift else "purchase",
        coins=-entry.price_coins if isinstance(entry, Gift) else entry.coins,
        posted_at=entry.posted_at,
        creator_id=gift.creator_id if gift else None,
        shard=gift.shard if gift else 0,
    )


def audit_ports(ledger: FakeLedger) -> dict[str, object]:
    """Build the ports that the audit needs beside ledger and journal."""
    return {"totals": FakeTotals(ledger), "positions": FakeWorkPositions()}
