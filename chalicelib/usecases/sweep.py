"""Whatever the stream lost: entries in the journal that nobody relayed are relayed."""

from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.journal import batches, hours
from chalicelib.ports import Journal
from chalicelib.usecases.relay_entries import Relay
from chalicelib.usecases.relay_lines import relay_lines

LAG: Final = timedelta(minutes=10)
"""The stream is given so long before the sweep calls an entry forgotten."""
FIRST_REACH: Final = timedelta(days=2)
"""How far the very first sweep looks back."""

_WATERMARK: Final = "sweep"
_UNSURE: Final = "sweep_unsure"
"""The hour that a sweep began to mend. That a gift was received there does not tell that the world heard of it, too."""
_NO_HOUR: Final = datetime(1970, 1, 1, tzinfo=UTC)


def sweep(*, journal: Journal, relay: Relay) -> int:
    """Relay every entry that was posted more than ten minutes ago and was not relayed since.

    The watermark is the hour that the next sweep begins with: it moves only over hours in which nothing was left. An
    hour that a sweep did not come to the end of is relayed whole by the next one, which is always safe.

    Returns:
        How many entries were relayed.
    """
    until = relay.clock.now() - LAG
    first = journal.read_watermark(_WATERMARK) or until - FIRST_REACH
    unsure = journal.read_watermark(_UNSURE)
    mended = 0
    for hour in hours(first, until):
        lines = [line for line in journal.read_hour(hour) if line.posted_at <= until]
        left, is_noted = 0, hour == unsure
        for batch in batches(lines):
            forgotten = batch if hour == unsure else journal.not_relayed(batch)
            if forgotten and not is_noted:
                journal.move_watermark(_UNSURE, hour)
                is_noted = True
            failed = relay_lines(forgotten, relay)
            mended += len(forgotten) - failed
            left += failed
        if left:
            break
        if is_noted:
            journal.move_watermark(_UNSURE, _NO_HOUR)
        journal.move_watermark(_WATERMARK, hour)
    return mended
