"""Memberships: opened by a fan, then kept equal to the subscription."""

import logging
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.membership_months import paid_month
from chalicelib.domain.membership_notifications import end_notification, resume_notification
from chalicelib.domain.memberships import (
    LIVE,
    Membership,
    MembershipOrder,
    PaidMonth,
    can_still_be_joined,
    membership_as_followed,
    membership_as_gone,
    present_membership,
    quote_membership,
    require_no_member,
    require_same_request,
)
from chalicelib.domain.open_windows import opening_refusal
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import CustomerGone, Invoice, MembershipHint, Subscription
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import FORMER_KEY_FORM, Purchase, require_available
from chalicelib.domain.reversals import UnknownStatus, money_gone
from chalicelib.domain.spending import is_barred, payment_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import BudgetReached, NotFound, PaymentUnavailable, Refusal, TryAgain
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import MembershipExists, Posted
from chalicelib.usecases.budgets import spend_within_budget
from chalicelib.usecases.checkout import end_stale
from chalicelib.usecases.fulfillment import fulfill_invoice
from chalicelib.usecases.unpaid_memberships import end_unpaid_membership, freed_price


class OpenedMembership(Struct, frozen=True, kw_only=True):
    """A membership. `url` is its payment page, None when it cannot be paid. `is_repeat`: the key was used before."""

    membership: Membership
    url: str | None
    is_repeat: bool


class MembershipServices(Protocol):
    """Services that keeping memberships equal to their subscriptions needs."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def memberships(self) -> Memberships: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def gateway(self) -> PaymentGateway: ...

    @property
    def clock(self) -> Clock: ...


class MembershipCheckouts(MembershipServices, Protocol):
    """Services that opening a membership needs."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def max_open_memberships(self) -> int: ...


def open_membership(order: MembershipOrder, services: MembershipCheckouts) -> OpenedMembership:
    """Open a checkout session in which the fan subscribes, or return the order's existing one.

    The quote is stored before the provider's session is created, and the first month counts in the fan's budget, as in
    open_checkout. The other months count as they are paid.

    Raises:
        UnknownPlan, AlreadyMember, WalletFrozen, SelfExcluded, BudgetReached, BudgetCurrency, TooManyOpen,
        KeyTooOld: refused.
        PaymentUnavailable: the payment provider refuses it, or did when the key was first used.
        IdempotencyConflict: the key names something else.
        TryAgain: the ledger or the payment provider did not respond.
    """
    memberships = services.memberships
    now = services.clock.now()
    try:
        require_fresh_key(order.membership_id, now)
        membership = quote_membership(order, services.catalogue, now)
        require_no_member(memberships.list_memberships(order.user_id), now)
        result = _open(membership, services)
    except Refusal:
        earlier = memberships.find_membership(order.user_id, order.membership_id)
        if earlier is None:
            raise
        wallet: Wallet | None = services.ledger.read_wallet(order.user_id)
    else:
        match result:
            case Posted():
                url = _open_session(membership, order, services)
                return OpenedMembership(membership=membership, url=url, is_repeat=False)
            case known:
                earlier, wallet = known.membership, known.wallet
    stored = require_same_request(earlier, order)
    require_available(stored.ended_reason)
    # A freeze or self-exclusion after the first request ends the access to its payment page.
    is_payable = can_still_be_joined(stored, now) and not is_barred(wallet, now)
    reopened_url = _open_session(stored, order, services) if is_payable else None
    return OpenedMembership(membership=stored, url=reopened_url, is_repeat=True)


def _open(membership: Membership, services: MembershipCheckouts) -> Posted | MembershipExists:
    """Open the membership. When the budget is reached, first release the prices of what has expired."""
    limit, now = services.max_open_memberships, membership.created_at

    def refusal_of(wallet: Wallet | None) -> Refusal | None:
        refusal = payment_refusal(wallet, membership.amount_minor, membership.currency, now)
        return refusal or opening_refusal(wallet.open_memberships if wallet else None, limit, now)

    def spend() -> Posted | MembershipExists:
        return spend_within_budget(
            lambda change, _wallet: services.memberships.open_membership(membership, change, limit), refusal_of, now
        )

    try:
        return spend()
    except BudgetReached:
        if not end_stale(membership.user_id, services):
            raise
    return spend()


def _open_session(membership: Membership, order: MembershipOrder, services: MembershipCheckouts) -> str | None:
    """Return the address of the membership's payment page. A membership that the provider refuses ends at once."""
    customer_id = None
    try:
        if membership.key_form != FORMER_KEY_FORM:
            customer_id = _customer_of(membership.user_id, services)
        return services.subscriptions.open_session(membership, order.return_url, customer_id)
    except PaymentUnavailable as refusal:
        if customer_id and isinstance(refusal, CustomerGone):
            services.memberships.forget_customer(membership.user_id, customer_id)
        end_unpaid_membership(membership.user_id, membership.membership_id, refusal.code, services)
        raise


def _customer_of(user_id: str, services: MembershipCheckouts) -> str | None:
    """Return the one customer who has all memberships of the fan. It is stored before any session names it.

    The customer of an earlier membership is kept, which Stripe made when the fan subscribed. None if the provider makes
    none for us: keys as the first release needed them lack the permission. Stripe then makes one at each membership.
    """
    known = services.memberships.read_customer(user_id)
    if known.customer_id:
        return known.customer_id
    # After one customer was gone, the others of the same time may be, too.
    earlier = [] if known.gone_id else services.memberships.list_memberships(user_id)
    found = next((each.customer_id for each in earlier if each.customer_id), None)
    try:
        customer_id = found or services.subscriptions.create_customer(user_id, known.gone_id)
    except PaymentUnavailable:
        return None
    return services.memberships.keep_customer(user_id, customer_id)


log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5
MAX_ENTRIES: Final = 100
"""Newest entries among which the months of a deleted subscription are sought: the membership is synced after each."""


def sync_membership(hint: MembershipHint, services: MembershipServices, event_id: str | None = None) -> Outcome:
    """Bring a membership to the state of its subscription and of the money kept for its last month.

    A deleted subscription ends it. To a key of another account or mode every subscription is missing, so `event_id` is
    looked up, too: an event of the account that had the subscription. It is None if the caller has read anything else.

    The membership is read before the provider's state, and the write is conditional on the version read, so that a
    stale response never overwrites a newer one. A result that changes nothing is written too: it raises the version,
    which makes a concurrent call with an older response fail.

    Returns:
        membership_<status> after a change; unchanged; or unknown_status.

    Raises:
        TryAgain: the outcome is unknown, the key knows no such event, or the membership changed at every attempt.
    """
    memberships, clock = services.memberships, services.clock
    for _ in range(MAX_ATTEMPTS):
        before: Membership | None = memberships.find_membership(hint.ref.user_id, hint.ref.membership_id)
        if before is None or before.subscription_id not in {None, hint.subscription_id}:
            return Outcome.UNCHANGED
        subscription = services.subscriptions.read_subscription(hint.subscription_id)
        if subscription is None and event_id and not services.gateway.has_event(event_id):
            log.error("stripe_event_of_another_account", extra={"stripe_event_id": event_id})
            raise TryAgain("The provider's key is of another account.")
        try:
            after = _as_at_provider(before, subscription, services)
        except UnknownStatus as unknown:
            log.warning("unknown_stripe_status", extra={"object": "subscription", "status": str(unknown)})
            return Outcome.UNKNOWN_STATUS
        posting = Posting(posted_at=clock.now(), event_id=clock.new_id())
        news = before, after, posting, clock.new_id()
        notification = end_notification(*news) or resume_notification(*news)
        # Conditional on the version that was read before the provider's state.
        match memberships.update_membership(before, after, notification, freed_price(before, after, services)):
            case Posted():
                is_same = replace(before, version=after.version) == after
                return Outcome.UNCHANGED if is_same else Outcome(f"membership_{after.status.value}")
    raise TryAgain("Others keep writing there.")


def _as_at_provider(before: Membership, subscription: Subscription | None, services: MembershipServices) -> Membership:
    """Raises UnknownStatus."""
    if subscription is None:
        return membership_as_gone(before, before.paid_until or _posted_until(before, services.ledger))
    return membership_as_followed(before, subscription, _last_month(before, subscription, services))


def _posted_until(membership: Membership, ledger: Ledger) -> datetime | None:
    """Return the end of the last month of a membership that was not synced since its months were posted."""
    newest = ledger.list_entries(membership.user_id, MAX_ENTRIES)
    months = [each for each in newest if isinstance(each, Purchase) and each.membership_id == membership.membership_id]
    return max((month.paid_until for month in months if month.paid_until), default=None)


def _last_month(membership: Membership, subscription: Subscription, services: MembershipServices) -> PaidMonth | None:
    """Return the newest paid month, and post it first if necessary."""
    ledger = services.ledger
    for invoice in subscription.paid_invoices:
        ref = invoice.ref
        if ref is None:
            continue
        known = ledger.find_entry(ref.user_id, ref.purchase_id)
        if known is None:
            fulfill_invoice(invoice, ledger=ledger, memberships=services.memberships, clock=services.clock)
            known = ledger.find_entry(ref.user_id, ref.purchase_id)
        month: PaidMonth | None = paid_month(invoice, membership, known)
        if month is not None:
            return month if known else replace(month, is_kept=_is_kept(invoice, services.gateway))
    return None


def _is_kept(invoice: Invoice, gateway: PaymentGateway) -> bool:
    """Return False once all money of an invoice that gave no coins is gone."""
    states = [gateway.read_money(part) for part in invoice.payment_intents]
    gone_minor = sum(money_gone(state, invoice.currency).amount_minor for state in states)
    return not states or gone_minor < invoice.paid_minor


def open_portal(user_id: str, *, memberships: Memberships, subscriptions: Subscriptions) -> str:
    """Return the URL of the provider's page on which the fan can end the membership.

    Raises:
        NotFound: the fan never subscribed.
        TryAgain: the ledger or the payment provider did not respond.
    """
    subscribed = [each for each in memberships.list_memberships(user_id) if each.customer_id is not None]
    # A fan who paid for two needs the one that renews.
    renewing = [each for each in subscribed if each.renews and each.status in LIVE]
    membership = present_membership(renewing or subscribed)
    if membership is None or membership.customer_id is None:
        raise NotFound("There is no membership.")
    return subscriptions.open_portal(membership.customer_id)
