"""Invariants check: the ledger compared with the provider's payments, and with the responses that callers read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.purchases import Purchase, Status
from tests.faults.budget_plays import miscounted
from tests.faults.streak_plays import miscounted_rows
from tests.faults.town import Town
from tests.invariants import books_of, broken


@dataclass(frozen=True)
class Wrong:
    """One violation. `kind` is lost, doubled, unhandled, or broken for an invariant."""

    kind: str
    what: str


def wrongs(town: Town) -> list[Wrong]:
    """Find every violation after recovery."""
    town.look()
    return [
        *_left_over(town),
        *[Wrong("broken", what) for what in broken(books_of(town.books, town.publisher.published), is_drained=True)],
        *_purchases(town),
        *_payments(town),
        *_gifts(town),
        *_announcements(town),
        *_facts(town),
        *_memberships(town),
        *_answers(town),
        *[Wrong("broken", what) for what in [*miscounted(town), *miscounted_rows(town)]],
    ]


def posted(town: Town) -> list[Entry]:
    """Return the posted entries."""
    entries = [entry for known in town.books.entries.values() for entry in known.values()]
    return [entry for entry in entries if not isinstance(entry, Purchase) or entry.status is Status.POSTED]


def _left_over(town: Town) -> Iterator[Wrong]:
    records = len(town.records) + len(town.spent)
    left = {"records": records, "webhooks": len(town.webhooks), "stretches": len(town.given_up)}
    left["alarms"] = len(town.alarms.waiting)
    yield from (Wrong("unhandled", f"{many} {name} wait for ever") for name, many in left.items() if many)


def _purchases(town: Town) -> Iterator[Wrong]:
    """Check I2, one credit per payment, and that its coins match the money kept."""
    moved = Counter[tuple[str, str]]()
    for entry in posted(town):
        if isinstance(entry, Adjustment) and entry.kind in {Kind.CLAWBACK, Kind.RESTORE}:
            moved[entry.user_id, entry.about] += entry.coins
    for entry in posted(town):
        if not isinstance(entry, Purchase):
            continue
        payment = town.provider.payments.get(entry.payment_intent or "")
        if payment is None or payment.session.ref is None or payment.session.ref.purchase_id != entry.purchase_id:
            yield Wrong("doubled", f"{entry.purchase_id} is credited, and nobody paid for it")
            continue
        granted = entry.coins + moved[entry.user_id, entry.purchase_id]
        due = entry.coins * payment.kept_minor // entry.amount_minor
        if granted != due:
            kind = "lost" if granted < due else "doubled"
            yield Wrong(kind, f"{entry.purchase_id} grants {granted} coins for money worth {due}")


def _payments(town: Town) -> Iterator[Wrong]:
    """Check that each payment is either credited or in review."""
    credited = {entry.payment_intent for entry in posted(town) if isinstance(entry, Purchase)}
    for payment in town.provider.payments:
        is_seen = payment in town.books.reviews
        if (payment in credited) is is_seen:
            word = "credited and in review" if is_seen else "neither credited nor in review"
            yield Wrong("doubled" if is_seen else "lost", f"{payment} was paid, and is {word}")


def _gifts(town: Town) -> Iterator[Wrong]:
    reversals = [entry for entry in posted(town) if isinstance(entry, Adjustment) and entry.kind is Kind.GIFT_REVERSAL]
    prices = {(entry.user_id, entry.entry_id): entry.price_coins for entry in posted(town) if isinstance(entry, Gift)}
    for name, times in Counter((entry.user_id, entry.about) for entry in reversals).items():
        if times > 1:
            yield Wrong("doubled", f"gift {name} was reversed {times} times")
    for entry in reversals:
        if prices.get((entry.user_id, entry.about)) != entry.coins:
            yield Wrong("doubled", f"{entry.entry_id} gives back {entry.coins} coins that no gift took")


def _memberships(town: Town) -> Iterator[Wrong]:
    """Check that exactly the paying fans are members, and that each end was published, at most once per end."""
    ends = [
        entry
        for entry in posted(town)
        if isinstance(entry, NotificationEntry) and entry.kind is NotificationKind.MEMBERSHIP_END
    ]
    told = Counter(entry.payload["membership_id"] for entry in ends)
    for (_, membership_id), membership in town.fake_memberships.known.items():
        due = town.billing.status_of(membership)
        if membership.status is not due:
            yield Wrong("lost", f"membership {membership_id} is {membership.status}, and ought to be {due}")
        if membership.paid_until != town.billing.paid_until_of(membership):
            yield Wrong("lost", f"membership {membership_id} is paid until {membership.paid_until}, it is said")
        if due is MembershipStatus.ENDED and not told[membership_id]:
            yield Wrong("lost", f"the end of membership {membership_id} was never told")
        if told[membership_id] > town.billing.ends_of(membership):
            yield Wrong("doubled", f"the end of membership {membership_id} was told {told[membership_id]} times")


def _announcements(town: Town) -> Iterator[Wrong]:
    """Check that the published messages equal the posted entries, and that repeats are identical."""
    committed = {str(entry.event_id) for entry in posted(town)}
    consumed = {announcement.id: announcement for announcement in town.publisher.published}
    yield from (Wrong("lost", f"{event_id} was never announced") for event_id in committed - consumed.keys())
    yield from (Wrong("doubled", f"{event_id} was announced, not posted") for event_id in consumed.keys() - committed)
    for announcement in town.publisher.published:
        if announcement != consumed[announcement.id]:
            yield Wrong("doubled", f"{announcement.id} was announced in two versions")


def _facts(town: Town) -> Iterator[Wrong]:
    """Check that posted entries are unchanged, except for the recorded money of a purchase."""
    for (user_id, entry_id), entry in town.facts.items():
        now = town.books.find_entry(user_id, entry_id)
        if isinstance(now, Purchase) and isinstance(entry, Purchase):
            now = replace(now, version=entry.version, kept_minor=entry.kept_minor)
        if now != entry:
            yield Wrong("lost", f"{entry_id} of {user_id} changed")


def _answers(town: Town) -> Iterator[Wrong]:
    """Check that an accepted request is in the ledger, and that a request refused last is not."""
    entries = {entry_id: entry for known in town.books.entries.values() for entry_id, entry in known.items()}
    known = town.fake_memberships.known.keys()
    for key, code in town.refused.items():
        if key in entries or key in {name for _, name in known}:
            yield Wrong("lost", f"{key} was refused with {code}, and done")
    for key, answer in town.answered.items():
        if (asked := getattr(answer, "membership", None)) and key not in {name for _, name in known}:
            yield Wrong("lost", f"{key} was told to be asked for, and is not: {asked.plan_id}")
        for name in ("gift", "adjustment"):
            if (told := getattr(answer, name, None)) is not None and entries.get(key) != told:
                yield Wrong("lost", f"{key} was told to be done, and is not like that")
