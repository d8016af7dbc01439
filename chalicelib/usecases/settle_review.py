"""An operator has looked at a payment that matched no purchase, and decides."""

from dataclasses import replace

from chalicelib.domain.ledger import Adjustment, Kind
from chalicelib.domain.operators import Act, Decision
from chalicelib.domain.purchases import MONEY_LEFT, NO_PAYMENT_YET
from chalicelib.domain.reviews import Review, Settlement
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound
from chalicelib.ports import Clock, OperatorDesk


def settle_review(
    month: str, payment_id: str, decision: Decision, act: Act, *, desk: OperatorDesk, clock: Clock
) -> Review:
    """Credit the coins that the payment was for, or refuse them; once, however often it is asked.

    Refusing moves nothing here: the money is given back at the payment provider.

    Raises:
        NotFound: there is no such review.
        InvalidField: there is nothing to credit.
        IdempotencyConflict: somebody settled it before, or otherwise.
        TryAgain: the outcome is not known.
    """
    now = clock.now()
    review = desk.find_review(month, payment_id)
    if review is None:
        raise NotFound("There is no such review.")
    if review.reason == MONEY_LEFT and decision == "credit":
        raise InvalidField("decision", "only refuse: this review is about money that left, not about coins to give")
    if review.reason == NO_PAYMENT_YET and decision == "credit":
        raise InvalidField("decision", "only refuse: its coins are credited when its payment shows; else grant them")
    settlement = Settlement(key=act.key, decision=decision, reason=act.reason, actor=act.actor, settled_at=now)
    earlier = desk.settle_review(review, settlement, _credit(review, act, clock) if decision == "credit" else None)
    if earlier is None:
        return replace(review, settlement=settlement)
    if earlier.settlement is None or (earlier.settlement.key, earlier.settlement.decision) != (act.key, decision):
        raise IdempotencyConflict("The review was settled before.")
    return earlier


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
