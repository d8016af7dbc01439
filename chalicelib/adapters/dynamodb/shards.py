"""The creators' side of the ledger: lanes, and what each of them received, in which place."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.models import CreatorEntryRow, LaneRow, key, lane_key
from chalicelib.adapters.dynamodb.transactions import TRIES, Refused, Transactions, transient_errors
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.entries import LaneEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.shards import MAX_LANES, Receipt, streak_of
from chalicelib.errors import TryAgain

_LANE: Final = "LANE"


def receive_gifts(
    transactions: Transactions, creator_id: str, lane: int, gifts: Sequence[LaneEntry]
) -> Mapping[str, Receipt]:
    """See the Ledger port. Two write units a gift, two for the lane, and two for each streak among the gifts."""
    received: dict[str, Receipt] = {}
    for _ in range(TRIES):
        missing = [gift for gift in gifts if gift.event_id not in received]
        if not missing:
            return received
        receipt = _Receiving(lane_key(creator_id, lane), missing)
        try:
            transactions.write(receipt.write)
        except Refused as refused:
            # Received by an earlier delivery of the same record: such a gift keeps the place that it has.
            for gift, old_item in zip(missing, refused.old_items, strict=False):
                if old_item:
                    received[gift.event_id] = _to_receipt(CreatorEntryRow.from_raw_data(old_item))
            if any(refused.failed[len(missing) :]):
                transactions.wait()  # another batch took these places meanwhile
        else:
            return received | receipt.receipts
    raise TryAgain("The creator's lane is busy.")


def creator_coins(creator_id: str) -> int:
    """See the Ledger port. One read of all lanes, those included that an earlier setting made."""
    lanes = [(lane_key(creator_id, lane), _LANE) for lane in range(MAX_LANES)]
    with transient_errors():
        return sum(row.coins for row in LaneRow.batch_get(lanes, consistent_read=True))


class _Receiving:
    """One try to receive what is missing, behind what the lane had received when it was looked at."""

    def __init__(self, lane: str, gifts: Sequence[LaneEntry]) -> None:
        self._lane, self._gifts = lane, gifts
        streaks = dict.fromkeys(key("STREAK", *streak) for gift in gifts if (streak := streak_of(gift)))
        found = {row.sk: row for row in _look(lane, streaks)}
        self._seen = found[_LANE].sequence if _LANE in found else 0
        self._streaks = {name: found.get(name, LaneRow(lane, name)) for name in streaks}
        self.receipts = dict(self._places())

    def write(self, transaction: TransactWrite) -> None:
        """Add what receives them to the transaction: if the lane still is as it was when it was looked at."""
        for gift in self._gifts:
            row = _creator_row(self._lane, gift, self.receipts[gift.event_id])
            transaction.save(row, CreatorEntryRow.pk.does_not_exist(), return_values="ALL_OLD")
        transaction.update(
            LaneRow(self._lane, _LANE),
            [
                LaneRow.coins.add(sum(gift.creator_coins for gift in self._gifts)),
                LaneRow.gifts.add(sum(isinstance(gift, Gift) for gift in self._gifts)),
                LaneRow.sequence.set(self._seen + len(self._gifts)),
            ],
            LaneRow.sequence == self._seen if self._seen else LaneRow.sequence.does_not_exist(),
        )
        for name, seen in self._streaks.items():
            self._count(transaction, name, seen)

    def _count(self, transaction: TransactWrite, name: str, seen: LaneRow) -> None:
        taps = [gift for gift in self._gifts if (streak := streak_of(gift)) and key("STREAK", *streak) == name]
        transaction.update(
            LaneRow(self._lane, name),
            [LaneRow.coins.add(sum(tap.creator_coins for tap in taps)), LaneRow.gifts.add(len(taps))],
            # Lane and streak were not read at one moment, so each has its own guard.
            LaneRow.gifts == seen.gifts if seen.gifts else LaneRow.gifts.does_not_exist(),
        )

    def _places(self) -> Iterator[tuple[str, Receipt]]:
        totals = {name: (row.gifts, row.coins) for name, row in self._streaks.items()}
        for sequence, gift in enumerate(self._gifts, start=self._seen + 1):
            count, coins = 0, 0
            if streak := streak_of(gift):
                before, spent = totals[key("STREAK", *streak)]
                count, coins = totals[key("STREAK", *streak)] = before + 1, spent + gift.creator_coins
            yield gift.event_id, Receipt(sequence=sequence, streak_count=count, streak_coins=coins)


def _look(lane: str, streaks: Collection[str]) -> Sequence[LaneRow]:
    """The lane as it is, and what it has of the streaks. One read."""
    with transient_errors():
        if streaks:
            return list(LaneRow.batch_get([(lane, name) for name in (_LANE, *streaks)], consistent_read=True))
        try:
            return [LaneRow.get(lane, _LANE, consistent_read=True)]
        except DoesNotExist:
            return []


def _creator_row(lane: str, gift: LaneEntry, receipt: Receipt) -> CreatorEntryRow:
    return CreatorEntryRow(
        pk=lane,
        sk=key("GIFT", gift.event_id),
        coins=gift.creator_coins,
        sequence=receipt.sequence,
        sender_id=gift.user_id,
        # What a reversal is about is the gift; a notice stands for itself.
        gift_id=gift.about if isinstance(gift, Adjustment) else gift.entry_id,
        item_id=gift.item_id or None if isinstance(gift, Gift) else None,
        quantity=gift.quantity if isinstance(gift, Gift) else None,
        streak_count=receipt.streak_count or None,
        streak_coins=receipt.streak_coins or None,
        posted_at=gift.posted_at,
    )


def _to_receipt(row: CreatorEntryRow) -> Receipt:
    return Receipt(sequence=row.sequence, streak_count=row.streak_count or 0, streak_coins=row.streak_coins or 0)
