"""Coins that a purchase still grants, computed from the payment's present refunds and disputes.

Events only trigger a read of the present state, so their order does not matter. What has left a payment is read from
movements: its refunds, and its disputes' balance transactions. A dispute's status moves nothing.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Final

from msgspec import Struct

from chalicelib.domain.payments import Booking, Dispute, MoneyState
from chalicelib.domain.purchases import DisputeHold, Purchase

GONE: Final = True
STAYS: Final = False

REFUND_STATUSES: Final = {
    "pending": GONE,
    "requires_action": GONE,
    "succeeded": GONE,
    "failed": STAYS,
    "canceled": STAYS,
}
"""Refund statuses, and whether their money counts as gone. Source: docs.stripe.com/api/refunds/object, `status`."""

DISPUTE_STATUSES: Final = frozenset(
    {
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
        "needs_response",
        "under_review",
        "appeal_needs_response",
        "appeal_under_review",
        "lost",
        "won",
        "prevented",
    }
)
"""Known dispute statuses. Another one raises an alarm. Source: docs.stripe.com/api/disputes/object, `status`."""

CONVERSION_LOSS: Final = 20
"""Part of a converted withdrawal, 1/20, that may be missing from its reinstatement: the two rates differ."""


_FINAL: Final = frozenset({"lost", "prevented"})
"""Statuses of a dispute that is decided against the merchant, as long as its money is out."""
_RESOLVED: Final = ("prevented", "resolution")


class UnknownStatus(Exception):
    """A status or currency from Stripe is not known."""


class MoneyGone(Struct, frozen=True, kw_only=True):
    """Money that has left a payment.

    `movements` are the refunds and disputes whose money is gone: the id of the movement, and its amount in the minor
    unit of the payment's currency. `unknown` describes those whose meaning or amount is not known; they raise an alarm
    and are not counted.
    """

    movements: Sequence[tuple[str, int]]
    unknown: Sequence[str]

    @property
    def amount_minor(self) -> int:
        """The total of the movements."""
        return sum(amount_minor for _, amount_minor in self.movements)


def money_gone(money: MoneyState, currency: str) -> MoneyGone:
    """Return the refunded and disputed money of a payment in that currency."""
    movements, unknown = [], []
    for refund in money.refunds:
        if refund.status not in REFUND_STATUSES or refund.currency != currency:
            unknown.append(f"{refund.status} refund in {refund.currency}")
        elif REFUND_STATUSES[refund.status] is GONE:
            movements.append((refund.refund_id, refund.amount_minor))
    for dispute in money.disputes:
        withdrawn_minor = _withdrawn_minor(dispute, currency)
        if dispute.status not in DISPUTE_STATUSES or withdrawn_minor is None:
            unknown.append(f"{dispute.status} dispute in {dispute.currency}")
        if withdrawn_minor:
            movements.append(("+".join(sorted(each.booking_id for each in dispute.bookings)), withdrawn_minor))
    return MoneyGone(movements=movements, unknown=unknown)


def dispute_hold(money: MoneyState) -> DisputeHold | None:
    """Return the hold of a payment's disputes on the wallet. Only a dispute that has moved money has one.

    A resolution has given the money back whether it shows as a balance transaction or as a refund beside the dispute.
    """
    taking = [each for each in money.disputes if _share_out(each) or (each.status, each.case_type) == _RESOLVED]
    if not taking:
        return None
    return DisputeHold.LOST if all(each.status in _FINAL for each in taking) else DisputeHold.OPEN


def is_returned(money: MoneyState, currency: str) -> bool:
    """Return True if the money of a payment has left it: refunded in full, or taken by a dispute.

    Stripe calls an early fraud warning `actionable` until then (docs.stripe.com/api/early_fraud_warnings/object). A
    refund that has not succeeded may fail yet.
    """
    refunded = [each for each in money.refunds if each.status == "succeeded" and each.currency == currency]
    is_refunded = 0 < money.captured_minor <= sum(each.amount_minor for each in refunded)
    return is_refunded or dispute_hold(money) is not None


def money_state(money: MoneyState) -> str | None:
    """Name the state of a payment's refunds and disputes: 16 hexadecimal digits of a hash of what moved out and back.

    The same state has the same name, whenever it is seen. None when nothing ever moved.
    """
    refunds = [
        (refund.refund_id, refund.amount_minor if REFUND_STATUSES.get(refund.status or "", STAYS) else 0)
        for refund in money.refunds
    ]
    bookings = [(each.booking_id, each.amount_minor) for dispute in money.disputes for each in dispute.bookings]
    moved = sorted([*refunds, *bookings])
    return sha256(repr(moved).encode()).hexdigest()[:16] if moved else None


def money_kept(purchase: Purchase, money: MoneyState, gone: MoneyGone) -> int:
    """Return the part of the price that was not refunded or disputed, 0 to `purchase.amount_minor`."""
    return min(max(money.captured_minor - gone.amount_minor, 0), purchase.amount_minor)


def coins_kept(purchase: Purchase, kept_minor: int) -> int:
    """Return the coins that a purchase grants while `kept_minor` of its price is kept, rounded down."""
    if not purchase.amount_minor:
        return purchase.coins  # nothing was paid, so nothing can leave
    return purchase.coins * kept_minor // purchase.amount_minor


def coins_already_spent(coins_held: int, coins_taken: int) -> int:
    """Return how many of the coins that a clawback takes are no longer in a wallet of `coins_held`."""
    return min(max(coins_taken - coins_held, 0), coins_taken)


def _withdrawn_minor(dispute: Dispute, currency: str) -> int | None:
    """Return the money that a dispute withholds, in the minor unit of `currency`; None if it cannot be told.

    Balance transactions are in the currency that the account is settled in. Where that is the payment's, they are the
    amount. Where they were converted, they tell which share of the disputed amount is out.
    """
    settled_in = {booking.currency for booking in dispute.bookings}
    if settled_in == {currency}:
        return max(-sum(booking.amount_minor for booking in dispute.bookings), 0)
    if dispute.currency != currency:
        return None
    return int(dispute.amount_minor * _share_out(dispute) + Fraction(1, 2))  # rounded half up


def _share_out(dispute: Dispute) -> Fraction:
    """Return the share of a dispute's withdrawal that is out, 0 to 1. It may be reinstated, and withdrawn again."""
    taken = max((-_converted([each]) for each in dispute.bookings if each.amount_minor < 0), default=Fraction(0))
    left = -_converted(dispute.bookings)
    return min(left / taken, Fraction(1)) if left * CONVERSION_LOSS > taken else Fraction(0)


def _converted(bookings: Iterable[Booking]) -> Fraction:
    """Convert bookings back at their own rates, as documented at docs.stripe.com/api/balance_transactions/object."""
    return sum((each.amount_minor / (each.rate or Fraction(1)) for each in bookings), Fraction(0))
