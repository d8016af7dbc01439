"""Purchases in DynamoDB. Each write is one round trip."""

from collections.abc import Sequence, Set

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.budget_expressions import change_budget, spend_money
from chalicelib.adapters.dynamodb.freeze_expressions import change_hold, has_spent, may_buy, note_paid
from chalicelib.adapters.dynamodb.keys import WALLET, entry_key, journal_at, journal_hour, wallet_key
from chalicelib.adapters.dynamodb.mapping import adjustment_row, purchase_row, to_entry, to_wallet
from chalicelib.adapters.dynamodb.models import EntryRow, OpenRow, WalletRow
from chalicelib.adapters.dynamodb.open_checkouts import DynamoOpenCheckouts, open_row
from chalicelib.adapters.dynamodb.paid_money import count_paid
from chalicelib.adapters.dynamodb.transactions import (
    RawItem,
    Refused,
    Transactions,
    is_refused,
    transient_errors,
)
from chalicelib.adapters.dynamodb.window_expressions import CHECKOUT_WINDOW, Place, give_back, open_in_window
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS
from chalicelib.domain.payments import CheckoutSession, PurchaseRef
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import UNPOSTED, DisputeHold, Purchase, Status
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import NotFound, TryAgain
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Stale, Unchanged


class DynamoPurchases(DynamoOpenCheckouts):
    """The Ledger port's purchase methods."""

    _transactions: Transactions

    def open_purchase(
        self,
        purchase: Purchase,
        change: BudgetChange | None = None,
        return_url: str | None = None,
        limit: int = MAX_OPEN_CHECKOUTS,
    ) -> Posted | AlreadyExists | Rejected:
        """Cost: 6 write units, and 2 for each further kilobyte of `return_url`.

        The wallet's counters are in the same transaction. It is tried twice if the fan has another checkout open.
        """

        def write(place: Place) -> Posted | AlreadyExists | Rejected:
            return self._open(purchase, change, return_url, place)

        return open_in_window(CHECKOUT_WINDOW, purchase.created_at, limit, write)

    def _open(
        self, purchase: Purchase, change: BudgetChange | None, return_url: str | None, place: Place
    ) -> Posted | AlreadyExists | Rejected:
        counted, is_within_budget = spend_money(purchase.amount_minor, purchase.currency, purchase.created_at, change)

        def write(transaction: TransactWrite) -> None:
            transaction.save(purchase_row(purchase), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.save(open_row(purchase, return_url), OpenRow.pk.does_not_exist())
            transaction.update(
                WalletRow(wallet_key(purchase.user_id), WALLET),
                [*counted, *place.actions],
                is_within_budget & may_buy() & place.condition,
                return_values="ALL_OLD",
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            entry, _, wallet = refused.old_items
            return spending_refusal(purchase.user_id, entry, wallet)
        return Posted()

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Posted | Unchanged:
        """Cost: 4 write units and 1 for the journal; double if its budget share had been released."""
        try:
            self._post(session, posting, EntryRow.is_released.does_not_exist(), [], None)
        except Refused as refused:
            purchase = _found(refused.old_items[0], refused)
            if purchase.status is Status.POSTED or not purchase.is_released:
                return Unchanged(purchase=purchase)
            return self._post_again(session, posting, purchase)
        return Posted()

    def _post_again(self, session: CheckoutSession, posting: Posting, purchase: Purchase) -> Posted | Unchanged:
        """Post a purchase whose price had been released to the budget: it counts again."""

        def write(counted: Sequence[Action], condition: Condition | None) -> None:
            self._post(session, posting, EntryRow.is_released.exists(), counted, condition)

        try:
            count_paid(write, purchase.amount_minor, purchase.currency, posting.posted_at)
        except Refused as refused:
            return Unchanged(purchase=_found(refused.old_items[0], refused))
        return Posted()

    def _post(
        self,
        session: CheckoutSession,
        posting: Posting,
        is_as_seen: Condition,
        counted: Sequence[Action],
        is_counted: Condition | None,
    ) -> None:
        ref = session.require_ref()
        row = EntryRow(wallet_key(ref.user_id), entry_key(ref.purchase_id))
        is_as_quoted = (
            may_post(session.payment_intent)
            & (EntryRow.coins == ref.coins)
            & (EntryRow.amount_minor == session.subtotal_minor)
            & (EntryRow.currency == session.currency)
        )
        credited: list[Action] = [
            WalletRow.coins.add(ref.coins),
            WalletRow.created_at.set(WalletRow.created_at | posting.posted_at),
            give_back(CHECKOUT_WINDOW),
            *counted,
        ]

        def write(transaction: TransactWrite) -> None:
            posted = _posted(ref, session, posting)
            transaction.update(row, posted, is_as_quoted & is_as_seen, return_values="ALL_OLD")
            transaction.update(WalletRow(row.pk, WALLET), credited, is_counted, return_values="ALL_OLD")

        self._transactions.write(write)

    def move_purchase(
        self,
        ref: PurchaseRef,
        to: Status,
        allowed: Sequence[Status],
        change: BudgetChange | None = None,
        reason: str | None = None,
    ) -> Posted | Unchanged:
        """Cost: 1 write unit; 4 with a budget change or a refusal."""
        row = EntryRow(wallet_key(ref.user_id), entry_key(ref.purchase_id))
        actions: list[Action] = [EntryRow.status.set(to.value)]
        if reason:
            actions.append(EntryRow.reason.set(reason))
        if change or reason:
            return self._release(row, actions, allowed, change, [give_back(CHECKOUT_WINDOW)] if reason else [])
        if to is Status.PROCESSING:
            actions.append(EntryRow.ttl.remove())
        with transient_errors():
            try:
                row.update(actions, EntryRow.status.is_in(*allowed))
            except PynamoDBException as error:
                if not is_refused(error):
                    raise
                return Unchanged(purchase=_read(row, error))
        return Posted()

    def _release(
        self,
        row: EntryRow,
        moved: list[Action],
        allowed: Sequence[Status],
        change: BudgetChange | None,
        places: Sequence[Action],
    ) -> Posted | Unchanged:
        released, is_seen = change_budget(change) if change else ([], None)
        is_allowed = EntryRow.status.is_in(*allowed)
        if change:
            moved = [*moved, EntryRow.is_released.set(True)]
            is_allowed &= EntryRow.is_released.does_not_exist()

        def write(transaction: TransactWrite) -> None:
            transaction.update(row, moved, is_allowed, return_values="ALL_OLD")
            transaction.update(WalletRow(row.pk, WALLET), [*released, *places], is_seen)

        try:
            self._transactions.write(write)
        except Refused as refused:
            if refused.failed[0] and (purchase := _found(refused.old_items[0], refused)).status not in allowed:
                return Unchanged(purchase=purchase)
            # The budget changed since it was read, or another call released the price: the change must be recomputed.
            raise TryAgain("The budget has just been changed.") from refused
        return Posted()

    def update_kept_amount(
        self,
        purchase: Purchase,
        kept_minor: int,
        adjustment: Adjustment | None,
        hold: DisputeHold | None = None,
        wallet: Wallet | None = None,
        returned: Set[str] = frozenset(),
    ) -> Posted | Stale:
        """Cost: 2 write units; with an adjustment 6 and 1 for the journal; with a change of the hold alone 4."""
        row = EntryRow(wallet_key(purchase.user_id), entry_key(purchase.purchase_id))
        synced: list[Action] = [
            EntryRow.kept_minor.set(kept_minor),
            EntryRow.version.set(purchase.version + 1),
            EntryRow.hold.set(hold.value) if hold else EntryRow.hold.remove(),
            EntryRow.returned.set(set(returned)) if returned else EntryRow.returned.remove(),
        ]
        moved = change_hold(purchase.hold, hold, takes_coins=adjustment is not None and adjustment.coins < 0)
        is_as_seen = has_spent(adjustment) if adjustment else None
        if adjustment:
            moved.append(WalletRow.coins.add(adjustment.coins))
        if wallet:
            noted, is_as_read = note_paid(wallet)
            moved += noted
            is_as_seen = is_as_read if is_as_seen is None else is_as_seen & is_as_read

        def write(transaction: TransactWrite) -> None:
            transaction.update(row, synced, EntryRow.version == purchase.version)
            if adjustment:
                transaction.save(adjustment_row(adjustment), EntryRow.pk.does_not_exist())
            if moved:
                transaction.update(WalletRow(row.pk, WALLET), moved, is_as_seen)

        try:
            self._transactions.write(write)
        except Refused:
            return Stale()
        return Posted()


def _posted(ref: PurchaseRef, session: CheckoutSession, posting: Posting) -> list[Action]:
    return [
        EntryRow.status.set(Status.POSTED.value),
        EntryRow.posted_at.set(posting.posted_at),
        EntryRow.event_id.set(posting.event_id),
        EntryRow.payment_intent.set(session.payment_intent or ""),
        EntryRow.journal_hour.set(journal_hour(posting.posted_at, ref.user_id)),
        EntryRow.journal_at.set(journal_at(posting.posted_at, ref.purchase_id)),
        EntryRow.version.add(1),
        EntryRow.ttl.remove(),
        EntryRow.is_released.remove(),
    ]


def may_post(payment_intent: str | None) -> Condition:
    """Require an unposted purchase for which the first release granted no coins on account of this payment."""
    granted = EntryRow.granted_for
    not_granted = granted.does_not_exist() | (granted != (payment_intent or ""))
    condition: Condition = EntryRow.status.is_in(*UNPOSTED) & not_granted
    return condition


def _read(row: EntryRow, why: Exception) -> Purchase:
    """Read the purchase after a refusal without ALL_OLD. Raises NotFound."""
    try:
        entry = to_entry(EntryRow.get(row.pk, row.sk, consistent_read=True))
    except DoesNotExist:
        entry = None
    if not isinstance(entry, Purchase):
        raise NotFound("There is no such purchase.") from why
    return entry


def _found(old_item: RawItem | None, why: Exception) -> Purchase:
    """Convert the item returned with a refusal. Raises NotFound."""
    entry = to_entry(EntryRow.from_raw_data(old_item)) if old_item else None
    if not isinstance(entry, Purchase):
        raise NotFound("There is no such purchase.") from why
    return entry


def spending_refusal(user_id: str, entry: RawItem | None, wallet: RawItem | None) -> AlreadyExists | Rejected:
    """Read the items that came back with a refused spending. A repeat wins over what the wallet does not allow."""
    rejecting = to_wallet(user_id, WalletRow.from_raw_data(wallet)) if wallet else None
    if entry:
        return AlreadyExists(entry=to_entry(EntryRow.from_raw_data(entry)), wallet=rejecting)
    return Rejected(wallet=rejecting)
