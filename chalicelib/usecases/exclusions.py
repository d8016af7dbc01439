"""Self-exclusions: the fan's open payment pages are closed at the provider, as far as that is possible."""

from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

from chalicelib.domain.memberships import LIVE, Membership, MembershipStatus, present_membership
from chalicelib.domain.purchases import SESSION_LIFE, Purchase, Status
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.usecases.unpaid_memberships import UnpaidServices

MAX_OPEN: Final = 40
"""Checkouts whose sessions are expired: two windows of 20 in the life of a session. Others are reported as open."""
MAX_LISTED: Final = 1_000
"""Rows of open checkouts that are read. Most are of paid ones, which do not count."""


class ExclusionServices(UnpaidServices, Protocol):
    """Services that the end of a fan's open checkouts needs. The provider's are read only if there is one."""

    @property
    def gateway(self) -> PaymentGateway: ...

    @property
    def subscriptions(self) -> Subscriptions: ...


class Aftermath(Struct, frozen=True, kw_only=True):
    """The state after an exclusion: sessions closed, sessions that may still be paid, and a membership that goes on.

    `open_until` is the time at which the last of those sessions ends by itself.
    """

    closed: int
    still_open: int
    open_until: datetime | None
    membership: Membership | None


def close_open_checkouts(user_id: str, services: ExclusionServices) -> Aftermath:
    """Expire the sessions of an excluded fan's open checkouts and memberships, best effort.

    The exclusion is stored before, so no page is handed out any more. A payment that still arrives is credited, and
    cannot be spent while the exclusion lasts.

    Raises:
        TryAgain: the ledger did not respond.
    """
    memberships = services.memberships.list_memberships(user_id)
    ends = [*_close_purchases(user_id, services), *_close_memberships(user_id, services)]
    left = [until for until, is_closed in ends if not is_closed]
    present = present_membership([each for each in memberships if each.renews and each.status in LIVE])
    return Aftermath(
        closed=len(ends) - len(left),
        still_open=len(left),
        open_until=max(left, default=None),
        membership=present,
    )


def _close_purchases(user_id: str, services: ExclusionServices) -> list[tuple[datetime, bool]]:
    """Return the end of each session of a pending purchase, and whether it is closed now."""
    ledger, now = services.ledger, services.clock.now()
    listed = ledger.list_open(user_id, now, now + 2 * SESSION_LIFE, MAX_LISTED)
    entries = [(ledger.find_entry(user_id, checkout.opened_id), checkout) for checkout in listed]
    pending = [
        (entry, checkout)
        for entry, checkout in entries
        if isinstance(entry, Purchase) and entry.status is Status.PENDING
    ]
    if not pending:
        return []
    newest = pending[-MAX_OPEN:]
    closed = services.gateway.expire_sessions([(purchase, checkout.return_url) for purchase, checkout in newest])
    left = [(checkout.until, False) for _, checkout in pending[:-MAX_OPEN]]
    return left + [(checkout.until, is_closed) for (_, checkout), is_closed in zip(newest, closed, strict=True)]


def _close_memberships(user_id: str, services: ExclusionServices) -> list[tuple[datetime, bool]]:
    """Return the same for pending memberships. Their sessions are those of the fan's customer.

    Those for which no session was found are reported as open: one may be about to be created. The list of open ones is
    not used, as those of the first release are not in it.
    """
    now = services.clock.now()
    opened = services.memberships.list_opened(user_id, now - SESSION_LIFE)
    ends = [each.created_at + SESSION_LIFE for each in opened if each.status is MembershipStatus.PENDING]
    lasting = sorted(end for end in ends if end > now)
    if not lasting:
        return []
    customer_id = services.memberships.read_customer(user_id).customer_id
    closed = 0 if customer_id is None else services.subscriptions.expire_sessions(customer_id)
    return [(end, place < closed) for place, end in enumerate(lasting)]
