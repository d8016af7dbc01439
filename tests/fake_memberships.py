"""Fakes of the Memberships port, over the fake ledger's dictionaries, and of the Subscriptions port."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from msgspec.structs import replace

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.memberships import NEWEST, Customer, Membership
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.open_windows import MAX_OPEN_MEMBERSHIPS, OpenCheckout, OpenWindow, is_active, opening_refusal
from chalicelib.domain.payments import CustomerGone, Invoice, MembershipHint, MembershipRef, Subscription
from chalicelib.domain.purchases import FORMER_KEY_FORM, SESSION_LIFE, Purchase
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Rejected, Stale, Unmatched
from tests.fake_asking import give_back, grow, listed
from tests.fake_budgets import Spending
from tests.fakes import START, FakeLedger

MONTH = timedelta(days=30)


class FakeMemberships:
    """The Memberships port. Each call is atomic."""

    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.known: dict[tuple[str, str], Membership] = {}
        self.customers: dict[str, Customer] = {}
        self.open: dict[tuple[str, str], OpenCheckout] = {}

    def open_membership(
        self, membership: Membership, change: BudgetChange | None = None, limit: int = MAX_OPEN_MEMBERSHIPS
    ) -> Posted | MembershipExists | Rejected:
        name = membership.user_id, membership.membership_id
        money = Spending(at=membership.created_at, money=membership.amount_minor, currency=membership.currency)
        wallet, now = self.ledger.read_wallet(membership.user_id), membership.created_at
        allows = self.ledger.allows(membership.user_id, money, change) and not wallet.freeze_reasons
        if name in self.known:
            # The first write requires that no window is active.
            is_first = not is_active(wallet.open_memberships, now)
            return MembershipExists(membership=self.known[name], wallet=None if allows and is_first else wallet)
        if not allows or opening_refusal(wallet.open_memberships, limit, now):
            return Rejected(wallet=wallet)
        window = wallet.open_memberships
        begun = OpenWindow(until=now + SESSION_LIFE, unpaid=1)
        self.ledger.member_windows[membership.user_id] = grow(window, 1) if is_active(window, now) and window else begun
        self.ledger.count(membership.user_id, money, change)
        self.ledger.opened.add(membership.user_id)
        self.known[name] = membership
        self.open[name] = OpenCheckout(user_id=name[0], opened_id=name[1], until=begun.until)
        return Posted()

    def list_open(self, user_id: str, since: datetime, before: datetime, limit: int) -> Sequence[OpenCheckout]:
        return listed(self.open, user_id, since, before)[:limit]

    def close_open(self, checkout: OpenCheckout) -> None:
        self.open.pop((checkout.user_id, checkout.opened_id), None)

    def find_membership(self, user_id: str, membership_id: str) -> Membership | None:
        return self.known.get((user_id, membership_id))

    def list_opened(self, user_id: str, since: datetime) -> Sequence[Membership]:
        found = [each for (fan, _), each in self.known.items() if fan == user_id and each.created_at >= since]
        return sorted(found, key=lambda membership: membership.membership_id, reverse=True)

    def list_memberships(self, user_id: str) -> Sequence[Membership]:
        own = [membership for (fan, _), membership in self.known.items() if fan == user_id]
        found = sorted(own, key=lambda membership: membership.membership_id, reverse=True)
        after = found[NEWEST:]
        former = list(takewhile(lambda membership: membership.key_form == FORMER_KEY_FORM, after))
        return [*found[:NEWEST], *former, *(each for each in after[len(former) :] if each.paid_until)]

    def read_customer(self, user_id: str) -> Customer:
        return self.customers.get(user_id, Customer())

    def keep_customer(self, user_id: str, customer_id: str) -> str:
        kept = self.read_customer(user_id)
        if kept.customer_id is None:
            kept = self.customers[user_id] = replace(kept, customer_id=customer_id)
        return str(kept.customer_id)

    def forget_customer(self, user_id: str, customer_id: str) -> None:
        if self.read_customer(user_id).customer_id == customer_id:
            self.customers[user_id] = Customer(gone_id=customer_id)

    def post_month(
        self, month: Purchase, subscription_id: str, customer_id: str | None
    ) -> Posted | AlreadyExists | Unmatched:
        name = month.user_id, str(month.membership_id)
        entry, membership = self.ledger.find_entry(month.user_id, month.purchase_id), self.known.get(name)
        fits = membership is not None and (
            (membership.plan_id, membership.coins, membership.amount_minor, membership.currency)
            == (month.bundle_id, month.coins, month.amount_minor, month.currency)
            and membership.subscription_id in {None, subscription_id}
        )
        if entry:
            return AlreadyExists(entry=entry)
        if membership is None or not fits:
            return Unmatched(membership=membership)
        counts_already = membership.is_counted and not month.is_renewal
        self.known[name] = replace(
            membership,
            subscription_id=subscription_id,
            customer_id=customer_id,
            is_counted=membership.is_counted and month.is_renewal,
        )
        self.ledger.entries.setdefault(month.user_id, {})[month.purchase_id] = month
        self.ledger.coins[month.user_id] = self.ledger.coins.get(month.user_id, 0) + month.coins
        paid = Spending(at=month.posting.posted_at, money=month.amount_minor, currency=month.currency)
        if not month.is_renewal:
            give_back(self.ledger.member_windows, month.user_id)
        if not counts_already:
            self.ledger.count_paid(month.user_id, paid)
        return Posted()

    def update_membership(
        self,
        before: Membership,
        after: Membership,
        notification: NotificationEntry | None,
        change: BudgetChange | None = None,
    ) -> Posted | Stale:
        name = before.user_id, before.membership_id
        stored = self.known.get(name)
        existing = notification and self.ledger.find_entry(notification.user_id, notification.entry_id)
        read = before.version, before.subscription_id
        if stored is None or (stored.version, stored.subscription_id) != read or existing:
            return Stale()
        if change and (not stored.is_counted or self.ledger.change_budget(before.user_id, change) == Stale()):
            return Stale()
        self.known[name] = replace(after, is_counted=after.is_counted and stored.is_counted)
        if after.is_refused and not before.is_refused:
            give_back(self.ledger.member_windows, before.user_id)
        if notification:
            self.ledger.entries.setdefault(notification.user_id, {})[notification.entry_id] = notification
        return Posted()


class FakeSubscriptions:
    """The Subscriptions port. Returns the subscriptions and invoices that a test has put into its dictionaries."""

    def __init__(self) -> None:
        self.opened = 0
        self.return_urls: list[str | None] = []
        self.created: list[tuple[str, str | None]] = []
        self.customers: list[str | None] = []
        self.gone: set[str | None] = set()
        self.expired: list[str] = []
        self.is_reachable = True
        self.open_sessions = 1
        self.subscriptions: dict[str, Subscription] = {}
        self.invoices: dict[str, Invoice] = {}

    def create_customer(self, user_id: str, gone_id: str | None) -> str:
        self.created.append((user_id, gone_id))
        return f"cus_{user_id}" + ("_again" if gone_id else "")

    def open_session(
        self, membership: Membership, return_url: str | None = None, customer_id: str | None = None
    ) -> str | None:
        if customer_id in self.gone:
            raise CustomerGone
        self.opened += 1
        self.return_urls.append(return_url)
        self.customers.append(customer_id)
        return f"https://pay.example/{membership.membership_id}"

    def expire_sessions(self, customer_id: str) -> int:
        self.expired.append(customer_id)
        return self.open_sessions if self.is_reachable else 0

    def read_invoice(self, invoice_id: str) -> Invoice | None:
        return self.invoices.get(invoice_id)

    def find_invoice(self, payment_intent: str) -> Invoice | None:
        found = [invoice for invoice in self.invoices.values() if payment_intent in invoice.payment_intents]
        return found[0] if found else None

    def read_subscription(self, subscription_id: str) -> Subscription | None:
        if subscription_id not in self.subscriptions:
            return None
        paid = [one for one in self.invoices.values() if one.is_paid and one.subscription_id == subscription_id]
        newest_first = sorted(paid, key=lambda invoice: invoice.created_at, reverse=True)
        return replace(self.subscriptions[subscription_id], paid_invoices=newest_first)

    def open_portal(self, customer_id: str) -> str:
        return f"https://portal.example/{customer_id}"

    def subscribe(self, membership: Membership, **changes: object) -> Subscription:
        """Create an active subscription for a membership, with `changes` to its fields."""
        subscription = Subscription(
            subscription_id=f"sub_{membership.membership_id}",
            status="active",
            cancel_reason=None,
            renews=True,
            customer_id=f"cus_{membership.user_id}",
            paid_invoices=(),
        )
        changed = replace(subscription, **changes)
        self.subscriptions[changed.subscription_id] = changed
        return changed

    def bill(self, of: Membership, month: int = 1, **changes: object) -> Invoice:
        """Create a paid invoice for a month of the membership, with `changes` to its fields."""
        invoice = replace(invoice_of(of, month), **changes)
        self.invoices[invoice.invoice_id] = invoice
        return invoice


def membership_ref(membership: Membership) -> MembershipRef:
    """Build the reference that the metadata of the membership's subscription holds."""
    return MembershipRef(
        membership_id=membership.membership_id,
        plan_id=membership.plan_id,
        user_id=membership.user_id,
        coins=membership.coins,
    )


def hint_of(membership: Membership) -> MembershipHint:
    """Build the hint that Stripe's events about the membership carry."""
    return MembershipHint(subscription_id=f"sub_{membership.membership_id}", ref=membership_ref(membership))


def invoice_of(membership: Membership, month: int = 1) -> Invoice:
    """Build the paid invoice of a month of the membership. Month 1 begins at START."""
    begins = START + (month - 1) * MONTH
    return Invoice(
        invoice_id=f"in_{month}_{membership.membership_id}",
        status="paid",
        billing_reason="subscription_create" if month == 1 else "subscription_cycle",
        subscription_id=f"sub_{membership.membership_id}",
        customer_id=f"cus_{membership.user_id}",
        payment_intent=f"pi_{month}_{membership.membership_id}",
        subtotal_minor=membership.amount_minor,
        total_minor=membership.amount_minor,
        paid_minor=membership.amount_minor,
        currency=membership.currency,
        created_at=begins,
        paid_until=begins + MONTH,
        membership=membership_ref(membership),
    )
