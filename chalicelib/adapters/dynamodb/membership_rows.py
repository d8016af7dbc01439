"""Conversion between rows of memberships and domain values."""

from typing import TypeVar

from pynamodb.attributes import Attribute
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.keys import EVER_LIVE, MEMBERSHIPS, membership_key, user_id_of, wallet_key
from chalicelib.adapters.dynamodb.models import MembershipRow
from chalicelib.domain.memberships import LIVE, Membership, MembershipStatus
from chalicelib.domain.purchases import FORMER_KEY_FORM, PENDING_LIFE

Value = TypeVar("Value")


def membership_row(membership: Membership) -> MembershipRow:
    """Build the row of an unpaid membership. Its TTL deletes it unless it is paid."""
    return MembershipRow(
        pk=wallet_key(membership.user_id),
        sk=membership_key(membership.membership_id),
        plan_id=membership.plan_id,
        coins=membership.coins,
        amount_minor=membership.amount_minor,
        currency=membership.currency,
        created_at=membership.created_at,
        status=membership.status.value,
        request_hash=membership.request_hash,
        key_form=membership.key_form,
        is_counted=membership.is_counted or None,
        ttl=_expires_at(membership),
    )


def standing(member: Membership) -> list[Action]:
    """Build the actions that write a membership's state."""
    return [
        MembershipRow.status.set(member.status.value),
        MembershipRow.renews.set(member.renews),
        MembershipRow.version.set(member.version),
        assign(MembershipRow.subscription_id, member.subscription_id),
        assign(MembershipRow.customer_id, member.customer_id),
        assign(MembershipRow.ended_reason, member.ended_reason),
        assign(MembershipRow.paid_until, member.paid_until),
        assign(MembershipRow.served_until, member.served_until),
        assign(MembershipRow.ttl, _expires_at(member)),
        *([] if member.is_counted else [MembershipRow.is_counted.remove()]),
    ]


def _expires_at(membership: Membership) -> int | None:
    """Return the row's TTL; None while the subscription lives, and for good once a month was paid."""
    is_over = membership.status is MembershipStatus.ENDED or membership.subscription_id is None
    if not is_over or membership.paid_until is not None:
        return None
    return int((membership.created_at + PENDING_LIFE).timestamp())


def note_live(transaction: TransactWrite, before: Membership | None, after: Membership) -> None:
    """Put a membership into the fan's list when its status becomes a live one. Cost: 2 write units then."""
    if after.status in LIVE and (before is None or before.status is not after.status):
        row = MembershipRow(wallet_key(after.user_id), EVER_LIVE)
        transaction.update(row, [MembershipRow.ever_live.add({after.membership_id})])


def assign(attribute: Attribute[Value], value: Value | None) -> Action:
    """Set the attribute, or remove it for None."""
    return attribute.remove() if value is None else attribute.set(value)


def to_membership(row: MembershipRow) -> Membership:
    """Convert a membership row."""
    return Membership(
        membership_id=row.sk.removeprefix(MEMBERSHIPS),
        user_id=user_id_of(row.pk),
        plan_id=row.plan_id,
        coins=row.coins,
        amount_minor=row.amount_minor,
        currency=row.currency,
        created_at=row.created_at,
        status=MembershipStatus(row.status),
        subscription_id=row.subscription_id,
        customer_id=row.customer_id,
        paid_until=row.paid_until,
        renews=bool(row.renews),
        ended_reason=row.ended_reason,
        version=row.version,
        request_hash=row.request_hash,
        key_form=row.key_form or FORMER_KEY_FORM,
        served_until=row.served_until,
        is_counted=bool(row.is_counted),
    )
