"""Limits of pictograph blocks and of text lengths."""

import pytest

from chalicelib.domain.messages import MAX_BYTES, MAX_CHARACTERS, MAX_NAME_BYTES, MAX_NAME_CHARACTERS, count_emoji
from chalicelib.domain.shards import MAX_ACTIONS_PER_TRANSACTION, MAX_SHARDS, ShardPosition


@pytest.mark.parametrize(
    "code",
    [
        *(0x1F300, 0x1FAFF, 0x2600, 0x27BF, 0x2B00, 0x2BFF, 0x1F1E6, 0x1F1FF, 0x1F3FA, 0x1F3FB, 0x1F3FF, 0x1F400),
        *(
            0x231A,
            0x231B,
            0x23E9,
            0x23F3,
            0x25FD,
            0x25FE,
            0x1F004,
            0x1F0CF,
            0x1F18E,
            0x1F191,
            0x1F19A,
            0x1F201,
            0x1F251,
        ),
    ],
)
def test_count_emoji_counts_both_ends_of_each_block(code: int) -> None:
    assert count_emoji(chr(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        *(0x1F2FF, 0x1FB00, 0x25FF, 0x27C0, 0x2AFF, 0x2C00, 0x1F1E5, 0x1F200, 0x2319, 0x231C, 0x23E8, 0x23F4, 0x25FC),
        *(0x1F003, 0x1F005, 0x1F0CE, 0x1F0D0, 0x1F18D, 0x1F18F, 0x1F190, 0x1F19B, 0x1F252),
    ],
)
def test_count_emoji_ignores_neighbors_of_each_block(code: int) -> None:
    assert count_emoji(chr(code)) == 0


@pytest.mark.parametrize(("first", "second"), [(0x1F1E6, 0x1F1FF), (0x1F1FF, 0x1F1E6)])
def test_count_emoji_pairs_regional_indicators(first: int, second: int) -> None:
    assert count_emoji(chr(first) + chr(second)) == 1
    assert count_emoji(chr(first) + chr(second) + chr(first)) == 2


@pytest.mark.parametrize(("code", "emoji"), [(0x1F3FA, 2), (0x1F3FB, 1), (0x1F3FF, 1), (0x1F400, 2)])
def test_count_emoji_joins_skin_tones(code: int, emoji: int) -> None:
    assert count_emoji("👍" + chr(code)) == emoji


def test_count_emoji_ignores_the_character_before_a_flag() -> None:
    assert count_emoji(chr(0x1F200) + chr(0x1F1E6)) == 1


def test_limits_have_the_documented_values() -> None:
    assert (MAX_CHARACTERS, MAX_NAME_CHARACTERS, MAX_NAME_BYTES, MAX_BYTES) == (400, 40, 48, 1_648)
    assert (MAX_ACTIONS_PER_TRANSACTION, MAX_SHARDS) == (99, 64)


def test_shard_position_without_a_streak_has_zero_totals() -> None:
    assert ShardPosition(sequence=1) == ShardPosition(sequence=1, streak_count=0, streak_coins=0)
