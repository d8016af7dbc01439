import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamodb.keys import entry_key, journal_at, journal_hour, key, shard_key, wallet_key
from chalicelib.domain.ids import is_party_id, iso, uuid7_time
from tests.fakes import uuid7_at
from tests.properties.profile import STEADY

# A small alphabet, so that two draws are often similar.
parts = st.text("ab#|", max_size=3)
plain = st.text("ab|:@.", min_size=1, max_size=3)
parties = st.text(string.ascii_letters + string.digits + "|:@._-=", min_size=1, max_size=128)
# `timezones` requires naive limits.
instants = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
numbers = st.integers(0, 2**62 - 1)


@STEADY
@given(st.lists(plain, min_size=1, max_size=4), st.lists(plain, min_size=1, max_size=4))
def test_key_is_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (key(*one) == key(*other)) is (one == other)


@STEADY
@given(st.lists(parts, min_size=1, max_size=4))
def test_key_refuses_empty_parts_and_separators(found: list[str]) -> None:
    if all(found) and "#" not in "".join(found):
        assert key(*found).split("#") == found
    else:
        with pytest.raises(ValueError, match="empty or holds a #"):
            key(*found)


@STEADY
@given(parties, parties, st.integers(0, 63), st.integers(0, 63))
def test_wallet_and_shard_keys_are_distinct_per_party(one: str, other: str, shard: int, other_lane: int) -> None:
    assert is_party_id(one)
    assert (wallet_key(one) == wallet_key(other)) is (one == other)
    assert (shard_key(one, shard) == shard_key(other, other_lane)) is ((one, shard) == (other, other_lane))
    assert wallet_key(one) != shard_key(other, shard)


@STEADY
@given(instants, instants, numbers, numbers)
def test_entry_and_journal_keys_sort_by_time(one: datetime, other: datetime, low: int, high: int) -> None:
    earlier, later = sorted([one, other])
    if later - earlier >= timedelta(milliseconds=1):
        assert entry_key(uuid7_at(earlier, high)) < entry_key(uuid7_at(later, low))
        assert journal_at(earlier, uuid7_at(earlier, high)) < journal_at(later, uuid7_at(later, low))
        assert iso(earlier) < iso(later)


@STEADY
@given(instants, numbers)
def test_journal_hour_has_the_hour_and_one_of_sixteen_shards(at: datetime, number: int) -> None:
    hour, shard = journal_hour(at, f"fan-{number}").split("#")
    assert iso(at).startswith(hour)
    assert shard in {f"{found:02d}" for found in range(16)}


@STEADY
@given(instants, numbers)
def test_uuid7_time_returns_the_creation_time(at: datetime, number: int) -> None:
    assert timedelta() <= at - uuid7_time(uuid7_at(at, number)) < timedelta(milliseconds=1)
