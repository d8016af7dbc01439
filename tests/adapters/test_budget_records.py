"""Stream records that show a changed budget."""

import pytest

from chalicelib.adapters.dynamodb.keys import wallet_key
from chalicelib.adapters.dynamodb.stream_records import budget_records, posted_records
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.periods import ByPeriod
from chalicelib.ports.results import Posted
from tests.adapters.budget_lab import set_budget
from tests.adapters.samples import a_budget, a_gift, a_purchase, buy, new_name
from tests.adapters.test_stream_records import gift_image, record
from tests.stores import DynamoStore, Item


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def wallet_image(store: DynamoStore, fan: str) -> Item:
    return store.item(wallet_key(fan), "WALLET")


def test_budget_records_after_a_gift_have_old_and_new_budget(store: DynamoStore) -> None:
    fan = new_name("fan")
    buy(store.ledger, fan, 60)
    budget = set_budget(store, fan, a_budget(coins=ByPeriod(100, 200, 300)))
    before = wallet_image(store, fan)
    store.ledger.post_gift(a_gift(fan))

    (found,) = budget_records([record(wallet_image(store, fan), before, number=7)])

    assert (found.record_id, found.user_id, found.old) == ("7", fan, budget)
    assert found.user_id == fan
    assert found.new == store.ledger.read_wallet(fan).budget
    assert found.new != budget


def test_budget_records_of_first_budget_have_no_old_budget(store: DynamoStore) -> None:
    fan = new_name("fan")
    buy(store.ledger, fan, 60)
    before = wallet_image(store, fan)
    budget = set_budget(store, fan, a_budget())

    (found,) = budget_records([record(wallet_image(store, fan), before)])

    assert (found.old, found.new) == (None, budget)


def test_budget_records_ignore_other_changes(store: DynamoStore) -> None:
    gift, fan = a_gift(), new_name("fan")
    buy(store.ledger, fan, 60)
    store.ledger.open_purchase(a_purchase(fan))
    wallet = wallet_image(store, fan)
    removed = {"dynamodb": {"Keys": {name: wallet[name] for name in ("PK", "SK")}, "SequenceNumber": "1"}}

    assert budget_records([record(gift_image(gift)), record(wallet, wallet), removed]) == []
    assert posted_records([record(wallet, wallet), removed]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"budget": {"S": "{"}},
        {"budget": {"S": "[]"}},
        {"budget": {"N": "1"}},
        {"day_ends": {"S": "tomorrow"}},
        {"c_day": {"N": "1.5"}},
        *[
            {name: None}
            for name in ("day_ends", "b_version", "c_day", "c_week", "c_month", "m_day", "m_week", "m_month")
        ],
    ],
    ids=str,
)
def test_budget_records_of_unreadable_budget_keep_its_keys(store: DynamoStore, change: Item) -> None:
    fan = new_name("fan")
    assert store.ledger.change_budget(fan, BudgetChange(seen=None, budget=a_budget())) == Posted()
    image = wallet_image(store, fan)
    unreadable = {name: value for name, value in (image | change).items() if value}

    found = budget_records([record(unreadable, image, number=1), record(image, image, number=2)])

    assert [(each.record_id, each.new is None) for each in found] == [("1", True), ("2", False)]
    assert found[0].user_id == fan
