"""Fake of the Totals port, over the fake ledger's dictionaries."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from chalicelib.domain.entries import Entry, ShardEntry, shard_entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import is_uuid7, uuid7_of
from chalicelib.domain.purchases import Status
from chalicelib.domain.totals import PostedCoins, ReceivedCoins, ShardSum, ShardTotal, WalletSum, WalletTotal
from tests.fake_shards import ShardState
from tests.fakes import FakeLedger

Shard = tuple[str, int]


class FakeTotals:
    """The Totals port."""

    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.wallet_sums: dict[str, WalletSum] = {}
        self.shard_sums: dict[Shard, ShardSum] = {}

    def read_wallets(self, user_ids: Collection[str]) -> Mapping[str, WalletTotal]:
        coins, sums = self.ledger.coins, self.wallet_sums
        return {each: WalletTotal(coins=coins.get(each, 0), checked=sums.get(each)) for each in user_ids}

    def list_posted(self, user_id: str, after: str) -> Iterable[PostedCoins]:
        known = {_id(entry): entry for entry in self.ledger.entries.get(user_id, {}).values() if _is_posted(entry)}
        return [
            PostedCoins(entry_id=entry_id, coins=_coins(entry), posted_at=_posted_at(entry))
            for entry_id, entry in sorted(known.items())
            if entry_id > after
        ]

    def keep_wallet(self, user_id: str, checked: WalletSum) -> None:
        self.wallet_sums[user_id] = checked

    def read_shard(self, creator_id: str, shard: int) -> ShardTotal:
        state = self.ledger.shards.get((creator_id, shard), ShardState())
        checked = self.shard_sums.get((creator_id, shard), ShardSum())
        return ShardTotal(coins=state.coins, sequence=len(state.sequences), checked=checked)

    def find_place(self, creator_id: str, shard: int, event_id: str) -> int | None:
        return self.ledger.shards.get((creator_id, shard), ShardState()).sequences.get(event_id)

    def find_checked(self, entries: Collection[tuple[str, int, str]]) -> Collection[str]:
        found: set[str] = set()
        for creator_id, shard, event_id in entries:
            place = self.find_place(creator_id, shard, event_id)
            if place is not None and self.read_shard(creator_id, shard).has_checked(place):
                found.add(event_id)
        return found

    def list_received(self, creator_id: str, shard: int, after: str) -> Iterable[ReceivedCoins]:
        state = self.ledger.shards.get((creator_id, shard), ShardState())
        entries = [shard_entry(entry) for known in self.ledger.entries.values() for entry in known.values()]
        received = {_event(gift): gift for gift in entries if gift and gift.event_id in state.sequences}
        return [
            ReceivedCoins(
                event_id=event_id,
                sequence=state.sequences[gift.event_id],
                coins=gift.creator_coins,
                total=state.totals.get(gift.event_id),
            )
            for event_id, gift in sorted(received.items())
            if event_id > after
        ]

    def keep_shard(self, creator_id: str, shard: int, seen: ShardSum, checked: ShardSum) -> bool:
        name = creator_id, shard
        if self.shard_sums.get(name, ShardSum()).sequence != seen.sequence:
            return False
        self.shard_sums[name] = checked
        return True


def _is_posted(entry: Entry) -> bool:
    return entry.posted_at is not None and getattr(entry, "status", Status.POSTED) is Status.POSTED


def _posted_at(entry: Entry) -> datetime:
    assert entry.posted_at
    return entry.posted_at


def _id(entry: Entry) -> str:
    """Return the entry's id, or one of the time of posting for those whose ids do not sort by time."""
    return entry.entry_id if is_uuid7(entry.entry_id) else uuid7_of(_posted_at(entry), entry.entry_id)


def _event(entry: ShardEntry) -> str:
    event_id = entry.event_id
    return event_id if is_uuid7(event_id) else uuid7_of(entry.posted_at, event_id)


def _coins(entry: Entry) -> int:
    return -entry.price_coins if isinstance(entry, Gift) else entry.coins
