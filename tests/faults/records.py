"""Stream records of posted entries and of changed budgets."""

from chalicelib.domain.budgets import Budget
from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord


def record_of(entry: Entry) -> PostedRecord:
    """Build the stream record of an entry that became posted."""
    ref = EntryRef(user_id=entry.user_id, entry_id=entry.entry_id)
    return PostedRecord(record_id=str(entry.event_id), ref=ref, entry=entry)


def budget_record(number: int, fan: str, old: Budget | None, new: Budget) -> BudgetRecord:
    """Build the stream record of a wallet whose budget changed."""
    return BudgetRecord(record_id=f"budget-{fan}-{number}", user_id=fan, old=old, new=new)
