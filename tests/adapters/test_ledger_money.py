"""Contract of the Ledger port: refunds and clawbacks of purchases."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Posted, Rejected, Stale
from tests.adapters.samples import a_clawback, a_gift, a_posting, a_purchase, an_adjustment, buy, new_id, new_name
from tests.fakes import START, session_of
from tests.stores import Store


@pytest.fixture
def purchase(store: Store) -> Purchase:
    """A posted purchase of 500 coins for 5.29 USD."""
    return buy(store.ledger, new_name("fan"), 500)


def found(store: Store, purchase: Purchase) -> Purchase:
    entry = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(entry, Purchase)
    return entry


def coins(store: Store, purchase: Purchase) -> int:
    return store.ledger.read_wallet(purchase.user_id).coins


@pytest.mark.parametrize("kept_minor", [0, 1, 528, 529, MAX_AMOUNT])
def test_update_kept_amount_without_adjustment_stores_amount(store: Store, purchase: Purchase, kept_minor: int) -> None:
    assert store.ledger.update_kept_amount(purchase, kept_minor, None) == Posted()

    assert found(store, purchase) == replace(purchase, kept_minor=kept_minor, version=purchase.version + 1)
    assert coins(store, purchase) == 500


def test_update_kept_amount_with_clawback_debits_coins(store: Store, purchase: Purchase) -> None:
    clawback = a_clawback(purchase, 250)

    assert store.ledger.update_kept_amount(purchase, 264, clawback) == Posted()

    assert found(store, purchase) == replace(purchase, kept_minor=264, version=purchase.version + 1)
    assert store.ledger.find_entry(purchase.user_id, clawback.entry_id) == clawback
    assert coins(store, purchase) == 250


def test_update_kept_amount_clawback_of_spent_coins_leaves_debt(store: Store, purchase: Purchase) -> None:
    assert store.ledger.post_gift(a_gift(purchase.user_id, price_coins=500)) == Posted()

    assert store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500)) == Posted()
    assert coins(store, purchase) == -500

    buy(store.ledger, purchase.user_id, 600)
    assert coins(store, purchase) == 100


def test_post_gift_with_debt_is_rejected(store: Store, purchase: Purchase) -> None:
    store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 501))

    refused = store.ledger.post_gift(a_gift(purchase.user_id, price_coins=1))

    assert isinstance(refused, Rejected)
    assert refused.wallet is not None
    assert refused.wallet.coins == -1


def test_update_kept_amount_with_restore_credits_coins(store: Store, purchase: Purchase) -> None:
    store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500))
    restore = a_clawback(purchase, -500, kind=Kind.RESTORE)

    assert store.ledger.update_kept_amount(found(store, purchase), 529, restore) == Posted()

    assert coins(store, purchase) == 500
    assert store.ledger.find_entry(purchase.user_id, restore.entry_id) == restore
    assert found(store, purchase) == replace(purchase, kept_minor=529, version=purchase.version + 2)


@pytest.mark.parametrize("has_clawback", [False, True], ids=["only noting", "with coins"])
@pytest.mark.parametrize("state", ["older", "newer", "pending"])
def test_update_kept_amount_of_other_version_is_stale(
    store: Store, purchase: Purchase, state: str, has_clawback: bool
) -> None:
    stale = replace(purchase, version=purchase.version + (1 if state == "newer" else 0))
    if state == "older":
        assert store.ledger.update_kept_amount(purchase, 500, a_clawback(purchase, 28)) == Posted()
    if state == "pending":
        stale = a_purchase(purchase.user_id)
        store.ledger.open_purchase(stale)
        store.ledger.post_purchase(session_of(stale), a_posting())
    before = store.snapshot(purchase.user_id)

    assert store.ledger.update_kept_amount(stale, 0, a_clawback(stale, 500) if has_clawback else None) == Stale()

    assert store.snapshot(purchase.user_id) == before


@pytest.mark.parametrize("has_clawback", [False, True], ids=["only noting", "with coins"])
def test_update_kept_amount_of_unknown_purchase_is_stale(store: Store, has_clawback: bool) -> None:
    unknown = a_purchase()
    before = store.snapshot(unknown.user_id)

    assert store.ledger.update_kept_amount(unknown, 0, a_clawback(unknown, 500) if has_clawback else None) == Stale()

    assert store.snapshot(unknown.user_id) == before


def test_update_kept_amount_with_taken_entry_id_is_stale(store: Store, purchase: Purchase) -> None:
    other = buy(store.ledger, purchase.user_id, 7)
    before = store.snapshot(purchase.user_id)

    assert store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500, entry_id=other.entry_id)) == Stale()

    assert store.snapshot(purchase.user_id) == before


def test_update_kept_amount_successive_clawbacks_add_up(store: Store, purchase: Purchase) -> None:
    clawed_back = 0
    for kept_minor, clawback in ((400, 122), (300, 95), (0, 283)):
        assert (
            store.ledger.update_kept_amount(found(store, purchase), kept_minor, a_clawback(purchase, clawback))
            == Posted()
        )
        clawed_back += clawback

    assert (clawed_back, coins(store, purchase)) == (500, 0)
    assert found(store, purchase).version == purchase.version + 3


def test_update_kept_amount_keeps_publication_mark(store: Store, purchase: Purchase) -> None:
    store.ledger.mark_published(purchase.user_id, purchase.entry_id, START)

    store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500))

    assert store.published_at(purchase) == START


@pytest.mark.parametrize(
    "adjustment",
    [
        an_adjustment(about="pi_1", reason="Grüße 🎉", actor="|:@._-=" + "o" * 121),
        an_adjustment(reason="r" * 200, actor="o"),
        an_adjustment(kind=Kind.RESTORE, coins=MAX_AMOUNT - 500, about=new_id(), reason=None, actor=None),
        an_adjustment(kind=Kind.CLAWBACK, coins=-MAX_AMOUNT, reason=None, actor=None),
        an_adjustment(kind=Kind.GIFT_REVERSAL, about=new_id(), creator_id="c" * 128, shard=63),
        an_adjustment(kind=Kind.GIFT_REVERSAL, about=new_id(), creator_id="|:@._-=", shard=0),
    ],
    ids=lambda adjustment: f"{adjustment.kind} of {adjustment.coins}",
)
def test_update_kept_amount_stores_every_field_of_adjustment(
    store: Store, purchase: Purchase, adjustment: Adjustment
) -> None:
    adjustment = replace(adjustment, user_id=purchase.user_id)

    assert store.ledger.update_kept_amount(purchase, 529, adjustment) == Posted()

    assert store.ledger.find_entry(purchase.user_id, adjustment.entry_id) == adjustment
    assert store.ledger.list_entries(purchase.user_id, 5)[0] in (adjustment, found(store, purchase))
