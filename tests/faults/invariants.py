"""Invariants check: the ledger compared with the provider's payments, and with the responses that callers read."""

import dataclasses
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
from chalicelib.domain.reviews import SUPERSEDED
from chalicelib.domain.settlements import payment_entry_id
from chalicelib.errors import PaymentUnavailable
from chalicelib.usecases.reviews import count_open_reviews
from tests.fake_services import settlement_services
from tests.faults.budget_scenarios import miscounted
from tests.faults.provider import Payment
from tests.faults.simulated_system import SimulatedSystem
from tests.faults.streak_scenarios import miscounted_streaks
from tests.faults.streak_timer import UNREADABLE
from tests.invariants import books_of, broken


@dataclass(frozen=True)
class Breach:
    """One violation. `kind` is lost, doubled, unhandled, or broken for an invariant."""

    kind: str
    what: str


def breaches(system: SimulatedSystem) -> list[Breach]:
    """Find every violation after recovery, and after the hourly count."""
    count_reviews(system)
    return [
        *_left_over(system),
        *[
            Breach("broken", what)
            for what in broken(books_of(system.fake_ledger, system.publisher.published), is_drained=True)
        ],
        *_purchases(system),
        *_payments(system),
        *_gifts(system),
        *_announcements(system),
        *_facts(system),
        *_memberships(system),
        *_answers(system),
        *[Breach("broken", what) for what in [*miscounted(system), *miscounted_streaks(system)]],
    ]


def count_reviews(system: SimulatedSystem) -> None:
    """Run the hourly count without faults: it closes the reviews that are superseded."""
    services = settlement_services(system, system.fake_operators)
    count_open_reviews(dataclasses.replace(services, ledger=system.fake_ledger))
    system.read_stream()


def posted(system: SimulatedSystem) -> list[Entry]:
    """Return the posted entries."""
    entries = [entry for known in system.fake_ledger.entries.values() for entry in known.values()]
    return [entry for entry in entries if not isinstance(entry, Purchase) or entry.status is Status.POSTED]


def _left_over(system: SimulatedSystem) -> Iterator[Breach]:
    records = len(system.records) + len(system.spent)
    left = {"records": records, "webhooks": len(system.webhooks)}
    left["alarms"] = len(system.streak_timer.pending)
    left["dead letters"] = sum(message != UNREADABLE for message in system.streak_timer.dead)
    yield from (Breach("unhandled", f"{many} {name} wait for ever") for name, many in left.items() if many)


def _purchases(system: SimulatedSystem) -> Iterator[Breach]:
    """Check I2, one credit per payment, and that its coins match the money kept."""
    moved = Counter[tuple[str, str | None]]()
    for entry in posted(system):
        if isinstance(entry, Adjustment) and entry.kind in {Kind.CLAWBACK, Kind.RESTORE}:
            moved[entry.user_id, entry.about] += entry.coins
    for entry in posted(system):
        if not isinstance(entry, Purchase):
            continue
        payment = system.provider.payments.get(entry.payment_intent or "")
        if payment is None or entry.purchase_id not in _ids_of(payment):
            yield Breach("doubled", f"{entry.purchase_id} is credited, and nobody paid for it")
            continue
        granted = entry.coins + moved[entry.user_id, entry.purchase_id]
        due = entry.coins * payment.kept_minor // entry.amount_minor
        if granted != due:
            kind = "lost" if granted < due else "doubled"
            yield Breach(kind, f"{entry.purchase_id} grants {granted} coins for money worth {due}")


def _ids_of(payment: Payment) -> set[str]:
    """Return the entry ids under which a payment may be credited: its purchase's, or its own if that is taken."""
    session = payment.session
    assert session.ref is not None
    return {session.ref.purchase_id, payment_entry_id(session.created_at, payment.payment_intent)}


def _payments(system: SimulatedSystem) -> Iterator[Breach]:
    """Check that each payment is credited or in review, and that only a settled review has a credited payment."""
    credited = {entry.payment_intent for entry in posted(system) if isinstance(entry, Purchase)}
    for payment in system.provider.payments:
        review = system.fake_ledger.reviews.get(payment)
        decision = review.settlement.decision if review and review.settlement else None
        if payment not in credited and (review is None or decision in {"credit", SUPERSEDED}):
            yield Breach("lost", f"{payment} was paid, and is neither credited nor in review")
        if payment in credited and review and decision is None:
            yield Breach("doubled", f"{payment} was paid, and is credited and in review")


def _gifts(system: SimulatedSystem) -> Iterator[Breach]:
    reversals = [
        entry for entry in posted(system) if isinstance(entry, Adjustment) and entry.kind is Kind.GIFT_REVERSAL
    ]
    prices: dict[tuple[str, str | None], int] = {
        (entry.user_id, entry.entry_id): entry.price_coins for entry in posted(system) if isinstance(entry, Gift)
    }
    for name, times in Counter((entry.user_id, entry.about) for entry in reversals).items():
        if times > 1:
            yield Breach("doubled", f"gift {name} was reversed {times} times")
    for entry in reversals:
        if prices.get((entry.user_id, entry.about)) != entry.coins:
            yield Breach("doubled", f"{entry.entry_id} gives back {entry.coins} coins that no gift took")


def _memberships(system: SimulatedSystem) -> Iterator[Breach]:
    """Check that exactly the paying fans are members, and that each end was published, at most once per end."""
    ends = [
        entry
        for entry in posted(system)
        if isinstance(entry, NotificationEntry) and entry.kind is NotificationKind.MEMBERSHIP_END
    ]
    published = Counter(entry.payload["membership_id"] for entry in ends)
    for (_, membership_id), membership in system.fake_memberships.known.items():
        if membership.ended_reason == PaymentUnavailable.code:
            continue
        due = system.billing.status_of(membership)
        if membership.status is not due:
            yield Breach("lost", f"membership {membership_id} is {membership.status}, and ought to be {due}")
        if membership.paid_until != system.billing.paid_until_of(membership):
            yield Breach("lost", f"membership {membership_id} is paid until {membership.paid_until}, it is said")
        was_paid = system.billing.paid_until_of(membership) is not None
        if due is MembershipStatus.ENDED and was_paid and not published[membership_id]:
            yield Breach("lost", f"the end of membership {membership_id} was never published")
        if published[membership_id] > system.billing.ends_of(membership):
            yield Breach(
                "doubled", f"the end of membership {membership_id} was published {published[membership_id]} times"
            )


def _announcements(system: SimulatedSystem) -> Iterator[Breach]:
    """Check that the published messages equal the posted entries, and that repeats are identical."""
    committed = {str(entry.event_id) for entry in posted(system)}
    consumed = {message.id: message for message in system.publisher.published}
    yield from (Breach("lost", f"{event_id} was never published") for event_id in committed - consumed.keys())
    yield from (Breach("doubled", f"{event_id} was published, not posted") for event_id in consumed.keys() - committed)
    for message in system.publisher.published:
        if message != consumed[message.id]:
            yield Breach("doubled", f"{message.id} was published in two versions")


def _facts(system: SimulatedSystem) -> Iterator[Breach]:
    """Check that posted entries are unchanged, except for the recorded money of a purchase and its disputes' hold."""
    for (user_id, entry_id), entry in system.facts.items():
        now = system.fake_ledger.find_entry(user_id, entry_id)
        if isinstance(now, Purchase) and isinstance(entry, Purchase):
            now = replace(
                now,
                version=entry.version,
                kept_minor=entry.kept_minor,
                hold=entry.hold,
                returned_payments=entry.returned_payments,
            )
        if now != entry:
            yield Breach("lost", f"{entry_id} of {user_id} changed")


def _answers(system: SimulatedSystem) -> Iterator[Breach]:
    """Check that an accepted request is in the ledger, and that a request refused last is not, or ended unpaid."""
    entries = {entry_id: entry for known in system.fake_ledger.entries.values() for entry_id, entry in known.items()}
    known = system.fake_memberships.known
    ended = {name for (_, name), each in known.items() if each.ended_reason == PaymentUnavailable.code}
    for key, code in system.refusals.items():
        if key in entries or key in {name for _, name in known} - ended:
            yield Breach("lost", f"{key} was refused with {code}, and done")
    for key, answer in system.responses.items():
        if (requested := getattr(answer, "membership", None)) and key not in {name for _, name in known}:
            yield Breach("lost", f"{key} was answered as requested, and is not: {requested.plan_id}")
        for name in ("gift", "adjustment"):
            if (published := getattr(answer, name, None)) is not None and entries.get(key) != published:
                yield Breach("lost", f"{key} was answered as done, and differs")
