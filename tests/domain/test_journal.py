from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.journal import BATCH, batches, hours
from tests.domain.builders import a_line

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (NOON, NOON, [12]),
        (NOON + 59 * MINUTE, NOON + 59 * MINUTE, [12]),
        (NOON + 59 * MINUTE, NOON + 60 * MINUTE, [12, 13]),
        (NOON - MINUTE, NOON + 61 * MINUTE, [11, 12, 13]),
        (NOON + 60 * MINUTE, NOON + 59 * MINUTE, []),
        (NOON + 59 * MINUTE, NOON + MINUTE, [12]),
        (NOON + timedelta(hours=11), NOON + timedelta(hours=13), [23, 0, 1]),
    ],
)
def test_hours_covers_the_time_range(first: datetime, last: datetime, found: list[int]) -> None:
    assert [hour.hour for hour in hours(first, last)] == found
    assert all((hour.minute, hour.second, hour.microsecond) == (0, 0, 0) for hour in hours(first, last))


@pytest.mark.parametrize(
    ("lines", "sizes"), [(0, []), (1, [1]), (BATCH, [100]), (BATCH + 1, [100, 1]), (250, [100, 100, 50])]
)
def test_batches_keeps_all_lines_in_order(lines: int, sizes: list[int]) -> None:
    listed = [a_line(number) for number in range(lines)]
    found = list(batches(listed))
    assert [len(batch) for batch in found] == sizes
    assert [line for batch in found for line in batch] == listed
