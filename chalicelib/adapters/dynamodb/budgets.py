"""Budgets, self-exclusions and notifications in DynamoDB."""

from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.budget_expressions import change_budget
from chalicelib.adapters.dynamodb.keys import WALLET, audit_key, key, wallet_key
from chalicelib.adapters.dynamodb.mapping import notification_row
from chalicelib.adapters.dynamodb.models import AuditRow, EntryRow, WalletRow
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, is_done
from chalicelib.domain.budgets import BudgetChange, SelfExclusion
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import Posted, Repeated, Stale


class DynamoBudgets:
    """The Ledger port's budget methods."""

    _transactions: Transactions

    def change_budget(self, user_id: str, change: BudgetChange) -> Posted | Stale:
        """Cost: 1 write unit."""
        actions, is_seen = change_budget(change)
        written = is_done(lambda: WalletRow(wallet_key(user_id), WALLET).update(actions, is_seen))
        return Posted() if written else Stale()

    def exclude(self, exclusion: SelfExclusion) -> Posted | Repeated:
        """Cost: 4 write units."""
        record = _record(exclusion)

        def write(transaction: TransactWrite) -> None:
            transaction.save(record, AuditRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.update(
                WalletRow(wallet_key(exclusion.user_id), WALLET),
                [WalletRow.excluded_until.set(exclusion.until)],
                WalletRow.excluded_until.does_not_exist() | (WalletRow.excluded_until < exclusion.until),
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            if not refused.failed[0]:
                # A longer exclusion is active. The key is recorded anyway, so that a repeat cannot exclude again later.
                recorded = is_done(lambda: record.save(AuditRow.pk.does_not_exist()))
                return Posted() if recorded else self.exclude(exclusion)
            if refused.old_items[0] and AuditRow.from_raw_data(refused.old_items[0]).reason != record.reason:
                raise IdempotencyConflict("Use a new key to exclude yourself for another time.") from refused
            return Repeated()
        return Posted()

    def post_notification(self, notification: NotificationEntry) -> Posted | Repeated:
        """Cost: 1 write unit and 1 for the journal."""
        written = is_done(lambda: notification_row(notification).save(EntryRow.pk.does_not_exist()))
        return Posted() if written else Repeated()


def _record(exclusion: SelfExclusion) -> AuditRow:
    return AuditRow(
        pk=audit_key(exclusion.key),
        # Keys are scoped to a fan.
        sk=key(exclusion.key, exclusion.user_id),
        act="self_exclusion",
        user_id=exclusion.user_id,
        reason=f"{exclusion.days} days",
        actor=exclusion.user_id,
        at=exclusion.at,
    )
