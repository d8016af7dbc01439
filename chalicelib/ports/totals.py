"""Totals of wallets and creators' shards, their entries, and the sums that the audit has checked."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from chalicelib.domain.totals import PostedCoins, ReceivedCoins, ShardSum, ShardTotal, WalletSum, WalletTotal


class Totals(Protocol):
    """Reads of the audit, all consistent, and its checked sums."""

    def read_wallets(self, user_ids: Collection[str]) -> Mapping[str, WalletTotal]:
        """Read wallets with their checked sums. An unknown wallet has no coins."""

    def list_posted(self, user_id: str, after: str) -> Iterable[PostedCoins]:
        """Read a wallet's posted entries page by page in the order of their ids, those that follow `after`."""

    def keep_wallet(self, user_id: str, checked: WalletSum) -> None:
        """Store a checked sum. An older one in its place costs reads only, so there is no condition."""

    def read_shard(self, creator_id: str, shard: int) -> ShardTotal:
        """Read a creator's shard with its checked sum, whose sequence is not higher."""

    def find_place(self, creator_id: str, shard: int, event_id: str) -> int | None:
        """Return the sequence of an entry in a shard. None: the shard has not received it."""

    def find_checked(self, entries: Collection[tuple[str, int, str]]) -> Collection[str]:
        """Select the entries that need no look: their shard's checked sum has them, or the shard is set aside.

        A checked sum whose sequence is higher than the shard's has none.

        Args:
            entries: creator, shard and event id of each.

        Returns:
            Event ids.
        """

    def list_received(self, creator_id: str, shard: int, after: str) -> Iterable[ReceivedCoins]:
        """Read a shard's entries page by page in the order of posting, those whose event ids follow `after`."""

    def keep_shard(self, creator_id: str, shard: int, seen: ShardSum, checked: ShardSum) -> bool:
        """Store a checked sum in place of the one seen. False if another run stored one: it follows the shard."""
