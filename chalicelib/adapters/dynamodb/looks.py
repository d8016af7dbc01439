"""Last reads of the payment provider's objects in DynamoDB."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from chalicelib.adapters.dynamodb.keys import LOOKED, look_key, object_id_of
from chalicelib.adapters.dynamodb.models import LookRow, bind
from chalicelib.adapters.dynamodb.transactions import transient_errors

_KEPT: Final = timedelta(days=3)


class DynamoLooks:
    """The Looks port over PynamoDB.

    Args:
        table_name: the table.
    """

    def __init__(self, table_name: str) -> None:
        bind(table_name)

    def last_looks(self, object_ids: Collection[str]) -> Mapping[str, datetime]:
        """Cost: 1 read for a hundred objects. An item that is not there yet costs one look more."""
        keys = [(look_key(object_id), LOOKED) for object_id in object_ids]
        with transient_errors():
            return {object_id_of(row.pk): row.at for row in LookRow.batch_get(keys)}

    def note_look(self, object_id: str, at: datetime) -> None:
        """Cost: 1 write unit."""
        ttl = int((at + _KEPT).timestamp())
        with transient_errors():
            LookRow(look_key(object_id), LOOKED).update([LookRow.at.set(at), LookRow.ttl.set(ttl)])
