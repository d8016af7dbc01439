"""An operator gives a fan coins, or takes them."""

from chalicelib.domain.ledger import Adjustment, Kind
from chalicelib.domain.operators import Adjusted, GrantOrder, is_same_act
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports import Clock, OperatorDesk


def grant_coins(order: GrantOrder, *, desk: OperatorDesk, clock: Clock) -> Adjusted:
    """Move the coins, once, however often it is asked.

    Raises:
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is not known.
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
    earlier = desk.grant(grant)
    if earlier is None:
        return Adjusted(adjustment=grant, is_repeat=False)
    if isinstance(earlier, Adjustment) and is_same_act(earlier, grant):
        return Adjusted(adjustment=earlier, is_repeat=True)
    raise IdempotencyConflict("Use a new key for a new grant.")
