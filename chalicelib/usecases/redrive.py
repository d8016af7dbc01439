"""A stretch of the stream that the relay's mapping gave up is relayed from the journal."""

from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.journal import batches, hours
from chalicelib.errors import TryAgain
from chalicelib.ports import Journal
from chalicelib.usecases.relay_entries import Relay
from chalicelib.usecases.relay_lines import relay_lines

MARGIN: Final = timedelta(minutes=1)
"""The stream's times are the store's, the journal's are ours."""


def redrive(first: datetime, last: datetime, *, journal: Journal, relay: Relay) -> int:
    """Relay again whatever was posted between the two times, known or not: that is always safe.

    Returns:
        How many entries were relayed.

    Raises:
        TryAgain: some could not be.
    """
    relayed, failed = 0, 0
    for hour in hours(first - MARGIN, last + MARGIN):
        lines = [line for line in journal.read_hour(hour) if first - MARGIN <= line.posted_at <= last + MARGIN]
        for batch in batches(lines):
            not_relayed = relay_lines(batch, relay)
            relayed, failed = relayed + len(batch) - not_relayed, failed + not_relayed
    if failed:
        raise TryAgain(f"{failed} entries were not relayed.")
    return relayed
