"""What the use cases need of the world for memberships, as chalicelib/ports.py says it of everything else."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.ledger import Notice, Purchase
from chalicelib.domain.memberships import InvoiceRefused, Membership
from chalicelib.domain.payments import Invoice, Subscription


class Memberships(Protocol):
    """The memberships of fans, beside their wallets. Each write is one round trip, as the ledger's."""

    def open_membership(self, membership: Membership) -> Membership | None:
        """Write a pending membership. None when it was written, else the one that already has its id."""

    def find_membership(self, user_id: str, membership_id: str) -> Membership | None:
        """The membership, consistently read."""

    def list_memberships(self, user_id: str) -> Sequence[Membership]:
        """All memberships of a fan, newest first, consistently read."""

    def post_month(self, month: Purchase, subscription_id: str, customer_id: str) -> InvoiceRefused | None:
        """Post a paid month of a membership, credit its coins and count its price, in one transaction.

        The price counts against the fan's budget, whatever is left of it, unless that is in another currency.

        Only if nothing was posted under its id, and the membership's stored quote says the same plan, coins, amount
        and currency; and it has no other subscription.

        Returns:
            None when both were done, else why neither was.
        """

    def follow_membership(self, before: Membership, after: Membership, notice: Notice | None) -> bool:
        """Write how a membership stands and, in the same transaction, what there is to tell of it.

        Returns:
            Whether it was written: only if the membership still has the version that was read.
        """


class Subscriptions(Protocol):
    """The payment provider's side of memberships."""

    def open_session(self, membership: Membership) -> str | None:
        """Where to subscribe: the address of the membership's checkout session, the same for every call.

        Raises:
            IdempotencyConflict: the provider knows the membership with other parameters: a new key is needed.
        """

    def read_invoice(self, invoice_id: str) -> Invoice | None:
        """The invoice as it is now; None when it is not a subscription's."""

    def find_invoice(self, payment_intent: str) -> Invoice | None:
        """The subscription's invoice that a payment was made for, as it is now, if there is one."""

    def read_subscription(self, subscription_id: str) -> Subscription:
        """The subscription as it is now, with its paid invoices."""

    def open_portal(self, customer_id: str) -> str:
        """The address of a page, good for a while, where the customer can see and end the subscription."""
