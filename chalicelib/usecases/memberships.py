"""Memberships: opened by a fan, then kept equal to the subscription."""

import logging
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.memberships import (
    LIVE,
    Membership,
    MembershipOrder,
    can_still_be_joined,
    end_notification,
    membership_as_followed,
    present_membership,
    quote_membership,
    require_no_member,
    require_same_request,
)
from chalicelib.domain.payments import MembershipHint, Subscription
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reversals import UnknownStatus
from chalicelib.domain.spending import is_excluded, require_may_pay
from chalicelib.errors import NotFound, Refusal, TryAgain
from chalicelib.ports.billing import Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import Posted
from chalicelib.usecases.fulfillment import fulfill_invoice


class OpenedMembership(Struct, frozen=True, kw_only=True):
    """`url` is where to pay, or None when there is nothing left to pay. `is_repeat`: the key was known already."""

    membership: Membership
    url: str | None
    is_repeat: bool


class MembershipCheckouts(Protocol):
    """Services that opening a membership needs."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def memberships(self) -> Memberships: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def clock(self) -> Clock: ...


def open_membership(order: MembershipOrder, services: MembershipCheckouts) -> OpenedMembership:
    """Open a checkout session in which the fan subscribes, or find the one that the order already has.

    The quote is stored before the provider's session is created, as in open_checkout. A pending membership counts
    against no budget; its months do, as they are paid.

    Raises:
        UnknownPlan, AlreadyMember, SelfExcluded, BudgetReached, BudgetCurrency, KeyTooOld: refused.
        IdempotencyConflict: the key names something else.
        TryAgain: the ledger or the payment provider did not answer.
    """
    ledger, memberships, subscriptions = services.ledger, services.memberships, services.subscriptions
    now = services.clock.now()
    try:
        require_fresh_key(order.membership_id, now)
        membership = quote_membership(order, services.catalogue, now)
        require_no_member(memberships.list_memberships(order.user_id))
        require_may_pay(ledger.read_wallet(order.user_id), membership.amount_minor, membership.currency, now)
    except Refusal:
        earlier = memberships.find_membership(order.user_id, order.membership_id)
        if earlier is None:
            raise
    else:
        match memberships.open_membership(membership):
            case Posted():
                url = subscriptions.open_session(membership)
                return OpenedMembership(membership=membership, url=url, is_repeat=False)
            case known:
                earlier = known.membership
    stored = require_same_request(earlier, order)
    # A repeat hears what became of it; but who has shut himself out since is shown no way to pay.
    is_payable = can_still_be_joined(stored, now) and not is_excluded(ledger.read_wallet(order.user_id), now)
    url = subscriptions.open_session(stored) if is_payable else None
    return OpenedMembership(membership=stored, url=url, is_repeat=True)


log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5


def sync_membership(
    hint: MembershipHint, *, ledger: Ledger, memberships: Memberships, subscriptions: Subscriptions, clock: Clock
) -> str:
    """Bring a membership to what its subscription, and the money that is kept of its last month, make of it.

    The membership is read first, then the payment provider's present state, then the result is written if the
    membership still is as it was read: an answer that has grown stale on the way can never overwrite a newer one. As
    with the money, an answer that changes nothing is written, too.

    Returns:
        membership_pending, membership_active, membership_past_due or membership_ended when anything of it has changed;
        unchanged; unknown_status: nothing moves, somebody must look.

    Raises:
        TryAgain: the outcome is not known, or others kept writing.
    """
    for _ in range(MAX_ATTEMPTS):
        before: Membership | None = memberships.find_membership(hint.ref.user_id, hint.ref.membership_id)
        if before is None or before.subscription_id not in {"", hint.subscription_id}:
            return "unchanged"
        subscription = subscriptions.read_subscription(hint.subscription_id)
        last = _last_month(before, subscription, ledger, memberships, clock)
        try:
            after = membership_as_followed(before, subscription, last)
        except UnknownStatus as unknown:
            log.warning("subscription in a state that nobody has told us of", extra={"status": str(unknown)})
            return "unknown_status"
        posting = Posting(posted_at=clock.now(), event_id=clock.new_id())
        # The guard: the membership must be as it was before the payment provider was asked.
        notification = end_notification(before, after, posting, clock.new_id())
        match memberships.update_membership(before, after, notification):
            case Posted():
                is_same = replace(before, version=after.version) == after
                return "unchanged" if is_same else f"membership_{after.status.value}"
    raise TryAgain("Others keep writing there.")


def _last_month(
    membership: Membership, subscription: Subscription, ledger: Ledger, memberships: Memberships, clock: Clock
) -> Purchase | None:
    """The newest month that was paid, posted first if nobody did. A month that is in review is none."""
    for invoice in subscription.paid_invoices:
        ref = invoice.ref
        if ref is None:
            continue
        known = ledger.find_entry(ref.user_id, ref.purchase_id)
        if known is None:
            fulfill_invoice(invoice, ledger=ledger, memberships=memberships, clock=clock)
            known = ledger.find_entry(ref.user_id, ref.purchase_id)
        if isinstance(known, Purchase) and known.membership_id == membership.membership_id:
            return known
    return None


def open_portal(user_id: str, *, memberships: Memberships, subscriptions: Subscriptions) -> str:
    """The address of the payment provider's page for the fan's membership. Nothing is written here.

    Raises:
        NotFound: the fan never subscribed to anything.
        TryAgain: the ledger or the payment provider did not answer.
    """
    subscribed = [each for each in memberships.list_memberships(user_id) if each.customer_id]
    # Of two that were paid for at once, the one that goes on costing money is the one to end.
    renewing = [each for each in subscribed if each.renews and each.status in LIVE]
    membership = present_membership(renewing or subscribed)
    if membership is None:
        raise NotFound("There is no membership.")
    return subscriptions.open_portal(membership.customer_id)
