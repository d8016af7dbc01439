"""Contract of the Ledger port: purchases."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.ids import hash_request
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import PurchaseRef
from chalicelib.domain.purchases import UNPOSTED, Purchase, Status
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import NotFound
from chalicelib.ports.results import AlreadyExists, Posted, Unchanged
from tests.adapters.samples import a_gift, a_posting, a_purchase, buy, new_id
from tests.fakes import START, session_of
from tests.stores import Store

LONGEST_ID = "aZ09|:@._-=" * 11 + "1234567"


@pytest.fixture
def purchase(store: Store) -> Purchase:
    purchase = a_purchase()
    assert store.ledger.open_purchase(purchase) == Posted()
    return purchase


def move(store: Store, purchase: Purchase, to: Status) -> Purchase:
    """Move the purchase to a status from any other."""
    assert store.ledger.move_purchase(purchase.ref, to, list(Status)) == Posted()
    return replace(purchase, status=to)


def found(store: Store, purchase: Purchase) -> object:
    return store.ledger.find_entry(purchase.user_id, purchase.purchase_id)


def coins(store: Store, purchase: Purchase) -> int:
    return store.ledger.read_wallet(purchase.user_id).coins


def test_open_purchase_stores_the_quote(store: Store, purchase: Purchase) -> None:
    assert found(store, purchase) == purchase
    assert coins(store, purchase) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": START + timedelta(milliseconds=1)},
        {"coins": MAX_AMOUNT, "amount_minor": MAX_AMOUNT},
        {"user_id": LONGEST_ID},
        {"user_id": "|:@._-="},
        {"bundle_id": "b" * 64, "channel": "app", "currency": "jpy"},
        {"request_hash": hash_request("https://live.example/"), "key_form": 1},
    ],
    ids=lambda changes: " and ".join(changes),
)
def test_open_purchase_stores_every_field(store: Store, changes: dict[str, Any]) -> None:
    purchase = a_purchase(**changes)

    store.ledger.open_purchase(purchase)

    assert found(store, purchase) == purchase


def test_open_purchase_repeat_returns_first_purchase(store: Store, purchase: Purchase) -> None:
    other_quote = replace(purchase, coins=501, amount_minor=530, created_at=START + timedelta(minutes=1))

    repeated = store.ledger.open_purchase(other_quote)
    assert isinstance(repeated, AlreadyExists)
    assert repeated.entry == purchase
    assert found(store, purchase) == purchase


def test_open_purchase_with_id_of_gift_returns_gift(store: Store) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 60)
    store.ledger.post_gift(gift)

    purchase = a_purchase(gift.user_id, purchase_id=gift.gift_id)
    assert store.ledger.open_purchase(purchase) == AlreadyExists(entry=gift)


def test_open_purchase_id_is_unique_per_user(store: Store, purchase: Purchase) -> None:
    another = a_purchase(purchase_id=purchase.purchase_id)

    assert store.ledger.open_purchase(another) == Posted()
    assert (found(store, purchase), found(store, another)) == (purchase, another)


@pytest.mark.parametrize("status", UNPOSTED)
def test_post_purchase_works_from_every_unposted_status(store: Store, purchase: Purchase, status: Status) -> None:
    purchase, posting = move(store, purchase, status), a_posting()

    assert store.ledger.post_purchase(session_of(purchase), posting) == Posted()

    assert coins(store, purchase) == purchase.coins
    assert found(store, purchase) == replace(
        purchase,
        status=Status.POSTED,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payment_intent=f"pi_{purchase.purchase_id}",
        version=2,
    )


@pytest.mark.parametrize("payment_intent", ["the same", "another"])
def test_post_purchase_again_is_unchanged(store: Store, payment_intent: str) -> None:
    posted = buy(store.ledger, a_purchase().user_id, 500)
    session = session_of(posted)
    if payment_intent == "another":
        session = replace(session, payment_intent="pi_another")

    assert store.ledger.post_purchase(session, a_posting()) == Unchanged(purchase=posted)
    assert found(store, posted) == posted
    assert coins(store, posted) == 500


def other_coins(purchase: Purchase) -> PurchaseRef:
    return PurchaseRef(purchase_id=purchase.purchase_id, user_id=purchase.user_id, coins=purchase.coins + 1)


@pytest.mark.parametrize("wrong", ["nothing", "coins", "amount", "currency"])
@pytest.mark.parametrize("status", list(Status))
def test_post_purchase_requires_the_quote(store: Store, purchase: Purchase, status: Status, wrong: str) -> None:
    """One difference per case is enough, because the write joins its conditions with AND."""
    session = session_of(purchase)
    session = replace(session, ref=other_coins(purchase)) if wrong == "coins" else session
    session = replace(session, subtotal_minor=528) if wrong == "amount" else session
    session = replace(session, currency="eur") if wrong == "currency" else session
    if status is Status.POSTED:
        store.ledger.post_purchase(session_of(purchase), a_posting())
    else:
        move(store, purchase, status)
    before, held = found(store, purchase), coins(store, purchase)
    refused = status is Status.POSTED or wrong != "nothing"

    answer = store.ledger.post_purchase(session, a_posting())

    if refused:
        assert isinstance(answer, Unchanged)
        assert answer.purchase == before == found(store, purchase)
        assert coins(store, purchase) == held
    else:
        assert (answer, coins(store, purchase)) == (Posted(), purchase.coins)


def test_post_purchase_compares_subtotal_and_not_total(store: Store, purchase: Purchase) -> None:
    session = replace(session_of(purchase), total_minor=1)

    assert store.ledger.post_purchase(session, a_posting()) == Posted()


def test_post_and_move_of_unknown_purchase_are_not_found(store: Store) -> None:
    unknown = a_purchase()

    with pytest.raises(NotFound):
        store.ledger.post_purchase(session_of(unknown), a_posting())
    with pytest.raises(NotFound):
        store.ledger.move_purchase(unknown.ref, Status.EXPIRED, UNPOSTED)

    assert found(store, unknown) is None
    assert store.ledger.read_wallet(unknown.user_id) == Wallet(user_id=unknown.user_id)


def test_post_and_move_of_a_gift_are_not_found(store: Store) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 60)
    store.ledger.post_gift(gift)
    session = session_of(a_purchase(gift.user_id, purchase_id=gift.gift_id, coins=-60))

    with pytest.raises(NotFound):
        store.ledger.post_purchase(session, a_posting())
    with pytest.raises(NotFound):
        store.ledger.move_purchase(session.require_ref(), Status.EXPIRED, [Status.PENDING])

    assert store.ledger.find_entry(gift.user_id, gift.gift_id) == gift
    assert store.ledger.read_wallet(gift.user_id).coins == 0


def test_post_purchase_credits_add_up(store: Store) -> None:
    user_id = a_purchase().user_id
    for amount in (1, 20, 300):
        buy(store.ledger, user_id, amount)

    assert store.ledger.read_wallet(user_id).coins == 321


@pytest.mark.parametrize("now", UNPOSTED)
@pytest.mark.parametrize(
    ("to", "allowed"),
    [
        (Status.PROCESSING, [Status.PENDING]),
        (Status.FAILED, [Status.PENDING, Status.PROCESSING]),
        (Status.EXPIRED, [Status.PENDING]),
    ],
)
def test_move_purchase_moves_only_from_allowed_statuses(
    store: Store, purchase: Purchase, now: Status, to: Status, allowed: Sequence[Status]
) -> None:
    purchase = move(store, purchase, now)

    answer = store.ledger.move_purchase(purchase.ref, to, allowed)

    if now in allowed:
        assert (answer, found(store, purchase)) == (Posted(), replace(purchase, status=to))
    else:
        assert answer == Unchanged(purchase=purchase)
        assert found(store, purchase) == purchase


@pytest.mark.parametrize("to", UNPOSTED)
def test_move_purchase_of_posted_purchase_is_unchanged(store: Store, to: Status) -> None:
    posted = buy(store.ledger, a_purchase().user_id, 500)

    assert store.ledger.move_purchase(posted.ref, to, UNPOSTED) == Unchanged(purchase=posted)
    assert found(store, posted) == posted


def test_move_purchase_stores_the_reason_of_a_failure(store: Store, purchase: Purchase) -> None:
    store.ledger.move_purchase(purchase.ref, Status.FAILED, [Status.PENDING], None, "payment_unavailable")

    assert found(store, purchase) == replace(purchase, status=Status.FAILED, failure_reason="payment_unavailable")


def test_move_purchase_credits_no_coins(store: Store, purchase: Purchase) -> None:
    for status in UNPOSTED:
        move(store, purchase, status)

    assert coins(store, purchase) == 0


def test_find_entry_of_unknown_id_is_none(store: Store, purchase: Purchase) -> None:
    assert store.ledger.find_entry(purchase.user_id, new_id()) is None
    assert store.ledger.find_entry("nobody", purchase.purchase_id) is None
