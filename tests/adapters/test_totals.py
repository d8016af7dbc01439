"""Contract of the Totals port: totals, their entries since a time, and checked sums."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import received_key, shard_key
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, ShardRow
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import first_id
from chalicelib.domain.totals import PostedCoins, ReceivedCoins, ShardSum, ShardTotal, WalletSum, WalletTotal
from chalicelib.ports.results import Posted
from chalicelib.ports.totals import Totals
from tests.adapters.costs import Cost, measured
from tests.adapters.samples import a_gift, a_purchase, a_reversal, an_adjustment, buy, gifts_to, new_id, new_name
from tests.adapters.totals_lab import AuditLab, totals_of
from tests.fakes import START, FakeClock
from tests.stores import DynamoStore, FakeStore, Store

HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def totals(store: Store) -> Totals:
    return totals_of(store)


def hourly_gifts(user_id: str, creator_id: str, number: int) -> list[Gift]:
    """Build gifts of 1, 2, 3 ... coins, an hour apart."""
    times = [START + place * HOUR for place in range(number)]
    return [
        a_gift(
            user_id,
            creator_id=creator_id,
            shard=3,
            price_coins=place,
            posted_at=at,
            gift_id=new_id(at),
            event_id=new_id(at),
        )
        for place, at in enumerate(times, start=1)
    ]


def test_read_wallets_returns_coins_and_checked_sums(store: Store, totals: Totals) -> None:
    ann, bob, unknown = new_name("fan"), new_name("fan"), new_name("fan")
    for fan in (ann, bob):
        buy(store.ledger, fan, 500)
    checked = WalletSum(coins=-7, at=START, is_parked=True, after=new_id(START))
    totals.keep_wallet(ann, checked)

    assert totals.read_wallets([ann, bob, unknown]) == {
        ann: WalletTotal(coins=500, checked=checked),
        bob: WalletTotal(coins=500, checked=None),
        unknown: WalletTotal(coins=0, checked=None),
    }
    totals.keep_wallet(ann, replace(checked, is_parked=False, after=None))
    assert totals.read_wallets([ann])[ann].checked == WalletSum(coins=-7, at=START)
    assert totals.read_wallets([]) == {}


def test_list_posted_returns_posted_entries_that_follow_an_id(store: Store, totals: Totals) -> None:
    fan = new_name("fan")
    gifts = hourly_gifts(fan, new_name("creator"), 3)
    grant = an_adjustment(fan, coins=50, entry_id=new_id(START - HOUR), posted_at=START - HOUR)
    store.operators.grant(grant)
    for gift in gifts:
        assert store.ledger.post_gift(gift) == Posted()
    store.ledger.open_purchase(a_purchase(fan))

    expected = [
        PostedCoins(entry_id=gift.entry_id, coins=-gift.price_coins, posted_at=gift.posted_at) for gift in gifts
    ]
    granted = PostedCoins(entry_id=grant.entry_id, coins=50, posted_at=START - HOUR)
    assert list(totals.list_posted(fan, "")) == [granted, *expected]
    assert list(totals.list_posted(fan, gifts[0].entry_id)) == expected[1:]
    assert list(totals.list_posted(fan, first_id(START + HOUR))) == expected[1:]
    assert list(totals.list_posted(fan, first_id(START + HOUR + MILLISECOND))) == expected[2:]


def test_list_received_returns_entries_in_the_order_of_posting(store: Store, totals: Totals) -> None:
    creator_id = new_name("creator")
    gifts = hourly_gifts(new_name("fan"), creator_id, 3)
    store.ledger.receive_gifts(creator_id, 3, [gifts[1], gifts[0]])
    store.ledger.receive_gifts(creator_id, 3, [gifts[2]])
    if isinstance(store, FakeStore):
        store.ledger.entries[gifts[0].user_id] = {gift.entry_id: gift for gift in gifts}

    rows = [
        ReceivedCoins(event_id=gifts[place].event_id, sequence=sequence, coins=coins, total=total)
        for place, (sequence, coins, total) in enumerate([(2, 1, 3), (1, 2, 2), (3, 3, 6)])
    ]
    assert list(totals.list_received(creator_id, 3, "")) == rows
    assert list(totals.list_received(creator_id, 3, gifts[0].event_id)) == rows[1:]
    assert list(totals.list_received(creator_id, 3, first_id(START + HOUR))) == rows[1:]
    assert list(totals.list_received(creator_id, 3, first_id(START + HOUR + MILLISECOND))) == rows[2:]
    assert [totals.find_place(creator_id, 3, each.event_id) for each in gifts] == [2, 1, 3]
    assert totals.find_place(creator_id, 3, new_id()) is None
    assert totals.find_place(new_name("creator"), 3, new_id()) is None
    assert totals.read_shard(creator_id, 3) == ShardTotal(coins=6, sequence=3, checked=ShardSum())


def test_find_checked_selects_the_entries_that_the_checked_sum_has(store: Store, totals: Totals) -> None:
    creator_id = new_name("creator")
    gifts = gifts_to(creator_id, 2)
    first, second = (gift.event_id for gift in gifts)
    store.ledger.receive_gifts(creator_id, 0, gifts)
    entries = [(creator_id, 0, event_id) for event_id in (first, second, new_id())]
    assert set(totals.find_checked(entries)) == set()
    checked = ShardSum(sequence=1, coins=1, at=START)
    assert totals.keep_shard(creator_id, 0, ShardSum(), checked)
    assert set(totals.find_checked(entries)) == {first}
    assert totals.keep_shard(creator_id, 0, checked, replace(checked, is_parked=True))
    assert set(totals.find_checked(entries)) == {first, second}
    ahead = ShardSum(sequence=3, coins=3, at=START)
    assert totals.keep_shard(creator_id, 0, checked, ahead)
    assert set(totals.find_checked(entries)) == set()  # the shard was set back


def test_read_shard_while_another_run_moves_on_returns_no_checked_sum_ahead(
    table_store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_store.bind()
    totals, creator_id, read = totals_of(table_store), new_name("creator"), ShardRow.get
    [gift] = gifts_to(creator_id, 1)

    def read_and_move_on(*args: Any, **options: Any) -> ShardRow:
        monkeypatch.undo()
        try:
            return read(*args, **options)
        finally:
            table_store.ledger.receive_gifts(creator_id, 0, [gift])
            totals.keep_shard(creator_id, 0, ShardSum(), ShardSum(sequence=1, coins=1, at=START))

    monkeypatch.setattr(ShardRow, "get", read_and_move_on)
    assert totals.read_shard(creator_id, 0) == ShardTotal(coins=0, sequence=0, checked=ShardSum())


def test_row_of_the_first_release_has_no_total(table_store: DynamoStore) -> None:
    table_store.bind()
    creator_id = new_name("creator")
    [gift] = gifts_to(creator_id, 1)
    table_store.ledger.receive_gifts(creator_id, 0, [gift])
    row = CreatorEntryRow(shard_key(creator_id, 0), received_key(gift.event_id))
    row.update([CreatorEntryRow.total.remove()])

    [received] = totals_of(table_store).list_received(creator_id, 0, "")
    assert (received.sequence, received.total) == (1, None)


def test_keep_shard_is_refused_after_another_run(totals: Totals) -> None:
    creator_id = new_name("creator")
    first = ShardSum(sequence=5, coins=9, at=START)
    parked = ShardSum(is_parked=True)
    assert totals.keep_shard(creator_id, 0, ShardSum(), parked)
    assert totals.read_shard(creator_id, 0) == ShardTotal(coins=0, sequence=0, checked=parked)
    assert totals.keep_shard(creator_id, 0, parked, first)
    assert not totals.keep_shard(creator_id, 0, parked, replace(first, sequence=3))
    assert totals.read_shard(creator_id, 0).checked == first
    assert totals.keep_shard(creator_id, 0, first, replace(first, sequence=7, is_parked=True))
    assert totals.read_shard(creator_id, 0).checked == replace(first, sequence=7, is_parked=True)


@pytest.fixture
def audited(table_store: DynamoStore) -> tuple[DynamoStore, AuditLab, Gift]:
    """A fan and a creator with entries in the table, audited once."""
    table_store.bind()
    clock, fan, creator_id = FakeClock(), new_name("fan"), new_name("creator")
    buy(table_store.ledger, fan, 500)
    first, second = hourly_gifts(fan, creator_id, 2)
    reversal = a_reversal(first, posted_at=START + HOUR)
    for gift in (first, second):
        assert table_store.ledger.post_gift(gift) == Posted()
    assert table_store.operators.reverse_gift(reversal) == Posted()
    table_store.ledger.receive_gifts(creator_id, 3, [first, second, reversal])
    lab = AuditLab(table_store, clock)
    assert lab.audit(3 * HOUR) == []
    return table_store, lab, second


def test_audit_of_the_table_finds_what_is_corrupted_later(audited: tuple[DynamoStore, AuditLab, Gift]) -> None:
    store, lab, gift = audited
    later = replace(gift, posted_at=lab.clock.now(), gift_id=lab.clock.new_id(), event_id=lab.clock.new_id())
    assert store.ledger.post_gift(later) == Posted()
    store.put_coins(gift.user_id, 1)
    store.put_shard_coins(gift.creator_id, 3, 77)
    store.ledger.receive_gifts(gift.creator_id, 3, [later])

    found = [f"wallet/{gift.user_id}", f"creator/{gift.creator_id}/3"]
    assert lab.audit(2 * HOUR) == found
    assert sorted(lab.audit(HOUR)) == sorted(found)


def test_audit_reads_no_history_of_a_wallet_at_rest(audited: tuple[DynamoStore, AuditLab, Gift]) -> None:
    """Beside leases and positions: pages of lines, two reads of wallets, six of the shard, and its new entry."""
    store, lab, gift = audited
    later = replace(gift, posted_at=lab.clock.now(), gift_id=lab.clock.new_id(), event_id=lab.clock.new_id())
    assert store.ledger.post_gift(later) == Posted()
    store.ledger.receive_gifts(gift.creator_id, 3, [later])
    lab.clock.advance(2 * HOUR)

    _, tally = store.recorder.record(lab.audit)

    hours, parts = 2, 16
    assert tally.requests.total() == parts * (3 + 2 * hours) + 2 + 1 + 6 + 1 + 1


@pytest.mark.parametrize(("number", "trips"), [(1, 2), (100, 2), (101, 4)])
def test_read_wallets_costs_two_trips_per_hundred(atomic_store: DynamoStore, number: int, trips: int) -> None:
    fans = [new_name("fan") for _ in range(number)]
    totals = totals_of(atomic_store)
    assert measured(atomic_store, lambda: totals.read_wallets(fans)).trips == trips


def test_checked_sums_cost_one_unit_to_keep(atomic_store: DynamoStore) -> None:
    totals, name = totals_of(atomic_store), new_name("fan")
    assert measured(atomic_store, lambda: totals.keep_wallet(name, WalletSum())) == Cost(1, wru=1)
    kept = ShardSum(sequence=1, coins=2, at=START)
    assert measured(atomic_store, lambda: totals.keep_shard(name, 0, ShardSum(), kept)) == Cost(1, wru=1)
    assert measured(atomic_store, lambda: totals.read_shard(name, 0)) == Cost(2, rru=2)
    assert measured(atomic_store, lambda: totals.find_place(name, 0, new_id())) == Cost(1, rru=1)
    entries = [(name, 0, new_id()), (name, 1, new_id())]
    # A store reports no units for a missing row of a batch; AWS charges one.
    assert measured(atomic_store, lambda: totals.find_checked(entries)).trips == 3
