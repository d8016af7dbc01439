"""Payments in review, and their settlements, in DynamoDB."""

from collections.abc import Callable, Sequence
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.acts import record_act
from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.keys import (
    WALLET,
    entry_key,
    journal_at,
    journal_hour,
    membership_key,
    review_keys,
    wallet_key,
)
from chalicelib.adapters.dynamodb.mapping import posted_row
from chalicelib.adapters.dynamodb.membership_rows import assign, note_live, standing
from chalicelib.adapters.dynamodb.models import EntryRow, MembershipRow, ReviewRow, WalletRow
from chalicelib.adapters.dynamodb.paid_money import count_paid
from chalicelib.adapters.dynamodb.purchases import may_post
from chalicelib.adapters.dynamodb.review_lists import DynamoReviewLists
from chalicelib.adapters.dynamodb.review_rows import settling, to_review
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, is_done
from chalicelib.domain.memberships import Membership
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import Review, Settlement
from chalicelib.domain.settlements import Credit
from chalicelib.ports.results import AlreadySettled, Conflict, Posted, Stale

_WALLET: Final = 2
"""Index of the wallet's action: the act and the purchase are before it, whichever of them are puts."""


class DynamoReviews(DynamoReviewLists):
    """The OperatorLedger port's review methods."""

    _transactions: Transactions

    def close_review(self, review: Review, settlement: Settlement) -> None:
        """Cost: 1 write unit and 2 for the index."""
        row = ReviewRow(*review_keys(review.payment_id, review.moved))
        is_done(lambda: row.update(settling(review, settlement), _is_open()))

    def settle_review(
        self, review: Review, settlement: Settlement, credit: Credit | None
    ) -> Posted | AlreadySettled | Stale | Conflict:
        """Cost: 4 write units and 2 for the index; with a credit 11, with a month 13 or 15."""

        def write(counted: Sequence[Action], condition: Condition | None) -> None:
            self._transactions.write(_settling(review, settlement, credit, counted, condition))

        try:
            if credit and (credit.before is None or credit.before.is_released):
                paid = credit.purchase
                count_paid(write, paid.amount_minor, paid.currency, paid.posting.posted_at, _WALLET)
            else:
                write([], None)
        except Refused as refused:
            return _refusal(review, credit, refused)
        return Posted()


def _is_open() -> Condition:
    condition: Condition = ReviewRow.pk.exists() & ReviewRow.settled_key.does_not_exist()
    return condition


def _refusal(review: Review, credit: Credit | None, refused: Refused) -> AlreadySettled | Stale | Conflict:
    """Read a refused settlement. The order of actions: puts first, then updates, the review last."""
    if refused.failed[-1]:
        old = refused.old_items[-1]
        stored = to_review(ReviewRow.from_raw_data(old)) if old else review
        return AlreadySettled(review=stored) if stored.settlement else Conflict()
    act = 1 if credit and credit.before is None else 0
    return Conflict() if refused.failed[act] else Stale()


def _settling(
    review: Review,
    settlement: Settlement,
    credit: Credit | None,
    counted: Sequence[Action],
    is_counted: Condition | None,
) -> Callable[[TransactWrite], None]:
    row = ReviewRow(*review_keys(review.payment_id, review.moved))

    def write(transaction: TransactWrite) -> None:
        if credit:
            _post(transaction, credit, counted, is_counted)
        record_act(
            transaction,
            key=settlement.key,
            act=f"settle {review.name}",
            user_id=review.user_id,
            reason=settlement.reason,
            actor=settlement.actor,
            at=settlement.settled_at,
        )
        transaction.update(row, settling(review, settlement), _is_open(), return_values="ALL_OLD")

    return write


def _post(transaction: TransactWrite, credit: Credit, counted: Sequence[Action], is_counted: Condition | None) -> None:
    """Add the credit's purchase, coins and membership to the transaction."""
    purchase = credit.purchase
    if credit.before is None:
        transaction.save(posted_row(purchase), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
    else:
        row = EntryRow(wallet_key(purchase.user_id), entry_key(purchase.purchase_id))
        transaction.update(row, _posted(purchase), _is_as_seen(credit.before, purchase), return_values="ALL_OLD")
    credited: list[Action] = [
        WalletRow.coins.add(purchase.coins),
        WalletRow.created_at.set(WalletRow.created_at | purchase.posting.posted_at),
        *counted,
    ]
    wallet = WalletRow(wallet_key(purchase.user_id), WALLET)
    transaction.update(wallet, credited, is_counted, return_values="ALL_OLD")
    if credit.member:
        _extend(transaction, credit.member, credit.member_before)


def _posted(purchase: Purchase) -> list[Action]:
    """Build the actions that post a pending purchase at the amount paid."""
    posted_at, event_id = purchase.posting.posted_at, purchase.posting.event_id
    return [
        EntryRow.status.set(Status.POSTED.value),
        EntryRow.posted_at.set(posted_at),
        EntryRow.event_id.set(event_id),
        EntryRow.journal_hour.set(journal_hour(posted_at, purchase.user_id)),
        EntryRow.journal_at.set(journal_at(posted_at, purchase.purchase_id)),
        assign(EntryRow.payment_intent, purchase.payment_intent),
        EntryRow.coins.set(purchase.coins),
        EntryRow.amount_minor.set(purchase.amount_minor),
        EntryRow.currency.set(purchase.currency),
        assign(EntryRow.quoted_minor, purchase.quoted_minor),
        EntryRow.actor.set(require(purchase.actor)),
        EntryRow.version.add(1),
        EntryRow.ttl.remove(),
        EntryRow.is_released.remove(),
    ]


def _is_as_seen(before: Purchase, purchase: Purchase) -> Condition:
    is_released = EntryRow.is_released.exists() if before.is_released else EntryRow.is_released.does_not_exist()
    condition: Condition = may_post(purchase.payment_intent) & is_released
    return condition


def _extend(transaction: TransactWrite, member: Membership, before: Membership | None) -> None:
    """Write the membership, with its quote where it is new."""
    row = MembershipRow(wallet_key(member.user_id), membership_key(member.membership_id))
    quote: list[Action] = [
        MembershipRow.plan_id.set(member.plan_id),
        MembershipRow.coins.set(member.coins),
        MembershipRow.amount_minor.set(member.amount_minor),
        MembershipRow.currency.set(member.currency),
        MembershipRow.created_at.set(member.created_at),
        MembershipRow.key_form.set(member.key_form),
    ]
    is_as_seen = MembershipRow.version == before.version if before else MembershipRow.pk.does_not_exist()
    transaction.update(row, [*quote, *standing(member)], is_as_seen)
    note_live(transaction, before, member)
