from datetime import datetime, timedelta

import pytest

from chalicelib.domain.totals import (
    BEGINNING,
    UNSETTLED,
    Chain,
    EntriesSum,
    Judgment,
    PostedCoins,
    ReceivedCoins,
    ReceivedSum,
    ShardSum,
    ShardTotal,
    WalletSum,
    follow,
    judge,
    sum_forward,
)
from tests.domain.builders import a_line
from tests.fakes import START

SECOND = timedelta(seconds=1)


def received(*places: tuple[int, int, int | None]) -> list[ReceivedCoins]:
    return [
        ReceivedCoins(sequence=sequence, coins=coins, total=total, posted_at=START) for sequence, coins, total in places
    ]


@pytest.mark.parametrize(
    ("young", "coins", "judgment"),
    [
        ([], 10, Judgment.AGREES),
        ([], 11, Judgment.DIFFERS),
        ([-3, -4], 10, Judgment.UNSURE),
        ([-3, -4], 3, Judgment.UNSURE),
        ([-3, -4], 6, Judgment.UNSURE),
        ([-3, -4], 2, Judgment.DIFFERS),
        ([-3, -4], 11, Judgment.DIFFERS),
        ([-3, 5], 15, Judgment.UNSURE),
        ([-3, 5], 16, Judgment.DIFFERS),
        ([-3, 5], 6, Judgment.DIFFERS),
    ],
)
def test_judge_is_unsure_of_a_total_that_may_have_some_entries(
    young: list[int], coins: int, judgment: Judgment
) -> None:
    added = EntriesSum(WalletSum(), START)
    for place, each in enumerate([10, *young]):
        added.add(posted(each, START - UNSETTLED + place * SECOND))
    assert judge(coins, added.settled, added.listed) is judgment
    assert (judge(coins, added.listed, added.listed) is Judgment.AGREES) == (coins == 10 + sum(young))
    assert added.checked == WalletSum(coins=10, at=START - UNSETTLED)
    assert added.listed.coins == 10 + sum(young)


def posted(coins: int, posted_at: datetime) -> PostedCoins:
    return PostedCoins(entry_id="entry", coins=coins, posted_at=posted_at)


def test_entries_of_the_checked_sum_are_not_added_again() -> None:
    added = EntriesSum(WalletSum(coins=7, at=START), START)
    for posted_at in (START, START + SECOND):
        added.add(posted(1, posted_at))
    assert (added.settled.coins, added.listed.coins) == (7, 8)
    assert added.checked == WalletSum(coins=7, at=START)


def test_sum_forward_adds_later_lines() -> None:
    line = a_line(1)
    checked = WalletSum(coins=5, at=line.posted_at)
    assert sum_forward(checked, [line]) == checked
    assert sum_forward(WalletSum(coins=5), [line]) == WalletSum(coins=5 + line.coins, at=line.posted_at)


@pytest.mark.parametrize(
    ("rows", "chain"),
    [
        (received(), Chain(sequence=2, coins=5)),
        (received((3, 1, 6), (4, 2, 8)), Chain(sequence=4, coins=8)),
        (received((4, 2, 8), (3, 1, 6)), Chain(sequence=4, coins=8)),
        (received((3, 1, None), (4, 2, 8)), Chain(sequence=4, coins=8)),
        (received((3, 1, 6), (5, 2, 9)), Chain(sequence=3, coins=6)),
        (received((4, 1, 6)), Chain(sequence=2, coins=5)),
        (received((3, 1, 7)), Chain(sequence=2, coins=5, is_broken=True)),
        (received((3, 1, 6), (3, 2, 8)), Chain(sequence=3, coins=6, is_broken=True)),
    ],
)
def test_follow_goes_to_the_first_gap_or_contradiction(rows: list[ReceivedCoins], chain: Chain) -> None:
    assert follow(Chain(sequence=2, coins=5), rows) == chain


def test_received_sum_counts_each_place_once() -> None:
    places = 5_000
    added = ReceivedSum(places)
    for row in received(*((sequence, 1, None) for sequence in range(1, places + 2))):
        added.add(row)
    assert added.mismatch("shard", _total(places)) is None
    for row in received((7, 0, None)):
        added.add(row)
    mismatch = added.mismatch("shard", _total(places))
    assert mismatch
    assert (mismatch.what, mismatch.added_up) == ("shard/sequence", places + 1)


def _total(coins: int) -> ShardTotal:
    return ShardTotal(coins=coins, sequence=coins, checked=ShardSum(at=_beginning()))


def _beginning() -> datetime:
    return BEGINNING
