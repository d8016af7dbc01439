from datetime import datetime, timedelta

import pytest

from chalicelib.domain.totals import (
    UNSETTLED,
    EntriesSum,
    Judgment,
    Level,
    PostedCoins,
    ReceivedCoins,
    ShardScan,
    ShardSum,
    ShardTotal,
    WalletSum,
    judge,
    sum_forward,
)
from tests.domain.builders import a_line
from tests.fakes import START

SECOND = timedelta(seconds=1)


def received(*places: tuple[int, int, int | None]) -> list[ReceivedCoins]:
    return [
        ReceivedCoins(event_id=f"event-{sequence}", sequence=sequence, coins=coins, total=total)
        for sequence, coins, total in places
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
    ("rows", "stored", "level", "judgment"),
    [
        ([(3, 1, 6), (4, 2, 8)], 8, Level.NEW, Judgment.AGREES),
        ([(4, 2, 8), (3, 1, 6)], 8, Level.NEW, Judgment.AGREES),
        ([(3, 1, None), (4, 2, None)], 8, Level.NEW, Judgment.AGREES),
        ([(3, 1, 6), (4, 2, 8)], 9, Level.NEW, Judgment.DIFFERS),
        ([(3, 1, 7), (4, 2, 9)], 9, Level.NEW, Judgment.UNSURE),
        ([(3, 1, None), (4, 2, None)], 9, Level.NEW, Judgment.UNSURE),
        ([(3, 1, 7), (4, 2, 9)], 9, Level.LAST, Judgment.DIFFERS),
        ([(3, 1, 6), (4, 2, 8)], 9, Level.ALL, Judgment.UNSURE),
        ([(4, 3, 8)], 8, Level.LAST, Judgment.UNSURE),
        ([(3, 1, 6), (3, 2, 8)], 8, Level.LATE, Judgment.UNSURE),
        ([(2, 9, 5), (3, 1, 6), (4, 2, 8), (5, 9, 17)], 8, Level.NEW, Judgment.AGREES),
    ],
)
def test_scan_is_sure_once_all_places_are_there_and_an_entry_confirms_its_beginning(
    rows: list[tuple[int, int, int | None]], stored: int, level: Level, judgment: Judgment
) -> None:
    checked, total = ShardSum(sequence=2, coins=5), ShardTotal(sequence=4, coins=stored, checked=ShardSum())
    scan = ShardScan.begin(level, checked, total, at=START, after="0")
    for row in received(*rows):
        scan = scan.plus(row)
    assert scan.judgment is judgment
    assert scan.after == f"event-{rows[-1][0]}"
    assert ShardScan.parse(scan.text) == scan


def test_scan_that_is_over_is_none() -> None:
    assert ShardScan.parse(None) is None
    assert ShardScan.parse("done") is None
