"""Credit of a payment in review: the purchase that it posts, and the membership that it extends."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import uuid7_of
from chalicelib.domain.membership_months import CHANNEL, is_renewal
from chalicelib.domain.memberships import LIVE, Membership, MembershipStatus
from chalicelib.domain.payments import Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import KEY_FORM, Purchase, Status
from chalicelib.domain.reviews import Review, ReviewReason

UNMATCHED: Final = "unmatched"
"""Bundle id of a payment whose quote is unknown."""


class Credit(Struct, frozen=True, kw_only=True):
    """The coins of a payment in review.

    `purchase` is to be posted, in place of the unposted purchase `before`, or as a new entry where that is None. For a
    month, `member` is its membership afterwards and `member_before` the one that was read, if there was one.
    """

    purchase: Purchase
    before: Purchase | None = None
    member: Membership | None = None
    member_before: Membership | None = None


def payment_entry_id(paid_at: datetime, payment_id: str) -> str:
    """Return the entry id of a payment whose purchase was posted by another payment. Deterministic."""
    return uuid7_of(paid_at, f"payment/{payment_id}")


def is_posted(entry: Entry | None) -> bool:
    """Return True for an entry that a credit cannot replace: anything but an unposted purchase."""
    return entry is not None and not (isinstance(entry, Purchase) and entry.status is not Status.POSTED)


def has_credited(entry: Entry | None, review: Review) -> bool:
    """Return True if the entry has credited the payment in review.

    A session or an invoice that showed no payment is credited by any posting of its purchase.
    """
    if not isinstance(entry, Purchase) or entry.status is not Status.POSTED:
        return False
    return review.payment_intent in {None, entry.payment_intent}


def is_superseded(review: Review, entry: Entry | None) -> bool:
    """Return True if nothing is left to decide: `entry` has credited the payment, and follows its money.

    A review of money that moved stays open until the coins were brought to that money. A warning stays until the money
    of its payment has left, which may be one of several payments of the entry.
    """
    if not isinstance(entry, Purchase):
        return False
    if review.reason is ReviewReason.EARLY_FRAUD_WARNING:
        return review.payment_intent in entry.returned_payments
    return has_credited(entry, review) and (review.moved is None or entry.kept_minor is not None)


def credit_of(review: Review, entry: Entry | None, posting: Posting, actor: str) -> Credit:
    """Build the credit of a payment in review, at the amount paid and with the coins as reviewed.

    Args:
        review: the review.
        entry: the entry that has the review's purchase id, or None. A posted one keeps it.
        posting: time and event id of the credit.
        actor: the operator.
    """
    quote = entry if isinstance(entry, Purchase) else None
    before = None if is_posted(entry) else quote
    is_as_quoted = before is None or (before.amount_minor, before.currency) == (review.amount_minor, review.currency)
    purchase = Purchase(
        purchase_id=payment_entry_id(review.paid_at, review.payment_id) if is_posted(entry) else review.purchase_id,
        user_id=review.user_id,
        bundle_id=quote.bundle_id if quote else UNMATCHED,
        channel=quote.channel if quote else "web",
        coins=review.coins,
        amount_minor=review.amount_minor,
        currency=review.currency,
        created_at=before.created_at if before else review.paid_at,
        status=Status.POSTED,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payment_intent=review.payment_intent,
        version=before.version + 1 if before else 1,
        request_hash=before.request_hash if before else None,
        key_form=before.key_form if before else KEY_FORM,
        quoted_minor=before.amount_minor if before and not is_as_quoted else None,
        actor=actor,
    )
    return Credit(purchase=purchase, before=before)


def month_credit_of(credit: Credit, invoice: Invoice, member: Membership | None) -> Credit:
    """Turn the credit of an invoice into that of its month, which makes a member until the end of the period.

    The coins are credited without a month when the invoice has no period, its purchase was posted by another payment,
    or the membership has another live subscription.

    Args:
        credit: the credit of the invoice's payment.
        invoice: the invoice in its present state.
        member: the invoice's membership as it is stored, or None.
    """
    ref, paid_until = invoice.require_membership(), invoice.paid_until
    purchase: Purchase = credit.purchase
    purchase = replace(purchase, bundle_id=ref.plan_id, channel=CHANNEL)
    if purchase.payment_intent in {None, invoice.payment_intent}:
        # Reviews of the first release have the invoice's total, which may be more than was paid.
        purchase = replace(purchase, amount_minor=invoice.paid_minor, payment_intent=invoice.payment_intent)
    is_other = member is not None and member.subscription_id not in {None, invoice.subscription_id}
    has_month = purchase.purchase_id == invoice.purchase_id and credit.before is None
    if paid_until is None or not has_month or (member and is_other and member.status in LIVE):
        return replace(credit, purchase=purchase)
    month = replace(purchase, membership_id=ref.membership_id, is_renewal=is_renewal(invoice), paid_until=paid_until)
    after = _extended(member or _new_member(month, invoice), invoice, paid_until, now=month.posting.posted_at)
    return Credit(purchase=month, member=after, member_before=member)


def _new_member(month: Purchase, invoice: Invoice) -> Membership:
    """Build the membership of an invoice that has none here: its next months are credited at this price."""
    ref = invoice.require_membership()
    return Membership(
        membership_id=ref.membership_id,
        user_id=ref.user_id,
        plan_id=ref.plan_id,
        coins=month.coins,
        amount_minor=month.amount_minor,
        currency=month.currency,
        created_at=month.created_at,
        version=0,
    )


def _extended(member: Membership, invoice: Invoice, paid_until: datetime, now: datetime) -> Membership:
    """Extend the membership to `paid_until`. One that has ended stays so: its subscription decides about it."""
    until = paid_until if member.paid_until is None else max(paid_until, member.paid_until)
    is_first = member.status is MembershipStatus.PENDING and until > now
    return replace(
        member,
        status=MembershipStatus.ACTIVE if is_first else member.status,
        subscription_id=invoice.subscription_id,
        customer_id=invoice.customer_id or member.customer_id,
        paid_until=until,
        version=member.version + 1,
    )
