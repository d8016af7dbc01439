"""Audit: compare totals with their entries, and count open reviews."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from chalicelib.domain.journal import Mismatch, hours
from chalicelib.ports.clock import Clock
from chalicelib.ports.journal import Journal
from chalicelib.usecases.recovery import SETTLE_DELAY

log = logging.getLogger(__name__)

FIRST_LOOKBACK: Final = timedelta(days=1)

_WATERMARK: Final = "audit"


def audit_ledger(*, journal: Journal, clock: Clock) -> Sequence[Mismatch]:
    """Add up every wallet and every shard that moved since the last audit.

    Returns:
        The totals that differ from the sum of their entries; each was logged.
    """
    until = clock.now() - SETTLE_DELAY
    first = journal.read_watermark(_WATERMARK) or until - FIRST_LOOKBACK
    mismatches: list[Mismatch] = []
    for hour in hours(first, until):
        lines = journal.read_hour(hour)
        wallets = sorted({line.user_id for line in lines})
        shards = sorted({(line.creator_id, line.shard) for line in lines if line.creator_id})
        found = [journal.wallet_mismatch(user_id) for user_id in wallets]
        found += [journal.shard_mismatch(creator_id, shard) for creator_id, shard in shards]
        mismatches += [_log(mismatch) for mismatch in found if mismatch]
        # After the log lines: the function may time out in the next hour.
        journal.move_watermark(_WATERMARK, hour)
    return mismatches


def _log(mismatch: Mismatch) -> Mismatch:
    figures = {"what": mismatch.what, "stored": mismatch.stored, "added_up": mismatch.added_up}
    log.error("total_mismatch", extra=figures)
    return mismatch
