import pytest

from chalicelib.errors import UnknownBundle
from chalicelib.usecases.queries import read_cost_basis
from tests.domain.builders import FAN, a_bundle, a_catalogue, a_gift, a_posted_purchase
from tests.fakes import START, FakeLedger, uuid7_at

CATALOGUE = a_catalogue(a_bundle(prices={"web": {"usd": 74}}))


@pytest.fixture
def ledger() -> FakeLedger:
    """Build a ledger with a purchase of 100 coins for 90 cents."""
    ledger = FakeLedger()
    key = uuid7_at(START, 1)
    ledger.entries[FAN] = {key: a_posted_purchase(purchase_id=key, coins=100, amount_minor=90)}
    return ledger


def test_read_cost_basis_of_a_buyer_is_the_money_paid(ledger: FakeLedger) -> None:
    found = read_cost_basis(FAN, "usd", catalogue=CATALOGUE, ledger=ledger)
    assert (found.basis, found.coins, found.amount_minor) == ("paid", 100, 90)


@pytest.mark.parametrize("user_id", [None, "fan-2"], ids=["anonymous", "bought nothing"])
def test_read_cost_basis_of_others_is_the_list_price(ledger: FakeLedger, user_id: str | None) -> None:
    found = read_cost_basis(user_id, "usd", catalogue=CATALOGUE, ledger=ledger)
    assert (found.basis, found.coins, found.amount_minor) == ("list", 70, 74)


def test_read_cost_basis_of_a_buyer_needs_no_list_price(ledger: FakeLedger) -> None:
    key = uuid7_at(START, 2)
    ledger.entries[FAN][key] = a_posted_purchase(purchase_id=key, currency="eur")
    assert read_cost_basis(FAN, "eur", catalogue=CATALOGUE, ledger=ledger).basis == "paid"
    with pytest.raises(UnknownBundle):
        read_cost_basis("fan-2", "eur", catalogue=CATALOGUE, ledger=ledger)


@pytest.mark.parametrize(("gifts", "basis"), [(99, "paid"), (100, "list")])
def test_read_cost_basis_reads_the_newest_hundred_entries(ledger: FakeLedger, gifts: int, basis: str) -> None:
    keys = [uuid7_at(START, 2 + number) for number in range(gifts)]
    ledger.entries[FAN] |= {key: a_gift(gift_id=key) for key in keys}
    assert read_cost_basis(FAN, "usd", catalogue=CATALOGUE, ledger=ledger).basis == basis
