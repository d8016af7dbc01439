"""Positions, leases and parked items of background workers in DynamoDB."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.keys import parked_key, worker_key
from chalicelib.adapters.dynamodb.models import ParkedRow, WorkRow, bind
from chalicelib.adapters.dynamodb.transactions import is_done, transient_errors
from chalicelib.domain.work import Lease, ParkedItem, Part

_KEPT: Final = timedelta(days=60)
"""Retention of a parked item after its next try."""
_TIDIED: Final = timedelta(days=1)


class DynamoWorkPositions:
    """The WorkPositions port over PynamoDB. Each write costs 1 write unit.

    Args:
        table_name: the table.
    """

    def __init__(self, table_name: str) -> None:
        bind(table_name)

    def take(self, part: Part, owner: str, now: datetime, until: datetime) -> Lease | None:
        row = _row(part)
        # The last: the client's own retry of a request that was done.
        is_free = WorkRow.lease_until.does_not_exist() | (WorkRow.lease_until < now) | (WorkRow.owner == owner)
        actions: list[Action] = [WorkRow.owner.set(owner), WorkRow.lease_until.set(until), WorkRow.since.set(now)]
        if not is_done(lambda: row.update(actions, is_free)):
            return None
        return Lease(part=part, owner=owner, at=row.at)

    def move(self, lease: Lease, to: str) -> Lease | None:
        is_there = WorkRow.at.does_not_exist() if lease.at is None else WorkRow.at == lease.at
        is_there |= WorkRow.at == to  # as above
        row = _row(lease.part)
        if not is_done(lambda: row.update([WorkRow.at.set(to)], _has(lease) & is_there)):
            return None
        return replace(lease, at=to)

    def release(self, lease: Lease) -> None:
        row = _row(lease.part)
        is_done(lambda: row.update([WorkRow.owner.remove(), WorkRow.lease_until.remove()], _has(lease)))

    def rewind(self, part: Part, to: str) -> None:
        with transient_errors():
            _row(part).update([WorkRow.at.set(to), WorkRow.owner.remove(), WorkRow.lease_until.remove()])

    def park(self, part: Part, item: ParkedItem) -> None:
        row = ParkedRow(parked_key(part.worker, part.name), item.item_id)
        actions: list[Action] = [
            ParkedRow.tries.set(item.tries),
            ParkedRow.parked_at.set(item.parked_at),
            ParkedRow.due_at.set(item.due_at),
            ParkedRow.reason.set(item.reason),
            ParkedRow.ttl.set(int((item.due_at + _KEPT).timestamp())),
        ]
        with transient_errors():
            row.update(actions)

    def list_due(self, part: Part, now: datetime, limit: int) -> Sequence[ParkedItem]:
        """Cost: 1 read unit, and more only while hundreds are parked."""
        with transient_errors():
            return nsmallest(limit, _due(part, now), key=lambda item: (item.due_at, item.item_id))

    def has_parked(self, part: Part, item_id: str) -> bool:
        """Cost: 1 read unit."""
        with transient_errors():
            try:
                row = ParkedRow.get(parked_key(part.worker, part.name), item_id, consistent_read=True)
            except DoesNotExist:
                return False
        return row.due_at is not None

    def unpark(self, part: Part, item_id: str, now: datetime) -> None:
        """The row stays for a day without a next try: no function may delete."""
        row = ParkedRow(parked_key(part.worker, part.name), item_id)
        actions: list[Action] = [ParkedRow.due_at.remove(), ParkedRow.ttl.set(int((now + _TIDIED).timestamp()))]
        is_done(lambda: row.update(actions, ParkedRow.pk.exists()))


def _row(part: Part) -> WorkRow:
    return WorkRow(worker_key(part.worker), part.name)


def _has(lease: Lease) -> Condition:
    return WorkRow.owner == lease.owner


def _due(part: Part, now: datetime) -> Iterator[ParkedItem]:
    for row in ParkedRow.query(parked_key(part.worker, part.name), consistent_read=True):
        if row.due_at is not None and row.due_at <= now:  # type: ignore[redundant-expr]  # the attribute may be null
            yield ParkedItem(
                item_id=row.sk,
                tries=row.tries,
                parked_at=row.parked_at,
                due_at=row.due_at,
                reason=row.reason,
            )
