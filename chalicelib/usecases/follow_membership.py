"""A membership follows its subscription: something may have changed there, so look how it stands."""

import logging
from dataclasses import replace
from typing import Final

from chalicelib.domain.ledger import Posting, Purchase
from chalicelib.domain.memberships import Membership, membership_as_followed, notice_of_end
from chalicelib.domain.payments import MembershipHint, Subscription
from chalicelib.domain.reversals import UnknownStatus
from chalicelib.errors import TryAgain
from chalicelib.membership_ports import Memberships, Subscriptions
from chalicelib.ports import Clock, Ledger
from chalicelib.usecases.fulfill_invoice import fulfill_invoice

log = logging.getLogger(__name__)

LOOKS: Final = 5


def follow_membership(
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
    for _ in range(LOOKS):
        before = memberships.find_membership(hint.claim.user_id, hint.claim.membership_id)
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
        if memberships.follow_membership(before, after, notice_of_end(before, after, posting, clock.new_id())):
            is_same = replace(before, version=after.version) == after
            return "unchanged" if is_same else f"membership_{after.status.value}"
    raise TryAgain("Others keep writing there.")


def _last_month(
    membership: Membership, subscription: Subscription, ledger: Ledger, memberships: Memberships, clock: Clock
) -> Purchase | None:
    """The newest month that was paid, posted first if nobody did. A month that is in review is none."""
    for invoice in subscription.paid_invoices:
        claim = invoice.claim
        if claim is None:
            continue
        known = ledger.find_entry(claim.user_id, claim.purchase_id)
        if known is None:
            fulfill_invoice(invoice, ledger=ledger, memberships=memberships, clock=clock)
            known = ledger.find_entry(claim.user_id, claim.purchase_id)
        if isinstance(known, Purchase) and known.membership_id == membership.membership_id:
            return known
    return None
