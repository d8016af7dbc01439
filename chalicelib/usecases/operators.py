"""Operators' acts: grants, freezes, reversals, settled reviews."""

from typing import Final, Protocol

from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import is_uuid7, require_party_id
from chalicelib.domain.operators import Act, Adjusted, Decision, GrantOrder, is_same_act
from chalicelib.domain.posting import Posting
from chalicelib.domain.reviews import SUPERSEDED, WITHOUT_CREDIT, Freeze, Review, Settlement
from chalicelib.domain.settlements import (
    Credit,
    credit_of,
    has_credited,
    is_posted,
    month_credit_of,
    payment_entry_id,
)
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted
from chalicelib.usecases.memberships import sync_membership
from chalicelib.usecases.refunds import RefundServices, sync_refunds

MAX_ATTEMPTS: Final = 5


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


class SettlementServices(RefundServices, Protocol):
    """Services that settling a review needs."""

    @property
    def operators(self) -> OperatorLedger: ...


def settle_review(month: str, payment_id: str, decision: Decision, act: Act, services: SettlementServices) -> Review:
    """Settle a review: credit the coins of its payment, or refuse them. Once for each review.

    A credit posts the payment's purchase at the amount paid. If another request has posted it, nothing moves, and the
    decision is `superseded`. Then the money is followed: part of it may have left while the payment was in review. A
    refusal moves nothing: the operator refunds the payment at the provider.

    Raises:
        NotFound: no such review.
        InvalidField: the review allows no credit.
        IdempotencyConflict: another act settled it, the decision differs, or the key names something else.
        TryAgain: the outcome is unknown, or the money could not be followed.
    """
    review: Review | None = services.operators.find_review(month, payment_id)
    if review is None:
        raise NotFound("There is no such review.")
    if decision == "credit" and not review.reason.can_credit:
        raise InvalidField("decision", WITHOUT_CREDIT[review.reason])
    settled = review if review.settlement else _settle(review, decision, act, services)
    done = settled.settlement
    if done is None or done.key != act.key or done.decision not in {decision, _otherwise(decision)}:
        raise IdempotencyConflict("The review was settled before.")
    if decision == "credit":
        _follow(settled, services)
    return settled


def _settle(review: Review, decision: Decision, act: Act, services: SettlementServices) -> Review:
    """Write the decision, or return the review as another act has settled it."""
    for _ in range(MAX_ATTEMPTS):
        now = services.clock.now()
        credit = _credit(review, act, services) if decision == "credit" else None
        made = decision if decision == "refuse" or credit else SUPERSEDED
        settlement = Settlement(key=act.key, decision=made, reason=act.reason, actor=act.actor, settled_at=now)
        match services.operators.settle_review(review, settlement, credit):
            case Posted():
                return replace(review, settlement=settlement)
            case AlreadySettled(review=settled):
                return settled
            case Conflict():
                raise IdempotencyConflict("Use a new key for a new settlement.")
    raise TryAgain("Others keep writing there.")


def _credit(review: Review, act: Act, services: SettlementServices) -> Credit | None:
    """Build the credit of the payment from the present entries. None if one of them has credited it."""
    ledger, clock = services.ledger, services.clock
    entry = ledger.find_entry(review.user_id, review.purchase_id)
    if has_credited(entry, review):
        return None
    if is_posted(entry):
        own = ledger.find_entry(review.user_id, payment_entry_id(review.paid_at, review.payment_id))
        if has_credited(own, review):
            return None
    posting = Posting(posted_at=clock.now(), event_id=clock.new_id())
    credit = credit_of(review, entry, posting, act.actor)
    invoice = services.subscriptions.read_invoice(review.invoice_id) if review.invoice_id else None
    if invoice is None or invoice.membership is None:
        return credit
    member = services.memberships.find_membership(review.user_id, invoice.membership.membership_id)
    return month_credit_of(credit, invoice, member)


def _follow(review: Review, services: SettlementServices) -> None:
    """Bring coins and membership to the present state of the payment and of the subscription."""
    if review.payment_intent:
        sync_refunds(review.payment_intent, services)
    elif review.invoice_id:
        invoice = services.subscriptions.read_invoice(review.invoice_id)
        if invoice and (hint := invoice.hint):
            sync_membership(hint, services)


def _otherwise(decision: Decision) -> str:
    """Return the other decision that a repeat of the request may find: a credit may have been superseded."""
    return SUPERSEDED if decision == "credit" else decision
