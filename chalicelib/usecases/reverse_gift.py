"""An operator takes a gift back: the fan has the coins again, the creator's lane is countered."""

from chalicelib.domain.ids import is_uuid7, require_party_id
from chalicelib.domain.ledger import Adjustment, Gift, Kind
from chalicelib.domain.operators import Act, Adjusted
from chalicelib.errors import IdempotencyConflict, NotFound
from chalicelib.ports import Clock, Ledger, OperatorDesk


def reverse_gift(user_id: str, gift_id: str, act: Act, *, ledger: Ledger, desk: OperatorDesk, clock: Clock) -> Adjusted:
    """Reverse the gift, once, however often it is asked.

    Raises:
        NotFound: the fan has sent no such gift.
        IdempotencyConflict: the gift was reversed by another act, or the key names something else.
        TryAgain: the outcome is not known.
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
        lane=gift.lane,
    )
    reversed_by = desk.reverse_gift(reversal)
    if reversed_by is None:
        return Adjusted(adjustment=reversal, is_repeat=False)
    earlier = ledger.find_entry(user_id, act.key) if reversed_by == act.key else None
    if not isinstance(earlier, Adjustment):
        raise IdempotencyConflict("The gift was reversed before, or the key was used for something else.")
    return Adjusted(adjustment=earlier, is_repeat=True)
