"""The system clock."""

from datetime import UTC, datetime, timedelta

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.ids import is_uuid7, uuid7_time


def test_now_is_utc_in_milliseconds() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    after = datetime.now(UTC)

    assert before - timedelta(milliseconds=1) < now <= after
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_wait_until_returns_at_the_time_and_at_once_for_a_past_one() -> None:
    clock = SystemClock()
    at = clock.now() + timedelta(milliseconds=20)
    clock.wait_until(at)
    assert clock.now() >= at
    clock.wait_until(at - timedelta(hours=1))


def test_new_id_returns_distinct_uuid7_with_current_time() -> None:
    clock = SystemClock()
    before = clock.now()
    ids = [clock.new_id() for _ in range(1_000)]
    after = clock.now()

    assert all(is_uuid7(each) for each in ids)
    assert len(set(ids)) == len(ids)
    assert all(before <= uuid7_time(each) <= after for each in ids)


def test_new_id_later_ids_sort_after_earlier_ones() -> None:
    ids = [SystemClock().new_id() for _ in range(1_000)]

    assert ids == sorted(ids)
