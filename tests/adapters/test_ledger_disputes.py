"""Contract of the Ledger port: disputes freeze a wallet, beside an operator."""

import pytest
from msgspec.structs import replace

from chalicelib.domain.adjustments import Kind
from chalicelib.domain.purchases import DisputeHold, Purchase
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Stale
from tests.adapters.samples import a_clawback, a_freeze, a_gift, a_purchase, an_adjustment, buy, new_id, new_name
from tests.stores import Store

OPEN, LOST = DisputeHold.OPEN, DisputeHold.LOST


@pytest.fixture
def purchase(store: Store) -> Purchase:
    """A posted purchase of 500 coins for 5.29 USD."""
    return buy(store.ledger, new_name("fan"), 500)


def sync(store: Store, purchase: Purchase, coins: int, hold: DisputeHold | None) -> None:
    """Take these coins, or return them if negative, and set the hold."""
    kind = Kind.CLAWBACK if coins > 0 else Kind.RESTORE
    adjustment = a_clawback(purchase, coins, kind=kind) if coins else None
    assert store.ledger.update_kept_amount(found(store, purchase), 529, adjustment, hold) == Posted()


def found(store: Store, purchase: Purchase) -> Purchase:
    entry = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(entry, Purchase)
    return entry


def is_free(store: Store, user_id: str) -> bool:
    """Give a coin and open a checkout. Returns True if the wallet allowed both, False if it allowed none."""
    given = store.ledger.post_gift(a_gift(user_id, price_coins=1))
    opened = store.ledger.open_purchase(a_purchase(user_id))
    assert isinstance(given, Posted | Rejected)
    assert type(given) is type(opened)
    return isinstance(given, Posted)


def test_update_kept_amount_with_an_open_dispute_freezes_until_it_ends(store: Store, purchase: Purchase) -> None:
    sync(store, purchase, 100, OPEN)
    assert not is_free(store, purchase.user_id)
    assert store.ledger.read_wallet(purchase.user_id) == Wallet(user_id=purchase.user_id, coins=400, open_disputes=1)
    assert found(store, purchase) == replace(purchase, kept_minor=529, hold=OPEN, version=purchase.version + 1)

    sync(store, purchase, -100, None)
    assert is_free(store, purchase.user_id)
    assert found(store, purchase).hold is None


def test_update_kept_amount_keeps_which_payments_went_back(store: Store, purchase: Purchase) -> None:
    for returned in (frozenset({"pi_1", "pi_2"}), frozenset({"pi_2"}), frozenset[str]()):
        assert store.ledger.update_kept_amount(found(store, purchase), 529, None, None, None, returned) == Posted()
        assert found(store, purchase).returned_payments == returned


def test_update_kept_amount_without_coins_still_sets_the_hold(store: Store, purchase: Purchase) -> None:
    sync(store, purchase, 0, OPEN)
    sync(store, purchase, 0, OPEN)

    assert store.ledger.read_wallet(purchase.user_id) == Wallet(user_id=purchase.user_id, coins=500, open_disputes=1)


def test_update_kept_amount_counts_each_disputed_purchase(store: Store, purchase: Purchase) -> None:
    other = buy(store.ledger, purchase.user_id, 7)
    sync(store, purchase, 0, OPEN)
    sync(store, other, 0, OPEN)
    sync(store, purchase, 0, None)
    assert not is_free(store, purchase.user_id)

    sync(store, other, 0, None)
    assert is_free(store, purchase.user_id)


def test_lost_dispute_freezes_while_coins_are_owed(store: Store, purchase: Purchase) -> None:
    assert store.ledger.post_gift(a_gift(purchase.user_id, price_coins=500)) == Posted()
    sync(store, purchase, 500, OPEN)
    sync(store, purchase, 0, LOST)
    refused = store.ledger.open_purchase(a_purchase(purchase.user_id))
    assert refused == Rejected(wallet=Wallet(user_id=purchase.user_id, coins=-500, lost_disputes=1))

    assert store.operators.grant(an_adjustment(purchase.user_id, kind=Kind.GRANT, coins=501)) == Posted()
    assert is_free(store, purchase.user_id)


def test_update_kept_amount_notes_that_lost_disputes_are_paid(store: Store, purchase: Purchase) -> None:
    fan = purchase.user_id
    other, third = (buy(store.ledger, fan, coins) for coins in (100, 1))
    sync(store, purchase, 500, LOST)
    paid = store.ledger.read_wallet(fan)
    assert paid.has_paid_disputes
    clawback = a_clawback(other, 200)
    assert store.ledger.update_kept_amount(found(store, other), 0, clawback, None, paid) == Posted()

    owing = store.ledger.read_wallet(fan)
    assert owing == replace(paid, coins=-99, paid_disputes=1)
    assert store.ledger.open_purchase(a_purchase(fan)) == Posted()
    assert store.ledger.update_kept_amount(found(store, other), 0, None, None, paid) == Stale()

    sync(store, third, 0, LOST)
    assert isinstance(store.ledger.open_purchase(a_purchase(fan)), Rejected)
    sync(store, third, 0, OPEN)
    assert store.ledger.read_wallet(fan).paid_disputes == 0


def test_grant_below_zero_notes_that_lost_disputes_are_paid(store: Store, purchase: Purchase) -> None:
    fan = purchase.user_id
    sync(store, purchase, 500, LOST)
    paid = store.ledger.read_wallet(fan)
    clawback = an_adjustment(fan, kind=Kind.CLAWBACK, coins=-1)
    assert store.operators.grant(clawback, paid) == Posted()
    owing = store.ledger.read_wallet(fan)
    assert owing == replace(paid, coins=-1, paid_disputes=1)
    assert store.ledger.open_purchase(a_purchase(fan)) == Posted()
    before = store.snapshot(fan)
    assert store.operators.grant(clawback, paid) == AlreadyExists(entry=clawback)
    assert store.operators.grant(replace(clawback, entry_id=new_id()), paid) == Stale()
    assert store.snapshot(fan) == before


def test_grant_below_zero_is_stale_if_the_debt_was_paid_meanwhile(store: Store, purchase: Purchase) -> None:
    fan = purchase.user_id
    clawback = an_adjustment(fan, kind=Kind.CLAWBACK, coins=-600)
    assert store.operators.grant(clawback, store.ledger.read_wallet(fan)) == Posted()
    sync(store, purchase, 499, LOST)
    owing = store.ledger.read_wallet(fan)
    assert (owing.lost_disputes, owing.has_paid_disputes) == (1, False)
    another = an_adjustment(fan, kind=Kind.CLAWBACK, coins=-1)
    assert store.operators.grant(another, replace(owing, lost_disputes=0)) == Stale()

    assert store.operators.grant(an_adjustment(fan, kind=Kind.GRANT, coins=-owing.coins)) == Posted()
    assert store.operators.grant(another, owing) == Stale()
    assert store.operators.grant(another, store.ledger.read_wallet(fan)) == Posted()
    assert store.ledger.read_wallet(fan) == replace(owing, coins=-1, paid_disputes=1)


def test_lost_dispute_that_takes_more_coins_is_not_paid_any_more(store: Store, purchase: Purchase) -> None:
    fan = purchase.user_id
    other = buy(store.ledger, fan, 100)
    sync(store, purchase, 250, LOST)
    paid = store.ledger.read_wallet(fan)
    clawback = a_clawback(other, 100)
    assert store.ledger.update_kept_amount(found(store, other), 0, clawback, None, paid) == Posted()
    assert store.ledger.read_wallet(fan).paid_disputes == 1

    sync(store, purchase, 251, LOST)
    assert store.ledger.read_wallet(fan) == replace(paid, coins=-1)
    assert isinstance(store.ledger.open_purchase(a_purchase(fan)), Rejected)


def test_lost_dispute_of_unspent_coins_does_not_freeze(store: Store, purchase: Purchase) -> None:
    buy(store.ledger, purchase.user_id, 1)
    sync(store, purchase, 500, LOST)

    assert is_free(store, purchase.user_id)


@pytest.mark.parametrize("operator_first", [True, False])
def test_operators_freeze_and_disputes_end_independently(
    store: Store, purchase: Purchase, *, operator_first: bool
) -> None:
    sync(store, purchase, 0, OPEN)
    store.operators.freeze(a_freeze(purchase.user_id))
    if operator_first:
        store.operators.freeze(a_freeze(purchase.user_id, is_frozen=False))
        assert not is_free(store, purchase.user_id)
        sync(store, purchase, 0, None)
    else:
        sync(store, purchase, 0, None)
        assert not is_free(store, purchase.user_id)
        store.operators.freeze(a_freeze(purchase.user_id, is_frozen=False))
    assert is_free(store, purchase.user_id)


def test_open_purchase_repeat_while_frozen_has_the_wallet(store: Store, purchase: Purchase) -> None:
    pending = a_purchase(purchase.user_id)
    assert store.ledger.open_purchase(pending) == Posted()
    sync(store, purchase, 0, OPEN)

    repeated = store.ledger.open_purchase(pending)

    assert repeated == AlreadyExists(entry=pending, wallet=store.ledger.read_wallet(purchase.user_id))


@pytest.mark.parametrize(("given", "is_spent"), [(0, 0), (200, 200), (500, 500)])
@pytest.mark.parametrize("claimed", [0, 200, 500])
def test_update_kept_amount_requires_the_coins_spent(
    store: Store, purchase: Purchase, given: int, is_spent: int, claimed: int
) -> None:
    if given:
        assert store.ledger.post_gift(a_gift(purchase.user_id, price_coins=given)) == Posted()
    before = store.snapshot(purchase.user_id)
    clawback = a_clawback(purchase, 500, coins_spent=claimed)

    written = store.ledger.update_kept_amount(purchase, 0, clawback, OPEN)

    if claimed == is_spent:
        assert written == Posted()
        assert store.ledger.find_entry(purchase.user_id, clawback.entry_id) == clawback
    else:
        assert (written, store.snapshot(purchase.user_id)) == (Stale(), before)
