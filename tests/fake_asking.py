"""Parts of the fakes with which a late checkout is looked up at the provider."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.open_windows import OpenCheckout, OpenWindow, is_active
from chalicelib.domain.payments import CheckoutSession, PurchaseRef
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.ports.results import Asking, Stale


class FakeOpenCheckouts:
    """Open checkouts of the Ledger port: the pages that they come back to, and when the provider was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.open_checkouts: dict[tuple[str, str], OpenCheckout] = {}
        self.asked: dict[tuple[str, str], datetime] = {}
        self.windows: dict[str, OpenWindow] = {}
        self.member_windows: dict[str, OpenWindow] = {}

    def count_opened(self, user_id: str, now: datetime) -> None:
        """Count a checkout in the active window, or begin one."""
        window = self.windows.get(user_id)
        begun = OpenWindow(until=now + SESSION_LIFE, unpaid=1)
        self.windows[user_id] = grow(window, 1) if window and is_active(window, now) else begun

    def keep_open(self, purchase: Purchase, return_url: str | None) -> None:
        """Put a purchase's checkout into the list."""
        self.open_checkouts[purchase.user_id, purchase.purchase_id] = OpenCheckout(
            user_id=purchase.user_id,
            opened_id=purchase.purchase_id,
            until=purchase.created_at + SESSION_LIFE,
            return_url=return_url,
        )

    def list_open(self, user_id: str, since: datetime, before: datetime, limit: int) -> Sequence[OpenCheckout]:
        return listed(self.open_checkouts, user_id, since, before)[:limit]

    def close_open(self, checkout: OpenCheckout) -> None:
        self.open_checkouts.pop((checkout.user_id, checkout.opened_id), None)

    def claim_asking(self, ref: PurchaseRef, at: datetime, last_before: datetime) -> Asking | Stale:
        name = ref.user_id, ref.purchase_id
        if name not in self.open_checkouts or self.asked.get(name, last_before) > last_before:
            return Stale()
        self.asked[name] = at
        return Asking(return_url=self.open_checkouts[name].return_url)


def listed(
    opened: dict[tuple[str, str], OpenCheckout], user_id: str, since: datetime, before: datetime
) -> list[OpenCheckout]:
    """Return the fan's checkouts whose sessions end from `since` on and before `before`, by id."""
    found = [each for each in opened.values() if each.user_id == user_id and since <= each.until < before]
    return sorted(found, key=lambda each: each.opened_id)


def grow(window: OpenWindow, by: int) -> OpenWindow:
    """Return the window with another number of unpaid checkouts."""
    return OpenWindow(until=window.until, unpaid=window.unpaid + by)


def give_back(windows: dict[str, OpenWindow], user_id: str) -> None:
    """Give a place in the fan's window back: one was paid, or refused by the provider."""
    window = windows.pop(user_id, None)
    if window and window.unpaid > 1:
        windows[user_id] = grow(window, -1)


class FakePresentSessions:
    """Sessions of the PaymentGateway port as they are now, by their own id, where a test sets one."""

    def __init__(self) -> None:
        super().__init__()
        self.present: dict[str, CheckoutSession] = {}
        self.asked_about: list[tuple[str, str | None]] = []
        self.expired: list[tuple[Purchase, str | None]] = []
        self.unreachable: set[str] = set()
        """Ids of purchases whose sessions the provider does not expire."""

    def present_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession | None:
        self.asked_about.append((purchase.purchase_id, return_url))
        return self.read_session(f"cs_test_{purchase.purchase_id}")

    def expire_sessions(self, opened: Sequence[tuple[Purchase, str | None]]) -> Sequence[bool]:
        self.expired += opened
        return [purchase.purchase_id not in self.unreachable for purchase, _ in opened]

    def read_session(self, session_id: str) -> CheckoutSession | None:
        return self.present.get(session_id)
