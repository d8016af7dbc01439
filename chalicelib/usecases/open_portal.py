"""A fan wants to see what is paid, and perhaps to end it: that is done at the payment provider."""

from chalicelib.domain.memberships import LIVE, present_membership
from chalicelib.errors import NotFound
from chalicelib.membership_ports import Memberships, Subscriptions


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
