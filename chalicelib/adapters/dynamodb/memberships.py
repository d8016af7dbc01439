"""Memberships in DynamoDB, in the partition of the fan's wallet."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.budget_expressions import change_budget, spend_money
from chalicelib.adapters.dynamodb.freeze_expressions import may_buy
from chalicelib.adapters.dynamodb.keys import (
    CUSTOMER,
    EVER_LIVE,
    MEMBERSHIPS,
    WALLET,
    membership_key,
    membership_keys_since,
    wallet_key,
)
from chalicelib.adapters.dynamodb.mapping import notification_row, posted_row, to_entry, to_wallet
from chalicelib.adapters.dynamodb.membership_rows import (
    assign,
    membership_row,
    note_live,
    standing,
    to_membership,
)
from chalicelib.adapters.dynamodb.models import CustomerRow, EntryRow, MembershipRow, OpenRow, WalletRow, bind
from chalicelib.adapters.dynamodb.open_checkouts import MEMBERSHIPS as OPEN_MEMBERSHIPS
from chalicelib.adapters.dynamodb.open_checkouts import DynamoOpenList, open_row
from chalicelib.adapters.dynamodb.paid_money import count_paid
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, is_done, transient_errors
from chalicelib.adapters.dynamodb.window_expressions import MEMBERSHIP_WINDOW, Place, give_back, open_in_window
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.ids import KEY_WINDOW
from chalicelib.domain.memberships import NEWEST, Customer, Membership
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.open_windows import MAX_OPEN_MEMBERSHIPS
from chalicelib.domain.purchases import FORMER_KEY_FORM, Purchase
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Rejected, Stale, Unmatched


class DynamoMemberships(DynamoOpenList):
    """The Memberships port over PynamoDB.

    Args:
        table_name: the table.
        pause: waits between two tries of a write that met another one; given the seconds.
    """

    _opened = OPEN_MEMBERSHIPS

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._transactions = Transactions(bind(table_name), pause)

    def open_membership(
        self, membership: Membership, change: BudgetChange | None = None, limit: int = MAX_OPEN_MEMBERSHIPS
    ) -> Posted | MembershipExists | Rejected:
        """Cost: 6 write units. It is tried twice if the fan has another membership open."""

        def write(place: Place) -> Posted | MembershipExists | Rejected:
            return self._open(membership, change, place)

        return open_in_window(MEMBERSHIP_WINDOW, membership.created_at, limit, write)

    def _open(
        self, membership: Membership, change: BudgetChange | None, place: Place
    ) -> Posted | MembershipExists | Rejected:
        price = membership.amount_minor, membership.currency
        counted, is_within_budget = spend_money(*price, membership.created_at, change)
        wallet = WalletRow(wallet_key(membership.user_id), WALLET)

        def write(transaction: TransactWrite) -> None:
            transaction.save(membership_row(membership), MembershipRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.save(open_row(membership), OpenRow.pk.does_not_exist())
            allows = is_within_budget & may_buy() & place.condition
            transaction.update(wallet, [*counted, *place.actions], allows, return_values="ALL_OLD")

        try:
            self._transactions.write(write)
        except Refused as refused:
            known, _, held = refused.old_items
            rejecting = to_wallet(membership.user_id, WalletRow.from_raw_data(held)) if held else None
            if known:
                return MembershipExists(membership=to_membership(MembershipRow.from_raw_data(known)), wallet=rejecting)
            return Rejected(wallet=rejecting)
        return Posted()

    def find_membership(self, user_id: str, membership_id: str) -> Membership | None:
        with transient_errors():
            try:
                return to_membership(
                    MembershipRow.get(wallet_key(user_id), membership_key(membership_id), consistent_read=True)
                )
            except DoesNotExist:
                return None

    def list_memberships(self, user_id: str) -> Sequence[Membership]:
        """Cost: 1 request, and 1 for each membership that was ever live and is not among the newest."""
        newest, ever_live = self._newest(user_id)
        older = ever_live - {each.membership_id for each in newest}
        found = [self.find_membership(user_id, membership_id) for membership_id in sorted(older, reverse=True)]
        return [*newest, *(each for each in found if each)]

    def _newest(self, user_id: str) -> tuple[list[Membership], set[str]]:
        """Read the newest memberships, and the ids of all that were ever live.

        Those of the first release are read on: it kept no such list.
        """
        newest: list[Membership] = []
        ever_live: set[str] = set()
        with transient_errors():
            rows = MembershipRow.query(
                wallet_key(user_id),
                MembershipRow.sk.startswith(MEMBERSHIPS.removesuffix("#")),
                consistent_read=True,
                scan_index_forward=False,
                page_size=NEWEST + 2,
            )
            for row in rows:
                if row.sk == EVER_LIVE:
                    ever_live = set(row.ever_live or ())
                    continue
                membership = to_membership(row)
                if len(newest) >= NEWEST and membership.key_form != FORMER_KEY_FORM:
                    break
                newest.append(membership)
        return newest, ever_live

    def list_opened(self, user_id: str, since: datetime) -> Sequence[Membership]:
        """Cost: 1 request below 1 MB. Rows whose keys were made up to KEY_WINDOW before the opening are read, too."""
        keys = membership_keys_since(since - KEY_WINDOW)
        with transient_errors():
            rows = MembershipRow.query(
                wallet_key(user_id), MembershipRow.sk.between(*keys), consistent_read=True, scan_index_forward=False
            )
            return [to_membership(row) for row in rows if row.created_at >= since]

    def read_customer(self, user_id: str) -> Customer:
        with transient_errors():
            try:
                row = CustomerRow.get(wallet_key(user_id), CUSTOMER, consistent_read=True)
            except DoesNotExist:
                return Customer()
        return Customer(customer_id=row.customer_id, gone_id=row.gone_id)

    def keep_customer(self, user_id: str, customer_id: str) -> str:
        """Cost: 1 write unit; 1 read in addition if there is one."""
        row = CustomerRow(wallet_key(user_id), CUSTOMER)
        kept: list[Action] = [CustomerRow.customer_id.set(customer_id)]
        if is_done(lambda: row.update(kept, CustomerRow.customer_id.does_not_exist())):
            return customer_id
        return self.read_customer(user_id).customer_id or customer_id

    def forget_customer(self, user_id: str, customer_id: str) -> None:
        """Cost: 1 write unit."""
        row = CustomerRow(wallet_key(user_id), CUSTOMER)
        gone: list[Action] = [CustomerRow.customer_id.remove(), CustomerRow.gone_id.set(customer_id)]
        is_done(lambda: row.update(gone, CustomerRow.customer_id == customer_id))

    def post_month(
        self, month: Purchase, subscription_id: str, customer_id: str | None
    ) -> Posted | AlreadyExists | Unmatched:
        """Cost: 6 write units and 1 for the journal; double for a first month that is not counted since the opening."""
        subscribed = [
            assign(MembershipRow.subscription_id, subscription_id),
            assign(MembershipRow.customer_id, customer_id),
        ]
        is_as_quoted = _is_as_quoted(month, subscription_id)

        def write(counted: Sequence[Action], condition: Condition | None) -> None:
            self._transactions.write(_posting(month, subscribed, is_as_quoted, counted, condition))

        try:
            if month.is_renewal or not self._post_counted(month, subscribed, is_as_quoted):
                count_paid(write, month.amount_minor, month.currency, month.posting.posted_at)
        except Refused as refused:
            entry, _, membership = refused.old_items
            if entry:
                return AlreadyExists(entry=to_entry(EntryRow.from_raw_data(entry)))
            stored = to_membership(MembershipRow.from_raw_data(membership)) if membership else None
            return Unmatched(membership=stored)
        return Posted()

    def _post_counted(self, month: Purchase, subscribed: Sequence[Action], is_as_quoted: Condition) -> bool:
        """Post a first month whose price counts since the opening. Returns False if it does not count any more."""
        noted = [*subscribed, MembershipRow.is_counted.remove()]
        is_counted = is_as_quoted & MembershipRow.is_counted.exists()
        try:
            self._transactions.write(_posting(month, noted, is_counted, [], None))
        except Refused as refused:
            entry, _, membership = refused.old_items
            if entry or membership is None or MembershipRow.is_counted.attr_name in membership:
                raise
            return False
        return True

    def update_membership(
        self,
        before: Membership,
        after: Membership,
        notification: NotificationEntry | None,
        change: BudgetChange | None = None,
    ) -> Posted | Stale:
        """Cost: 2 write units; 2 more with a change of the budget or a refusal; with a notification 3 more.

        2 more when the status becomes a live one.
        """
        row = MembershipRow(wallet_key(before.user_id), membership_key(before.membership_id))

        def write(transaction: TransactWrite) -> None:
            if notification:
                transaction.save(notification_row(notification), EntryRow.pk.does_not_exist())
            is_as_read = (MembershipRow.version == before.version) & _has_subscription(before.subscription_id)
            released: list[Action] = []
            is_seen: Condition | None = None
            if change:
                released, is_seen = change_budget(change)
                is_as_read &= MembershipRow.is_counted.exists()
            if after.is_refused and not before.is_refused:
                released = [*released, give_back(MEMBERSHIP_WINDOW)]
            if released:
                transaction.update(WalletRow(row.pk, WALLET), released, is_seen)
            transaction.update(row, standing(after), is_as_read)
            note_live(transaction, before, after)

        try:
            self._transactions.write(write)
        except Refused:
            return Stale()
        return Posted()


def _has_subscription(subscription_id: str | None) -> Condition:
    """Require the subscription that was read. The posting of a month sets it and leaves the version."""
    has_it: Condition = (
        MembershipRow.subscription_id.does_not_exist()
        if subscription_id is None
        else MembershipRow.subscription_id == subscription_id
    )
    return has_it


def _is_as_quoted(month: Purchase, subscription_id: str) -> Condition:
    """Require that the membership has the month's quote, and no other subscription."""
    is_as_quoted: Condition = (
        (MembershipRow.plan_id == month.bundle_id)
        & (MembershipRow.coins == month.coins)
        & (MembershipRow.amount_minor == month.amount_minor)
        & (MembershipRow.currency == month.currency)
        & (MembershipRow.subscription_id.does_not_exist() | (MembershipRow.subscription_id == subscription_id))
    )
    return is_as_quoted


def _posting(
    month: Purchase,
    noted: Sequence[Action],
    is_as_quoted: Condition,
    counted: Sequence[Action],
    condition: Condition | None,
) -> Callable[[TransactWrite], None]:
    """Build the transaction that posts a month: purchase, coins, and the membership if it matches its quote."""
    row = MembershipRow(wallet_key(month.user_id), membership_key(require(month.membership_id)))
    credited: list[Action] = [
        WalletRow.coins.add(month.coins),
        WalletRow.created_at.set(WalletRow.created_at | month.posted_at),
        *([] if month.is_renewal else [give_back(MEMBERSHIP_WINDOW)]),
        *counted,
    ]

    def write(transaction: TransactWrite) -> None:
        transaction.save(posted_row(month), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
        transaction.update(WalletRow(row.pk, WALLET), credited, condition, return_values="ALL_OLD")
        transaction.update(row, [*noted, MembershipRow.ttl.remove()], is_as_quoted, return_values="ALL_OLD")

    return write
