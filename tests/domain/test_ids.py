from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.domain.ids import (
    is_party_id,
    is_tag,
    is_uuid7,
    iso,
    require_fresh_key,
    require_party_id,
    require_tag,
    uuid7_of,
    uuid7_time,
)
from chalicelib.errors import InvalidField, KeyTooOld
from tests.fakes import START, uuid7_at

GOOD = "019ab1c2-d3e4-7f56-89ab-cdef01234567"
MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(hours=24)


@pytest.mark.parametrize("variant", "89ab")
def test_is_uuid7_accepts_each_variant_in_lowercase(variant: str) -> None:
    assert is_uuid7(f"019ab1c2-d3e4-7f56-{variant}9ab-cdef01234567")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD.replace("-", ""),
        GOOD[:-1],
        GOOD + "0",
        GOOD + "\n",
        " " + GOOD,
        f"{{{GOOD}}}",
        f"urn:uuid:{GOOD}",
        GOOD.replace("-7", "-4"),
        GOOD.replace("-7", "-8"),
        GOOD.replace("-89ab", "-79ab"),
        GOOD.replace("-89ab", "-c9ab"),
        GOOD.replace("019a", "019g"),
        GOOD.replace("019a", "\uff1019a"),
        GOOD.replace("-", "\u2010"),
    ],
)
def test_is_uuid7_refuses_similar_texts(text: str) -> None:
    assert not is_uuid7(text)


@pytest.mark.parametrize(
    "text",
    ["a", "Z9", "auth0|5f7c8ec7c33c6c004bbafe82", "google-oauth2:1", "a@b.example", "a_b-c=", "x" * 128],
)
def test_is_party_id_accepts_opaque_ascii(text: str) -> None:
    assert is_party_id(text)
    assert require_party_id("creator_id", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 129,
        "user#1",
        "a b",
        "a/b",
        "a\0",
        "a\n",
        "\ufeffa",
        "\uff41",  # a fullwidth a
        "\u0430",  # a Cyrillic a
        "caf\u00e9",
        "cafe\u0301",
        "a\u200d",
        "\u202ea",
        "\ud800",
        "\u0661",  # an Arabic one
        "a%23",
        "<a>",
        "a,b",
        "a;b",
        "a'b",
        'a"b',
        "a\\b",
        "a+b",
        "a*b",
    ],
)
def test_is_party_id_refuses_separators_controls_and_homoglyphs(text: str) -> None:
    assert not is_party_id(text)
    with pytest.raises(InvalidField) as refused:
        require_party_id("creator_id", text)
    assert refused.value.extensions["field"] == "creator_id"


@pytest.mark.parametrize("text", ["a", "coins_70", "Big-Rocket", "x" * 64])
def test_is_tag_accepts_short_words(text: str) -> None:
    assert is_tag(text)
    assert require_tag("item_id", text) == text


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a.b", "a#b", "a|b", "rosé", "a\n", "a/b"])
def test_is_tag_refuses_everything_else(text: str) -> None:
    assert not is_tag(text)
    with pytest.raises(InvalidField) as refused:
        require_tag("item_id", text)
    assert refused.value.extensions["field"] == "item_id"


def test_uuid7_time_is_exact_to_the_millisecond() -> None:
    at = datetime(2026, 11, 22, 13, 17, 37, 123_000, tzinfo=UTC)
    assert uuid7_time(uuid7_at(at, 1)) == at


def test_uuid7_time_of_the_first_key_is_1970() -> None:
    assert uuid7_time("00000000-0000-7000-8000-000000000000") == datetime(1970, 1, 1, tzinfo=UTC)


def test_uuid7_time_beyond_the_year_9999_is_the_last_time() -> None:
    assert uuid7_time("e677d21f-dbff-7000-8000-000000000000") == datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)
    assert uuid7_time("e677d21f-dc00-7000-8000-000000000000") == datetime.max.replace(tzinfo=UTC)
    assert uuid7_time("ffffffff-ffff-7fff-bfff-ffffffffffff") == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("distance", [timedelta(), DAY, -DAY, DAY - MILLISECOND, -DAY + MILLISECOND])
def test_require_fresh_key_accepts_a_key_within_a_day(distance: timedelta) -> None:
    require_fresh_key(uuid7_at(START + distance, 1), START)


@pytest.mark.parametrize("distance", [DAY + MILLISECOND, -DAY - MILLISECOND, timedelta(days=400), timedelta(-400)])
def test_require_fresh_key_refuses_a_distant_key_with_server_time(distance: timedelta) -> None:
    with pytest.raises(KeyTooOld) as refused:
        require_fresh_key(uuid7_at(START + distance, 1), START)
    assert refused.value.extensions == {"server_time": "2026-11-22T12:00:00.000Z"}


@pytest.mark.parametrize("key", ["00000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"])
def test_require_fresh_key_refuses_the_first_and_the_last_key(key: str) -> None:
    with pytest.raises(KeyTooOld):
        require_fresh_key(key, START)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 11, 22, 13, 17, 37, 123_456, UTC), "2026-11-22T13:17:37.123Z"),
        (datetime(2026, 11, 22, 13, 17, 37, tzinfo=UTC), "2026-11-22T13:17:37.000Z"),
        (datetime(2026, 11, 22, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-11-21T23:00:00.000Z"),
    ],
)
def test_iso_formats_utc_with_milliseconds(at: datetime, written: str) -> None:
    assert iso(at) == written


@pytest.mark.parametrize("is_one", [is_uuid7, is_party_id, is_tag])
def test_id_predicates_refuse_a_very_long_text(is_one: Callable[[str], bool]) -> None:
    assert not is_one("a" * 100_000)


@pytest.mark.parametrize("name", ["", "in_1", "in_2", "\u00fc" * 999])
def test_uuid7_of_a_time_and_a_name_has_that_time(name: str) -> None:
    made = uuid7_of(START + MILLISECOND, name)
    assert is_uuid7(made)
    assert uuid7_time(made) == START + MILLISECOND


def test_uuid7_of_is_stable_and_distinct() -> None:
    assert uuid7_of(START, "in_1") == "01a20320-a200-7d1d-b59b-eac8bd9b9ffe"
    ids = {uuid7_of(at, name) for at in (START, START + MILLISECOND) for name in ("in_1", "in_2") for _ in range(2)}
    assert len(ids) == 4
