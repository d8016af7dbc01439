"""What the stream says of what was posted, and of budgets that changed."""

from chalicelib.domain.budgets import Budget
from chalicelib.domain.entries import Entry
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord


def record_of(entry: Entry) -> PostedRecord:
    """An entry that became posted, as the stream tells of it."""
    keys = {"PK": f"WALLET#{entry.user_id}", "SK": f"ENTRY#{entry.entry_id}"}
    return PostedRecord(record_id=str(entry.event_id), keys=keys, entry=entry)


def budget_record(number: int, fan: str, old: Budget | None, new: Budget) -> BudgetRecord:
    """A wallet whose budget has changed, as the stream tells of it."""
    keys = {"PK": f"WALLET#{fan}", "SK": "WALLET"}
    return BudgetRecord(record_id=f"budget-{fan}-{number}", keys=keys, user_id=fan, old=old, new=new)
