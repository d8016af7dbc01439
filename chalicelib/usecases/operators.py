"""Operators' acts: grants, freezes, reversals, settled reviews."""

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import is_uuid7, require_party_id
from chalicelib.domain.operators import Act, Adjusted, Decision, GrantOrder, is_same_act
from chalicelib.domain.reviews import WITHOUT_CREDIT, Freeze, Review, Settlement
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Posted


def grant_coins(order: GrantOrder, *, operators: OperatorLedger, clock: Clock) -> Adjusted:
    """Post a grant or clawback of coins, once for each key.

    Raises:
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is unknown.
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
    match operators.grant(grant):
        case Posted():
            return Adjusted(adjustment=grant, is_repeat=False)
        case AlreadyExists(entry=Adjustment() as earlier) if is_same_act(earlier, grant):
            return Adjusted(adjustment=earlier, is_repeat=True)
        case _:
            raise IdempotencyConflict("Use a new key for a new grant.")


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
    match operators.reverse_gift(reversal):
        case Posted():
            return Adjusted(adjustment=reversal, is_repeat=False)
        case AlreadyReversed(reversed_by=act.key):
            earlier = ledger.find_entry(user_id, act.key)
        case _:
            earlier = None
    if not isinstance(earlier, Adjustment):
        raise IdempotencyConflict("The gift was reversed before, or the key was used for something else.")
    return Adjusted(adjustment=earlier, is_repeat=True)


def settle_review(
    month: str, payment_id: str, decision: Decision, act: Act, *, operators: OperatorLedger, clock: Clock
) -> Review:
    """Settle a review: credit the coins of its payment, or refuse them. Once for each review.

    A refusal moves nothing: the operator refunds the payment at the provider.

    Raises:
        NotFound: no such review.
        InvalidField: the review allows no credit.
        IdempotencyConflict: another act settled it, or the decision differs.
        TryAgain: the outcome is unknown.
    """
    now = clock.now()
    review: Review | None = operators.find_review(month, payment_id)
    if review is None:
        raise NotFound("There is no such review.")
    if decision == "credit" and not review.reason.can_credit:
        raise InvalidField("decision", WITHOUT_CREDIT[review.reason])
    settlement = Settlement(key=act.key, decision=decision, reason=act.reason, actor=act.actor, settled_at=now)
    credit = _credit(review, act, clock) if decision == "credit" else None
    match operators.settle_review(review, settlement, credit):
        case Posted():
            return replace(review, settlement=settlement)
        case AlreadySettled(review=settled) if _is_repeat(settled, act, decision):
            return settled
        case _:
            raise IdempotencyConflict("The review was settled before.")


def _is_repeat(review: Review, act: Act, decision: Decision) -> bool:
    done = review.settlement
    return done is not None and (done.key, done.decision) == (act.key, decision)


def _credit(review: Review, act: Act, clock: Clock) -> Adjustment:
    return Adjustment(
        entry_id=act.key,
        user_id=review.user_id,
        kind=Kind.GRANT,
        coins=review.coins,
        posted_at=clock.now(),
        event_id=clock.new_id(),
        about=review.payment_id,
        reason=act.reason,
        actor=act.actor,
    )
