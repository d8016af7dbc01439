"""Concurrent requests for one checkout, on the stores with atomic transactions and at the Stripe sandbox."""

from collections import Counter
from collections.abc import Callable

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS
from chalicelib.domain.purchases import CheckoutOrder
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.usecases.checkout import OpenedCheckout, open_checkout
from tests.adapters.samples import new_id, new_name
from tests.adapters.stripe_lab import Lab
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.stores import DynamoStore

THERE = "https://live.example/streams/7"


class CheckoutServices:
    """The Checkouts protocol over a real ledger and gateway."""

    def __init__(self, store: DynamoStore, gateway: PaymentGateway) -> None:
        self.catalogue: Catalogue = load_catalogue("tiktok_like")
        self.ledger: Ledger = store.ledger
        self.memberships: Memberships = store.memberships
        self.gateway = gateway
        self.max_open_checkouts = MAX_OPEN_CHECKOUTS
        self.clock: Clock = SystemClock()


def orders(coins: list[int]) -> list[CheckoutOrder]:
    """Orders of one fan under one new key, for these amounts."""
    key, fan = new_id(SystemClock().now()), new_name("fan")
    return [
        CheckoutOrder(purchase_id=key, user_id=fan, coins=each, currency="usd", channel="web", return_url=THERE)
        for each in coins
    ]


def opening(order: CheckoutOrder, services: CheckoutServices) -> Callable[[], OpenedCheckout | None]:
    """Return the act of opening an order. It returns None for a conflict."""

    def act() -> OpenedCheckout | None:
        try:
            return open_checkout(order, services)
        except IdempotencyConflict:
            return None

    return until_decided(act)


def test_open_checkout_of_an_amount_64_at_once_opens_one_session(atomic_store: DynamoStore, lab: Lab) -> None:
    services = CheckoutServices(atomic_store, lab.gateway)
    [order, *_] = same = orders([44_999] * 64)

    opened = all_at_once([opening(each, services) for each in same])

    [session] = lab.sandbox.store.sessions.values()
    sent = session.to_json()
    assert sent["success_url"] == f"{THERE}?purchase={order.purchase_id}"
    assert (sent["amount_total"], session.metadata["coins"]) == (47_571, "44999")
    assert Counter(each and each.url for each in opened) == {sent["url"]: 64}
    # Stripe's sandbox may tell the opener to try again: then its second request is a repeat, too.
    assert [each and each.is_repeat for each in opened].count(False) <= 1
    assert [entry.entry_id for entry in services.ledger.list_entries(order.user_id, 10)] == [order.purchase_id]


def test_open_checkout_of_64_amounts_at_once_under_one_key_opens_one_session(
    atomic_store: DynamoStore, lab: Lab
) -> None:
    services = CheckoutServices(atomic_store, lab.gateway)

    opened = all_at_once([opening(each, services) for each in orders(list(range(44_936, 45_000)))])

    [winner] = [each for each in opened if each]
    [session] = lab.sandbox.store.sessions.values()
    assert session.metadata["coins"] == str(winner.purchase.coins)
    assert winner.url == session.to_json()["url"]
