"""Contract of the Ledger port: gifts on the sender's side."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.economy import MAX_QUANTITY
from chalicelib.domain.gifts import Gift
from chalicelib.domain.messages import MAX_CHARACTERS
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, Posted, Rejected
from tests.adapters.samples import a_gift, a_posting, a_purchase, buy, new_id
from tests.fakes import START, session_of
from tests.stores import Store


@pytest.fixture
def gift(store: Store) -> Gift:
    """An unsent gift of 60 coins whose sender has 100."""
    gift = a_gift()
    buy(store.ledger, gift.user_id, 100)
    return gift


def found(store: Store, gift: Gift) -> object:
    return store.ledger.find_entry(gift.user_id, gift.gift_id)


def wallet(store: Store, gift: Gift) -> Wallet:
    return store.ledger.read_wallet(gift.user_id)


def test_post_gift_debits_and_stores_gift(store: Store, gift: Gift) -> None:
    assert store.ledger.post_gift(gift) == Posted()

    assert found(store, gift) == gift
    assert wallet(store, gift) == Wallet(user_id=gift.user_id, coins=40)


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "Glückwunsch! 🎉👩‍👩‍👧 おめでとう  مبروك \N{COMBINING ACUTE ACCENT}e", "anonymous": True},
        {"message": "e\N{COMBINING ACUTE ACCENT} is not é"},
        {"message": "🎂" * MAX_CHARACTERS},
        {"stream_id": "s" * 64, "item_id": "i" * 64, "quantity": MAX_QUANTITY},
        {"creator_id": "|:@._-="},
        {"creator_id": "c" * 128, "shard": 63},
        {"shard": 0},
        {"posted_at": START + timedelta(milliseconds=999)},
    ],
    ids=lambda changes: " and ".join(changes),
)
def test_post_gift_stores_every_field(store: Store, gift: Gift, changes: dict[str, Any]) -> None:
    gift = replace(gift, **changes)

    assert store.ledger.post_gift(gift) == Posted()

    assert found(store, gift) == gift


def test_post_gift_spends_last_coin(store: Store, gift: Gift) -> None:
    assert store.ledger.post_gift(replace(gift, price_coins=100)) == Posted()
    assert wallet(store, gift).coins == 0


def test_post_gift_one_coin_short_is_rejected(store: Store, gift: Gift) -> None:
    refused = store.ledger.post_gift(replace(gift, price_coins=101))

    assert refused == Rejected(wallet=Wallet(user_id=gift.user_id, coins=100))
    assert found(store, gift) is None


def test_post_gift_largest_amount_is_exact(store: Store) -> None:
    gift = a_gift(price_coins=MAX_AMOUNT - 1)
    buy(store.ledger, gift.user_id, MAX_AMOUNT)

    assert store.ledger.post_gift(gift) == Posted()
    assert wallet(store, gift).coins == 1


def test_post_gift_repeat_returns_first_gift(store: Store, gift: Gift) -> None:
    first = replace(gift, price_coins=10)
    store.ledger.post_gift(first)
    again = replace(gift, price_coins=20, event_id=new_id(), item_id="galaxy", posted_at=START + timedelta(hours=1))

    assert store.ledger.post_gift(again) == AlreadyExists(entry=first)

    assert found(store, gift) == first
    assert wallet(store, gift).coins == 90


def test_post_gift_repeat_without_coins_returns_gift_and_wallet(store: Store, gift: Gift) -> None:
    store.ledger.post_gift(gift)

    refused = store.ledger.post_gift(gift)

    assert refused == AlreadyExists(entry=gift, wallet=Wallet(user_id=gift.user_id, coins=40))


WALLETS = ["enough", "none", "short", "frozen", "frozen and short", "frozen and none"]


def create_wallet(store: Store, user_id: str, kind: str) -> Wallet | None:
    """Create a wallet of this kind. Returns it as the rejection of a gift of 60 coins shows it, or None."""
    coins = {"enough": 60, "short": 59, "frozen": 60, "frozen and short": 59}.get(kind, 0)
    if coins:
        buy(store.ledger, user_id, coins)
    if "frozen" in kind:
        store.freeze(user_id)
    return (
        None
        if kind == "enough" or not store.has_wallet(user_id)
        else Wallet(user_id=user_id, coins=coins, is_frozen_by_operator="frozen" in kind)
    )


@pytest.mark.parametrize("kind", WALLETS)
def test_post_gift_is_rejected_by_short_missing_or_frozen_wallet(store: Store, kind: str) -> None:
    gift = a_gift()
    shown = create_wallet(store, gift.user_id, kind)
    before = wallet(store, gift)

    refused = store.ledger.post_gift(gift)

    if kind == "enough":
        assert (refused, wallet(store, gift).coins, found(store, gift)) == (Posted(), 0, gift)
    else:
        assert refused == Rejected(wallet=shown)
        assert (wallet(store, gift), found(store, gift)) == (before, None)


@pytest.mark.parametrize("kind", WALLETS)
def test_post_gift_with_taken_id_returns_that_entry(store: Store, kind: str) -> None:
    gift = a_gift()
    purchase: Purchase = a_purchase(gift.user_id, purchase_id=gift.gift_id)
    store.ledger.open_purchase(purchase)
    create_wallet(store, gift.user_id, kind)
    before = wallet(store, gift)

    shown = None if kind == "enough" else before
    assert store.ledger.post_gift(gift) == AlreadyExists(entry=purchase, wallet=shown)

    assert found(store, gift) == purchase
    assert wallet(store, gift) == before


def test_read_wallet_shows_freeze_and_credits(store: Store, gift: Gift) -> None:
    purchase = a_purchase(gift.user_id, coins=5)
    assert store.ledger.open_purchase(purchase) == Posted()
    store.freeze(gift.user_id)
    assert store.ledger.post_purchase(session_of(purchase), a_posting()) == Posted()

    assert wallet(store, gift) == Wallet(user_id=gift.user_id, coins=105, is_frozen_by_operator=True)


def test_post_gift_id_is_unique_per_user(store: Store, gift: Gift) -> None:
    another = a_gift(gift_id=gift.gift_id)
    buy(store.ledger, another.user_id, 60)

    assert store.ledger.post_gift(gift) == Posted()
    assert store.ledger.post_gift(another) == Posted()

    assert (found(store, gift), found(store, another)) == (gift, another)


def test_read_wallet_distinguishes_similar_user_ids(store: Store) -> None:
    """Ids are not case-folded or trimmed, and contain no separator of the keys."""
    names = ["Ann", "ann", "ann.", "ann|", "ann:", "ann@", "an=n", "a-nn", "a_nn", "WALLET", "ENTRY"]
    for coins, name in enumerate(names, start=1):
        buy(store.ledger, f"look-alike-{name}", coins)

    held = [store.ledger.read_wallet(f"look-alike-{name}").coins for name in names]
    assert held == list(range(1, len(names) + 1))
