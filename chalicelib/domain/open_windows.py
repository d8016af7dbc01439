"""Checkouts and memberships that a fan opens and does not pay: the list of checkouts, and the limits."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.errors import Refusal, TooManyOpen

MAX_OPEN_CHECKOUTS: Final = 20
"""Checkouts that may be opened without being paid within one window, unless the operator sets another number."""
MAX_OPEN_MEMBERSHIPS: Final = 3
"""The same for memberships, which have a window of their own."""


class OpenCheckout(Struct, frozen=True, kw_only=True):
    """A checkout that was opened, and may be paid until its session ends at `until`, unless it was ended before.

    `opened_id` is the id of its purchase or membership.
    """

    user_id: str
    opened_id: str
    until: datetime
    return_url: str | None = None


class OpenWindow(Struct, frozen=True, kw_only=True):
    """A window of the life of a session, which begins with the first checkout, or membership, opened in it.

    `unpaid` is the number of those opened, less the payments since: a payment gives its place back, also that of an
    earlier window, and so does a refusal by the provider. Those that expire do not, until the window ends. There is no
    window without an unpaid one.
    """

    until: datetime
    unpaid: int


def is_active(window: OpenWindow | None, now: datetime) -> bool:
    """Return True while the next one counts in the window. Otherwise it begins another one."""
    return window is not None and window.until > now


def opening_refusal(window: OpenWindow | None, limit: int, now: datetime) -> Refusal | None:
    """Return the refusal of another one, or None."""
    if window is None or not is_active(window, now) or window.unpaid < limit:
        return None
    return TooManyOpen("Pay one of them, or wait until they have ended.", limit=limit, resets_at=iso(window.until))
