"""The checker of the invariants complains when it should: each of these books is wrong in one way."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.ledger import Entry, Wallet
from chalicelib.domain.money import MAX_AMOUNT
from tests.domain.builders import CREATOR, FAN, a_gift, a_posted_purchase, a_purchase
from tests.invariants import Books, LaneTotal, Received, broken, changed

BOUGHT = a_posted_purchase(purchase_id="p1", event_id="e1")
GIVEN = a_gift(gift_id="g1", event_id="e2", price_coins=30)
RECEIVED = Received(creator_id=CREATOR, lane=0, event_id="e2", coins=30, sequence=1)
TOTAL = LaneTotal(creator_id=CREATOR, lane=0, coins=30, gifts=1)
WALLET = Wallet(user_id=FAN, coins=40)
GOOD = Books(
    wallets=[WALLET],
    entries=[BOUGHT, GIVEN, a_purchase(purchase_id="p2")],
    received=[RECEIVED],
    lanes=[TOTAL],
    published=["e1", "e2", "e2"],
)


def test_good_books_are_good() -> None:
    assert broken(GOOD, is_drained=True) == []
    assert broken(Books(), is_drained=True) == []


def test_books_whose_relay_is_behind_are_good_until_it_says_it_is_not() -> None:
    behind = replace(GOOD, received=[], lanes=[], published=[])
    assert broken(behind, is_drained=False) == []
    assert {line[:2] for line in broken(behind, is_drained=True)} == {"I3", "I4"}


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        ("I1", {"wallets": [replace(WALLET, coins=41)]}),
        ("I1", {"wallets": []}),
        ("I1", {"wallets": [WALLET, Wallet(user_id="fan-2", coins=1)]}),
        ("I2", {"entries": [BOUGHT, GIVEN, GIVEN], "wallets": [replace(WALLET, coins=10)]}),
        ("I2", {"entries": [BOUGHT, GIVEN, replace(BOUGHT, purchase_id="p3", event_id="e3")]}),
        ("I3", {"received": [replace(RECEIVED, coins=29)]}),
        ("I3", {"received": [replace(RECEIVED, lane=1)]}),
        ("I3", {"received": [RECEIVED, replace(RECEIVED, sequence=2)]}),
        ("I3", {"received": [replace(RECEIVED, sequence=2)]}),
        ("I3", {"lanes": []}),
        ("I3", {"lanes": [replace(TOTAL, coins=31)]}),
        ("I3", {"lanes": [replace(TOTAL, gifts=2)]}),
        ("I3", {"lanes": [TOTAL, replace(TOTAL, lane=1, gifts=1)]}),
        ("I4", {"published": ["e1", "e2", "e9"]}),
        ("I4", {"entries": [BOUGHT, replace(GIVEN, event_id="e1")]}),
        ("I5", {"wallets": [WALLET, Wallet(user_id="fan-2", coins=-1)]}),
        ("I6", {"wallets": [Wallet(user_id=FAN, coins=MAX_AMOUNT + 1)]}),
        ("I6", {"wallets": [Wallet(user_id=FAN, coins=True)]}),
        ("I6", {"entries": [replace(BOUGHT, amount_minor=MAX_AMOUNT + 1), GIVEN]}),
    ],
    ids=str,
)
def test_books_that_are_wrong_in_one_way_are_found_out(invariant: str, changes: dict[str, Any]) -> None:
    found = broken(replace(GOOD, **changes), is_drained=False)
    assert invariant in {line[:2] for line in found}


@pytest.mark.parametrize(
    "entries",
    [
        [GIVEN, a_purchase(purchase_id="p2")],
        [replace(BOUGHT, coins=71), GIVEN, a_purchase(purchase_id="p2")],
        [BOUGHT, replace(GIVEN, message="edited"), a_purchase(purchase_id="p2")],
        [BOUGHT, GIVEN, a_purchase(purchase_id="p2", amount_minor=1)],
        [BOUGHT, GIVEN],
    ],
)
def test_a_fact_that_changes_is_found_out(entries: list[Entry]) -> None:
    assert changed(GOOD, replace(GOOD, entries=entries)) != []


def test_a_purchase_that_is_posted_and_an_entry_that_comes_do_not_change_a_fact() -> None:
    later: list[Entry] = [BOUGHT, GIVEN, a_posted_purchase(purchase_id="p2"), a_gift(gift_id="g2")]
    assert changed(GOOD, replace(GOOD, entries=later)) == []
