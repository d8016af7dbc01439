"""Open checkouts in DynamoDB: a list of what may still be paid, beside the purchases and memberships themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Final, NamedTuple

from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.keys import (
    OPEN,
    open_key,
    open_membership_key,
    opened_id_of,
    user_id_of,
    wallet_key,
)
from chalicelib.adapters.dynamodb.models import OpenRow
from chalicelib.adapters.dynamodb.transactions import is_done, transient_errors
from chalicelib.domain.memberships import Membership
from chalicelib.domain.open_windows import OpenCheckout
from chalicelib.domain.payments import PurchaseRef
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.ports.results import Asking, Stale

OPEN_LIFE: Final = timedelta(days=35)
"""Retention of an open checkout's row after the end of its session: longer than a price may count in a budget."""
CLOSED: Final = "closed"
"""Kind of a row that is in no list any more."""


class Opened(NamedTuple):
    """A kind of rows, and the sort key of an id of that kind."""

    kind: str
    key: Callable[[str], str]


PURCHASES: Final = Opened("purchase", open_key)
MEMBERSHIPS: Final = Opened("membership", open_membership_key)


def open_row(unpaid: Purchase | Membership, return_url: str | None = None) -> OpenRow:
    """Build the row of what was just opened."""
    until = unpaid.created_at + SESSION_LIFE
    if isinstance(unpaid, Purchase):
        opened, opened_id = PURCHASES, unpaid.purchase_id
    else:
        opened, opened_id = MEMBERSHIPS, unpaid.membership_id
    return OpenRow(
        pk=wallet_key(unpaid.user_id),
        sk=opened.key(opened_id),
        kind=opened.kind,
        amount_minor=unpaid.amount_minor,
        currency=unpaid.currency,
        until=until,
        return_url=return_url,
        ttl=int((until + OPEN_LIFE).timestamp()),
    )


class DynamoOpenList:
    """The OpenList port, for rows of one kind."""

    _opened: ClassVar[Opened]

    def list_open(self, user_id: str, since: datetime, before: datetime, limit: int) -> Sequence[OpenCheckout]:
        """Cost: 1 request below 1 MB; rows are read until enough are found."""
        with transient_errors():
            rows = OpenRow.query(wallet_key(user_id), OpenRow.sk.startswith(OPEN), consistent_read=True)
            found = (row for row in rows if row.kind == self._opened.kind and since <= row.until < before)
            return [_to_checkout(row) for row in islice(found, limit)]

    def close_open(self, checkout: OpenCheckout) -> None:
        """Cost: 1 write unit. The table's TTL deletes the row, as nothing here deletes."""
        row = OpenRow(wallet_key(checkout.user_id), self._opened.key(checkout.opened_id))
        closed: list[Action] = [OpenRow.kind.set(CLOSED), OpenRow.ttl.set(int(checkout.until.timestamp()))]
        is_done(lambda: row.update(closed, OpenRow.kind == self._opened.kind))


class DynamoOpenCheckouts(DynamoOpenList):
    """The Ledger port's methods for open checkouts."""

    _opened = PURCHASES

    def claim_asking(self, ref: PurchaseRef, at: datetime, last_before: datetime) -> Asking | Stale:
        """Cost: 1 write unit, also if it is refused."""
        row = OpenRow(wallet_key(ref.user_id), open_key(ref.purchase_id))
        is_due = OpenRow.asked_at.does_not_exist() | (OpenRow.asked_at <= last_before)
        if not is_done(lambda: row.update([OpenRow.asked_at.set(at)], (OpenRow.kind == PURCHASES.kind) & is_due)):
            return Stale()
        return Asking(return_url=row.return_url)


def _to_checkout(row: OpenRow) -> OpenCheckout:
    return OpenCheckout(
        user_id=user_id_of(row.pk),
        opened_id=opened_id_of(row.sk),
        until=row.until,
        return_url=row.return_url,
    )
