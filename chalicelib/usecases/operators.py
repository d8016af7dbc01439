"""Operators' acts: grants, freezes, reversals."""

from datetime import datetime
from typing import Final

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.budgets import BudgetChange, returned
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import is_uuid7, require_party_id
from chalicelib.domain.operators import Act, Adjusted, GrantOrder, is_same_act
from chalicelib.domain.reviews import Freeze
from chalicelib.domain.streaks import is_of
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import IdempotencyConflict, NotFound, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, Conflict, Posted, Stale

MAX_ATTEMPTS: Final = 5


def grant_coins(order: GrantOrder, *, ledger: Ledger, operators: OperatorLedger, clock: Clock) -> Adjusted:
    """Post a grant or clawback of coins, once for each key.

    A debt that a clawback makes is not that of lost disputes which were paid before: these are noted as paid.

    Raises:
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is unknown, or the wallet changed at every attempt.
    """
    grant = Adjustment(
        entry_id=order.act.key,
        user_id=order.user_id,
        kind=Kind.GRANT if order.coins > 0 else Kind.CLAWBACK,
        coins=order.coins,
        posted_at=clock.now(),
        event_id=clock.new_id(),
        reason=order.act.reason,
        actor=order.act.actor,
    )
    for _ in range(MAX_ATTEMPTS):
        wallet: Wallet | None = ledger.read_wallet(order.user_id) if order.coins < 0 else None
        match operators.grant(grant, wallet):
            case Posted():
                return Adjusted(adjustment=grant, is_repeat=False)
            case Stale():
                continue
            case AlreadyExists(entry=Adjustment() as earlier) if is_same_act(earlier, grant):
                return Adjusted(adjustment=earlier, is_repeat=True)
            case _:
                raise IdempotencyConflict("Use a new key for a new grant.")
    raise TryAgain("The wallet is busy.")


def freeze_wallet(user_id: str, act: Act, *, is_frozen: bool, operators: OperatorLedger, clock: Clock) -> None:
    """Freeze or unfreeze the wallet, and record the act. Freezing a frozen wallet is allowed.

    Raises:
        IdempotencyConflict: the key names another act.
        TryAgain: the outcome is unknown.
    """
    operators.freeze(
        Freeze(
            key=act.key,
            user_id=require_party_id("user_id", user_id),
            is_frozen=is_frozen,
            reason=act.reason,
            actor=act.actor,
            at=clock.now(),
        )
    )


def reverse_gift(
    user_id: str, gift_id: str, act: Act, *, ledger: Ledger, operators: OperatorLedger, clock: Clock
) -> Adjusted:
    """Reverse the gift, once for each key.

    Its coins count no more in the fan's budget, in periods that still run, nor in the total of its streak, if that is
    active.

    Raises:
        NotFound: the fan has no such gift.
        IdempotencyConflict: the gift was reversed by another act, or the key names something else.
        TryAgain: the outcome is unknown.
    """
    require_party_id("user_id", user_id)
    gift = ledger.find_entry(user_id, gift_id) if is_uuid7(gift_id) else None
    if not isinstance(gift, Gift):
        raise NotFound("That fan has sent no such gift.")
    reversal = Adjustment(
        entry_id=act.key,
        user_id=user_id,
        kind=Kind.GIFT_REVERSAL,
        coins=gift.price_coins,
        posted_at=clock.now(),
        event_id=clock.new_id(),
        about=gift_id,
        reason=act.reason,
        actor=act.actor,
        creator_id=gift.creator_id,
        shard=gift.shard,
    )
    match _reverse(reversal, gift, ledger, operators, clock.now()):
        case Posted():
            return Adjusted(adjustment=reversal, is_repeat=False)
        case AlreadyReversed(reversed_by=act.key):
            earlier = ledger.find_entry(user_id, act.key)
        case _:
            earlier = None
    if not isinstance(earlier, Adjustment):
        raise IdempotencyConflict("The gift was reversed before, or the key was used for something else.")
    return Adjusted(adjustment=earlier, is_repeat=True)


def _reverse(
    reversal: Adjustment, gift: Gift, ledger: Ledger, operators: OperatorLedger, now: datetime
) -> Posted | AlreadyReversed | Conflict:
    """Reverse the gift in the wallet as it is. Raises TryAgain when the wallet changed at every attempt."""
    for _ in range(MAX_ATTEMPTS):
        wallet = ledger.read_wallet(gift.user_id)
        budget = returned(wallet.budget, gift.price_coins, gift.posted_at, now) if wallet.budget else None
        change = BudgetChange(seen=wallet.budget, budget=budget) if budget else None
        match operators.reverse_gift(reversal, change, gift.streak_id if is_of(gift, wallet.streak) else None):
            case Stale():
                continue
            case done:
                return done
    raise TryAgain("The wallet is busy.")
