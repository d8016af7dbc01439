"""Records of operators' acts. One key is one act, whatever its kind and its fan."""

from datetime import datetime

from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.keys import audit_key
from chalicelib.adapters.dynamodb.models import AuditRow


def record_act(
    transaction: TransactWrite, *, key: str, act: str, user_id: str, reason: str | None, actor: str | None, at: datetime
) -> AuditRow:
    """Record the act under its key, if that names no other. Cost: 2 write units."""
    row = AuditRow(
        pk=audit_key(key),
        sk=key,
        act=act,
        user_id=user_id,
        reason=reason or "",
        actor=actor or "",
        at=at,
    )
    transaction.save(row, AuditRow.pk.does_not_exist(), return_values="ALL_OLD")
    return row
