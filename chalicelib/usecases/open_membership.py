"""A fan wants to become a member: one write, one call to the payment provider."""

from dataclasses import dataclass

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.memberships import (
    Membership,
    MembershipOrder,
    can_still_be_joined,
    quote_membership,
    require_no_member,
    same_membership,
)
from chalicelib.domain.spending import is_excluded, require_may_pay
from chalicelib.errors import Refusal
from chalicelib.membership_ports import Memberships, Subscriptions
from chalicelib.ports import Clock, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMembership:
    """`url` is where to pay, or None when there is nothing left to pay. `is_repeat`: the key was known already."""

    membership: Membership
    url: str | None
    is_repeat: bool


def open_membership(
    order: MembershipOrder,
    *,
    catalogue: Catalogue,
    ledger: Ledger,
    memberships: Memberships,
    subscriptions: Subscriptions,
    clock: Clock,
) -> OpenedMembership:
    """Open a checkout session in which the fan subscribes, or find the one that the order already has.

    As with a checkout, the quote is written before the payment provider hears of it, and all that the provider is told
    derives from it.

    Raises:
        UnknownPlan, AlreadyMember, SelfExcluded, BudgetReached, BudgetCurrency, KeyTooOld: refused, and never done
            before. A membership that is opened counts for no budget yet: its months do, as they are paid.
        IdempotencyConflict: the key names something else.
        TryAgain: the ledger or the payment provider did not answer.
    """
    now = clock.now()
    try:
        require_fresh_key(order.membership_id, now)
        membership = quote_membership(order, catalogue, now)
        require_no_member(memberships.list_memberships(order.user_id))
        require_may_pay(ledger.read_wallet(order.user_id), membership.amount_minor, membership.currency, now)
    except Refusal:
        earlier = memberships.find_membership(order.user_id, order.membership_id)
        if earlier is None:
            raise
    else:
        earlier = memberships.open_membership(membership)
        if earlier is None:
            return OpenedMembership(membership=membership, url=subscriptions.open_session(membership), is_repeat=False)
    stored = same_membership(earlier, order)
    # A repeat hears what became of it; but who has shut himself out since is shown no way to pay.
    is_payable = can_still_be_joined(stored, now) and not is_excluded(ledger.read_wallet(order.user_id), now)
    url = subscriptions.open_session(stored) if is_payable else None
    return OpenedMembership(membership=stored, url=url, is_repeat=True)
