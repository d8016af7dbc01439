"""Totals held against their entries. What differs is told with both figures, and never mended in silence."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from chalicelib.domain.journal import Mismatch, hours
from chalicelib.ports import Clock, Journal
from chalicelib.usecases.sweep import LAG

log = logging.getLogger(__name__)

FIRST_REACH: Final = timedelta(days=1)

_WATERMARK: Final = "audit"


def audit_ledger(*, journal: Journal, clock: Clock) -> Sequence[Mismatch]:
    """Add up every wallet and every lane that moved since the last audit.

    Returns:
        The totals that their entries do not add up to; each of them was logged.
    """
    until = clock.now() - LAG
    first = journal.read_watermark(_WATERMARK) or until - FIRST_REACH
    mismatches: list[Mismatch] = []
    for hour in hours(first, until):
        lines = journal.read_hour(hour)
        wallets = sorted({line.user_id for line in lines})
        lanes = sorted({(line.creator_id, line.lane) for line in lines if line.creator_id})
        found = [journal.wallet_mismatch(user_id) for user_id in wallets]
        found += [journal.lane_mismatch(creator_id, lane) for creator_id, lane in lanes]
        mismatches += [_tell(mismatch) for mismatch in found if mismatch]
        # Only what was told may be left behind: the next hour may not come to its end.
        journal.move_watermark(_WATERMARK, hour)
    return mismatches


def _tell(mismatch: Mismatch) -> Mismatch:
    figures = {"what": mismatch.what, "stored": mismatch.stored, "added_up": mismatch.added_up}
    log.error("a total is not the sum of its entries", extra=figures)
    return mismatch
