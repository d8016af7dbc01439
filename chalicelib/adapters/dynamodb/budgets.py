"""What fans decide about their own spending, in DynamoDB, and the notifications of it."""

from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.budget_expressions import change_budget
from chalicelib.adapters.dynamodb.mapping import notification_row
from chalicelib.adapters.dynamodb.models import AuditRow, EntryRow, WalletRow, key, wallet_key
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, is_done
from chalicelib.domain.budgets import BudgetChange, SelfExclusion
from chalicelib.domain.ids import uuid7_time
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.errors import IdempotencyConflict


class DynamoBudgets:
    """What the Ledger port says of budgets."""

    _transactions: Transactions

    def change_budget(self, user_id: str, change: BudgetChange) -> bool:
        """See the port. One write unit."""
        actions, is_seen = change_budget(change)
        return is_done(lambda: WalletRow(wallet_key(user_id), "WALLET").update(actions, is_seen))

    def exclude(self, exclusion: SelfExclusion) -> bool:
        """See the port. Four write units. Raises IdempotencyConflict when the key names another time."""
        record = _record(exclusion)

        def write(transaction: TransactWrite) -> None:
            transaction.save(record, AuditRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.update(
                WalletRow(wallet_key(exclusion.user_id), "WALLET"),
                [WalletRow.excluded_until.set(exclusion.until)],
                WalletRow.excluded_until.does_not_exist() | (WalletRow.excluded_until < exclusion.until),
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            if not refused.failed[0]:
                # He is shut out for longer already. The act is kept: its key must not shut him out some other day.
                return is_done(lambda: record.save(AuditRow.pk.does_not_exist())) or self.exclude(exclusion)
            if refused.old_items[0] and AuditRow.from_raw_data(refused.old_items[0]).reason != record.reason:
                raise IdempotencyConflict("Use a new key to exclude yourself for another time.") from refused
            return False
        return True

    def post_notification(self, notification: NotificationEntry) -> bool:
        """See the port. One write unit, and one of the journal."""
        return is_done(lambda: notification_row(notification).save(EntryRow.pk.does_not_exist()))


def _record(exclusion: SelfExclusion) -> AuditRow:
    return AuditRow(
        # By the key's time, not by ours: the same act may come again in the next month. Keys are a fan's own.
        pk=key("AUDIT", f"{uuid7_time(exclusion.key):%Y-%m}"),
        sk=key(exclusion.key, exclusion.user_id),
        act="self_exclusion",
        user_id=exclusion.user_id,
        reason=f"{exclusion.days} days",
        actor=exclusion.user_id,
        at=exclusion.at,
    )
