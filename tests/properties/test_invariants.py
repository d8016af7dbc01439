"""The invariants checker finds each of these violations."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.entries import Entry
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.purchases import Status
from chalicelib.domain.wallets import Wallet
from tests.domain.builders import (
    CREATOR,
    EVENT_ID,
    FAN,
    a_gift,
    a_posted_purchase,
    a_purchase,
    a_reversal,
    an_adjustment,
)
from tests.invariants import Books, Received, ShardTotal, broken, changed

BOUGHT = a_posted_purchase(purchase_id="p1", event_id="e1")
GIVEN = a_gift(gift_id="g1", event_id="e2", price_coins=30)
RECEIVED = Received(creator_id=CREATOR, shard=0, event_id="e2", coins=30, sequence=1)
TOTAL = ShardTotal(creator_id=CREATOR, shard=0, coins=30, gifts=1)
WALLET = Wallet(user_id=FAN, coins=40)
GOOD = Books(
    wallets=[WALLET],
    entries=[BOUGHT, GIVEN, a_purchase(purchase_id="p2")],
    received=[RECEIVED],
    shards=[TOTAL],
    published=["e1", "e2", "e2"],
)
TAKEN = an_adjustment(entry_id="a1", event_id="e5", kind=Kind.CLAWBACK, coins=-35, about="p1", actor=None)
GIVEN_BACK = an_adjustment(entry_id="a2", event_id="e6", kind=Kind.RESTORE, coins=10, about="p1", actor=None)
REVERSAL = a_reversal(GIVEN, entry_id="a3", event_id="e7")
RETURNED = Received(creator_id=CREATOR, shard=0, event_id="e7", coins=-30, sequence=2)
MOVED = Books(
    wallets=[replace(WALLET, coins=50)],
    entries=[replace(BOUGHT, kept_minor=48, version=4), GIVEN, TAKEN, GIVEN_BACK, REVERSAL, an_adjustment(coins=5)],
    received=[RECEIVED, RETURNED],
    shards=[replace(TOTAL, coins=0, gifts=2)],
    published=["e1", "e2", "e5", "e6", "e7", EVENT_ID],
)
"""The state after a partial refund and restore, a gift reversal, and a grant of a few coins."""


def test_broken_of_valid_books_is_empty() -> None:
    assert broken(GOOD, is_drained=True) == []
    assert broken(MOVED, is_drained=True) == []
    assert broken(Books(), is_drained=True) == []


def test_broken_of_unrelayed_books_depends_on_is_drained() -> None:
    behind = replace(GOOD, received=[], shards=[], published=[])
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
        ("I3", {"received": [replace(RECEIVED, shard=1)]}),
        ("I3", {"received": [RECEIVED, replace(RECEIVED, sequence=2)]}),
        ("I3", {"received": [replace(RECEIVED, sequence=2)]}),
        ("I3", {"shards": []}),
        ("I3", {"shards": [replace(TOTAL, coins=31)]}),
        ("I3", {"shards": [replace(TOTAL, gifts=2)]}),
        ("I3", {"shards": [TOTAL, replace(TOTAL, shard=1, gifts=1)]}),
        ("I4", {"published": ["e1", "e2", "e9"]}),
        ("I4", {"entries": [BOUGHT, replace(GIVEN, event_id="e1")]}),
        ("I5", {"wallets": [WALLET, Wallet(user_id="fan-2", coins=-1)]}),
        ("I6", {"wallets": [Wallet(user_id=FAN, coins=MAX_AMOUNT + 1)]}),
        ("I6", {"wallets": [Wallet(user_id=FAN, coins=True)]}),
        ("I6", {"entries": [replace(BOUGHT, amount_minor=MAX_AMOUNT + 1), GIVEN]}),
    ],
    ids=str,
)
def test_broken_finds_each_violation(invariant: str, changes: dict[str, Any]) -> None:
    found = broken(replace(GOOD, **changes), is_drained=False)
    assert invariant in {line[:2] for line in found}


def moved(**changes: Any) -> Books:
    """Build the state after money has moved, with the named entries replaced."""
    others = {entry.entry_id: entry for entry in MOVED.entries} | changes.pop("entries", {})
    return replace(MOVED, entries=[entry for entry in others.values() if entry], **changes)


@pytest.mark.parametrize(
    ("invariant", "books"),
    [
        ("I1", moved(entries={"a1": None})),
        ("I3", moved(received=[RECEIVED])),
        ("I3", moved(received=[RECEIVED, replace(RETURNED, coins=30)])),
        ("I3", moved(shards=[TOTAL])),
        ("I3", moved(entries={"a3": None})),
        ("I4", moved(published=["e1", "e2", "e6", "e7", EVENT_ID])),
        ("I5", moved(wallets=[replace(WALLET, coins=-26)])),
        ("I5", moved(entries={"a1": replace(TAKEN, coins=35)})),
        ("I5", moved(entries={"a2": replace(GIVEN_BACK, coins=-10)})),
        ("I6", moved(entries={"a1": replace(TAKEN, coins=-MAX_AMOUNT - 1)})),
        ("I8", moved(entries={"p1": replace(BOUGHT, kept_minor=74)})),
        ("I8", moved(entries={"p1": replace(BOUGHT, kept_minor=None)})),
        ("I8", moved(entries={"p1": replace(BOUGHT, kept_minor=47)})),
        ("I8", moved(entries={"p1": replace(BOUGHT, kept_minor=-1)})),
        ("I8", moved(entries={"a1": replace(TAKEN, about="p2")})),
        ("I8", moved(entries={"a1": replace(TAKEN, coins=-36)})),
        ("I8", moved(entries={"p1": replace(BOUGHT, status=Status.PENDING)})),
    ],
    ids=str,
)
def test_broken_finds_each_violation_after_money_moved(invariant: str, books: Books) -> None:
    assert invariant in {line[:2] for line in broken(books, is_drained=True)}


def test_broken_ignores_an_operators_clawback_in_a_purchases_share() -> None:
    taken = an_adjustment(entry_id="a9", event_id="e9", kind=Kind.CLAWBACK, coins=-60)
    books = moved(entries={"a9": taken}, wallets=[replace(WALLET, coins=-10)], published=[*MOVED.published, "e9"])
    assert broken(books, is_drained=True) == []


@pytest.mark.parametrize("coins", [-25, 0, 50])
def test_broken_allows_a_negative_wallet_up_to_the_clawbacks(coins: int) -> None:
    books = moved(wallets=[replace(WALLET, coins=coins)])
    assert "I5" not in {line[:2] for line in broken(books, is_drained=True)}


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
def test_changed_finds_a_changed_entry(entries: list[Entry]) -> None:
    assert changed(GOOD, replace(GOOD, entries=entries)) != []


def test_changed_ignores_the_kept_amount_and_version() -> None:
    assert changed(GOOD, replace(GOOD, entries=[*MOVED.entries, a_purchase(purchase_id="p2")])) == []


@pytest.mark.parametrize("change", [{"coins": -34}, {"about": "p2"}, {"reason": "edited"}, {"actor": "otto"}])
def test_changed_finds_a_changed_adjustment(change: dict[str, Any]) -> None:
    assert changed(MOVED, moved(entries={"a1": replace(TAKEN, **change)})) != []


def test_changed_ignores_posting_and_new_entries() -> None:
    later: list[Entry] = [BOUGHT, GIVEN, a_posted_purchase(purchase_id="p2"), a_gift(gift_id="g2")]
    assert changed(GOOD, replace(GOOD, entries=later)) == []
