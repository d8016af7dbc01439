"""Stream records of posted entries and of changed budgets."""

from chalicelib.domain.budgets import Budget
from chalicelib.domain.entries import Entry
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord


def record_of(entry: Entry) -> PostedRecord:
    """Build the stream record of an entry that became posted."""
    keys = {"PK": f"WALLET#{entry.user_id}", "SK": f"ENTRY#{entry.entry_id}"}
    return PostedRecord(record_id=str(entry.event_id), keys=keys, entry=entry)


def budget_record(number: int, fan: str, old: Budget | None, new: Budget) -> BudgetRecord:
    """Build the stream record of a wallet whose budget changed."""
    keys = {"PK": f"WALLET#{fan}", "SK": "WALLET"}
    return BudgetRecord(record_id=f"budget-{fan}-{number}", keys=keys, user_id=fan, old=old, new=new)
