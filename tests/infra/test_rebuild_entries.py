"""The rebuild check on every form of entry that the ledger writes, generated from the domain's types."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import get_args

from chalicelib.adapters.dynamodb.mapping import adjustment_row, gift_row, notification_row, posted_row, purchase_row
from chalicelib.adapters.dynamodb.models import EntryRow, WalletRow
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.purchases import DisputeHold, Purchase, Status
from infra.operations.exports import write_export
from infra.operations.ledger_rules import duck_ledger, find_wrong_figures, read_totals
from infra.operations.table_reads import RawItem
from tests.adapters.samples import a_gift, a_purchase, new_id
from tests.fakes import START

FAN = "WALLET#ann"
ABOUT = new_id()
"""A purchase whose coins were taken and restored."""


def purchases() -> Iterator[EntryRow]:
    yield from (purchase_row(a_purchase("ann", status=status)) for status in Status if status is not Status.POSTED)
    for payment, kept, hold, month, amount in product(
        (None, "pi"), (False, True), (None, *DisputeHold), (None, new_id()), (0, 529)
    ):
        purchase = a_purchase("ann", amount_minor=amount, membership_id=month, status=Status.POSTED)
        row = posted_row(posted(purchase, payment))
        row.kept_minor = amount if kept else None
        row.hold = hold.value if hold else None
        yield row


def posted(purchase: Purchase, payment: str | None) -> Purchase:
    """Post a purchase by a payment of its own."""
    values = {name: getattr(purchase, name) for name in purchase.__struct_fields__}
    values |= {"posted_at": START, "event_id": new_id(), "payment_intent": payment and f"{payment}_{new_id()}"}
    return Purchase(**values)


def gifts() -> Iterator[EntryRow]:
    for kind, streak, text in product(GiftKind, (None, new_id()), (None, "bravo")):
        yield gift_row(a_gift("ann", kind=kind, streak_id=streak, message=text or "", sender_name=text))


def adjustments() -> Iterator[EntryRow]:
    """Generate adjustments of either sign. Those about a purchase come to nothing."""
    for kind, coins, spent in product(Kind, (-40, 0, 40), (None, 0, 40)):
        # The credits of the first release are grants about their payment.
        for about in (None, f"pi_{new_id()}" if kind is Kind.GRANT else ABOUT):
            creator = "grace" if kind is Kind.GIFT_REVERSAL else None
            adjustment = Adjustment(
                entry_id=new_id(),
                user_id="ann",
                kind=kind,
                coins=coins,
                posted_at=START,
                event_id=new_id(),
                about=about,
                coins_spent=spent,
                creator_id=creator,
            )
            yield adjustment_row(adjustment)


def notifications() -> Iterator[EntryRow]:
    for kind, creator in product(NotificationKind, (None, "grace")):
        notification = NotificationEntry(
            entry_id=new_id(),
            user_id="ann",
            kind=kind,
            posted_at=START,
            event_id=new_id(),
            payload={"until": None},
            creator_id=creator,
        )
        yield notification_row(notification)


WRITTEN = {Purchase: purchases, Gift: gifts, Adjustment: adjustments, NotificationEntry: notifications}


def items() -> list[RawItem]:
    """Write all entries, and the wallet as their sum."""
    about = posted_row(posted(a_purchase("ann", purchase_id=ABOUT, status=Status.POSTED), "pi"))
    rows = [about, *(row for write in WRITTEN.values() for row in write())]
    coins = sum(row.coins for row in rows if row.status == "posted")
    holds = Counter(row.hold for row in rows)
    wallet = WalletRow(FAN, "WALLET", coins=coins, disputes=1_000_000 * holds["open"] + holds["lost"])
    return [row.to_dynamodb_dict() for row in (*rows, wallet)]


def test_ledger_rules_add_up_every_form_of_entry(tmp_path: Path) -> None:
    assert WRITTEN.keys() == set(get_args(Entry))
    written = items()
    kinds = {item["kind"]["S"] for item in written if "kind" in item}
    assert kinds == {"purchase", *GiftKind, *Kind, *NotificationKind}
    with duck_ledger(write_export(written, tmp_path, START), START - timedelta(days=1)) as ledger:
        assert find_wrong_figures(ledger).listed == []
        assert read_totals(ledger).entries == sum(item.get("status") == {"S": "posted"} for item in written)
