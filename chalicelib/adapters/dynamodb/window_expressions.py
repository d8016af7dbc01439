"""Update and condition expressions for the windows of checkouts and memberships that a fan opens and does not pay.

A window is its end and a counter on the wallet. A write either begins one or counts in the active one; the first is the
usual case, that a fan has no other checkout open. Posting a payment counts down, and so does a refusal by the provider.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.domain.open_windows import OpenWindow, is_active
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import Rejected

Result = TypeVar("Result")


class Window(NamedTuple):
    """A window's attributes: its end, and the number of unpaid ones in it. `of` reads the window of a wallet."""

    until: Attribute[datetime]
    unpaid: Attribute[int]
    of: Callable[[Wallet], OpenWindow | None]


CHECKOUT_WINDOW: Final = Window(WalletRow.checkouts_until, WalletRow.checkouts, lambda wallet: wallet.open_checkouts)
MEMBERSHIP_WINDOW: Final = Window(
    WalletRow.memberships_until, WalletRow.memberships, lambda wallet: wallet.open_memberships
)


class Place(NamedTuple):
    """A place in a window: actions on the wallet and their condition."""

    actions: list[Action]
    condition: Condition


def open_in_window(
    window: Window, now: datetime, limit: int, write: Callable[[Place], Result | Rejected]
) -> Result | Rejected:
    """Run a write that opens a checkout or membership. It is tried twice if the fan has another one open."""
    result = write(begin_window(window, now))
    seen = window.of(result.wallet) if isinstance(result, Rejected) and result.wallet else None
    if seen and is_active(seen, now) and seen.unpaid < limit:
        return write(join_window(window, now, limit))
    return result


def begin_window(window: Window, now: datetime) -> Place:
    """Begin a window. Requires that the one before is over, or that all of it was paid."""
    until, unpaid, _ = window
    is_over: Condition = until.does_not_exist() | (until <= now) | (unpaid <= 0)
    return Place([until.set(now + SESSION_LIFE), unpaid.set(1)], is_over)


def join_window(window: Window, now: datetime, limit: int) -> Place:
    """Count in the active window, up to the limit."""
    until, unpaid, _ = window
    has_room: Condition = (until > now) & (unpaid < limit)
    return Place([unpaid.add(1)], has_room)


def give_back(window: Window) -> Action:
    """Give a place back, in a later window than the checkout's if that one is over."""
    given_back: Action = window[1].add(-1)
    return given_back


def open_checkouts(row: WalletRow) -> OpenWindow | None:
    """Return the window of a wallet's checkouts, if any of them is unpaid."""
    return _window(row.checkouts_until, row.checkouts)


def open_memberships(row: WalletRow) -> OpenWindow | None:
    """Return the window of a wallet's memberships, if any of them is unpaid."""
    return _window(row.memberships_until, row.memberships)


def _window(until: datetime | None, unpaid: int | None) -> OpenWindow | None:
    return OpenWindow(until=until, unpaid=unpaid) if until and unpaid and unpaid > 0 else None
