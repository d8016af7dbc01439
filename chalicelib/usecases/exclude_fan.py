"""A fan shuts himself out from spending for a time."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.budgets import SelfExclusion, exclusion
from chalicelib.ports import Clock, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Until when the fan is shut out. `is_repeat`: the key was known already."""

    until: datetime
    is_repeat: bool


def exclude_fan(user_id: str, key: str, days: int, *, ledger: Ledger, clock: Clock) -> Excluded:
    """Shut the fan out for so many days from now, unless it is for longer already. Nobody can undo it early.

    A repeat changes nothing, however old its key is: what the key did is kept.

    Raises:
        InvalidField: not so many days.
        IdempotencyConflict: the key names another number of days.
        TryAgain: the outcome is not known.
    """
    asked: SelfExclusion = exclusion(user_id, key, days, clock.now())
    is_new = ledger.exclude(asked)
    until = ledger.read_wallet(user_id).excluded_until
    assert until is not None, "nobody undoes an exclusion"
    return Excluded(until=until, is_repeat=not is_new)
