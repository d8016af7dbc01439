"""A fan looks at the present membership."""

from chalicelib.domain.memberships import Membership, present_membership
from chalicelib.membership_ports import Memberships


def read_membership(user_id: str, *, memberships: Memberships) -> Membership | None:
    """The fan's membership that is live, else the newest one, else None. Raises TryAgain."""
    return present_membership(memberships.list_memberships(user_id))
