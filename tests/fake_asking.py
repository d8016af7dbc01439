"""Parts of the fakes with which a late checkout is looked up at the provider."""

from datetime import datetime

from chalicelib.domain.open_windows import OpenWindow, is_active
from chalicelib.domain.payments import CheckoutSession, PurchaseRef
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.ports.results import Asking, Stale


class FakeOpenCheckouts:
    """Open checkouts of the Ledger port: the pages that they come back to, and when the provider was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.open_pages: dict[tuple[str, str], str | None] = {}
        self.asked: dict[tuple[str, str], datetime] = {}
        self.windows: dict[str, OpenWindow] = {}
        self.member_windows: dict[str, OpenWindow] = {}

    def count_opened(self, user_id: str, now: datetime) -> None:
        """Count a checkout in the active window, or begin one."""
        window = self.windows.get(user_id)
        begun = OpenWindow(until=now + SESSION_LIFE, unpaid=1)
        self.windows[user_id] = grow(window, 1) if window and is_active(window, now) else begun

    def count_paid_checkout(self, user_id: str) -> None:
        """Give the place of a paid checkout back."""
        window = self.windows.pop(user_id, None)
        if window and window.unpaid > 1:
            self.windows[user_id] = grow(window, -1)

    def claim_asking(self, ref: PurchaseRef, at: datetime, last_before: datetime) -> Asking | Stale:
        name = ref.user_id, ref.purchase_id
        if name not in self.open_pages or self.asked.get(name, last_before) > last_before:
            return Stale()
        self.asked[name] = at
        return Asking(return_url=self.open_pages[name])


def grow(window: OpenWindow, by: int) -> OpenWindow:
    """Return the window with another number of unpaid checkouts."""
    return OpenWindow(until=window.until, unpaid=window.unpaid + by)


class FakePresentSessions:
    """Sessions of the PaymentGateway port as they are now, by their own id, where a test sets one."""

    def __init__(self) -> None:
        super().__init__()
        self.present: dict[str, CheckoutSession] = {}
        self.asked_about: list[tuple[str, str | None]] = []

    def present_session(self, purchase: Purchase, return_url: str | None = None) -> CheckoutSession | None:
        self.asked_about.append((purchase.purchase_id, return_url))
        return self.read_session(f"cs_test_{purchase.purchase_id}")

    def read_session(self, session_id: str) -> CheckoutSession | None:
        return self.present.get(session_id)
