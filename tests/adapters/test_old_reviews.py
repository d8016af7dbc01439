"""Reviews of the first release: found, deduplicated and copied to their present form."""

import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import Review, ReviewReason, Settlement
from chalicelib.ports.results import AlreadyExists, Posted, Repeated, Unchanged
from infra.operations.copy_reviews import copy_reviews, main
from tests.adapters.samples import (
    a_membership,
    a_month,
    a_posting,
    a_purchase,
    a_review,
    a_settlement,
    an_adjustment,
    new_name,
)
from tests.fakes import session_of
from tests.stores import DynamoStore, Item

PAID_AT = datetime(2026, 3, 30, 12, tzinfo=UTC)
MONTH = "2026-03"


@pytest.fixture
def review() -> Review:
    return a_review(user_id=new_name("fan"), paid_at=PAID_AT, opened_at=PAID_AT)


def put_old(store: DynamoStore, review: Review, settlement: Settlement | None = None) -> None:
    """Store the review as the first release did."""
    texts: dict[str, Any] = {
        "reason": review.reason.value,
        "session_id": review.session_id,
        "purchase_id": review.purchase_id,
        "user_id": review.user_id,
        "currency": review.currency,
        "paid_at": "2026-03-30T12:00:00.000Z",
    }
    if settlement:
        texts |= {"settled_key": settlement.key, "decision": settlement.decision, "note": settlement.reason}
        texts |= {"actor": settlement.actor, "settled_at": "2026-11-22T12:00:00.000Z"}
    numbers = {"coins": review.coins, "amount_minor": review.amount_minor}
    item: Item = {"PK": {"S": f"REVIEW#{MONTH}"}, "SK": {"S": review.payment_id}}
    item |= {name: {"S": value} for name, value in texts.items()}
    item |= {name: {"N": str(value)} for name, value in numbers.items()}
    store.client.put_item(TableName=store.table_name, Item=item)


def copied(store: DynamoStore) -> dict[str, int]:
    return dict(copy_reviews(store.operators, "2026-01", datetime(2026, 11, 22, tzinfo=UTC)))


def listed(store: DynamoStore, month: str = MONTH, *, is_any_age: bool = False) -> list[Review]:
    return list(store.operators.list_reviews(month, None, 100, is_any_age=is_any_age).reviews)


def test_old_review_is_listed_found_and_settled_before_it_is_copied(table_store: DynamoStore, review: Review) -> None:
    put_old(table_store, review)
    assert (listed(table_store), list(table_store.operators.list_old_reviews(MONTH))) == ([review], [review])
    assert table_store.operators.list_open_reviews(None, 100).reviews == []
    assert table_store.ledger.file_review(review) == Repeated()

    assert table_store.operators.find_review(review.ref) == review
    settlement = a_settlement(decision="refuse")
    assert table_store.operators.settle_review(review, settlement, None) == Posted()

    assert listed(table_store) == [replace(review, settlement=settlement)]
    assert list(table_store.operators.list_old_reviews(MONTH)) == []
    assert table_store.ledger.file_review(review) == Repeated()


def test_copy_old_reviews_lists_open_ones_of_any_age(table_store: DynamoStore, review: Review) -> None:
    left = replace(review, payment_id=f"{review.payment_id}-left-74", reason=ReviewReason.MONEY_LEFT)
    for each in (review, left):
        put_old(table_store, each)

    assert [copied(table_store) for _ in range(2)] == [{MONTH: 2}] * 2

    assert listed(table_store, "2026-11", is_any_age=True) == listed(table_store) == [review, left]
    assert table_store.ledger.file_review(review) == Repeated()


def test_copy_old_reviews_again_copies_a_later_settlement(table_store: DynamoStore, review: Review) -> None:
    """The former code settles a copied review before the deployment."""
    put_old(table_store, review)
    copied(table_store)
    settlement = a_settlement(decision="refuse")
    put_old(table_store, review, settlement)
    for _ in range(2):
        copied(table_store)
        assert listed(table_store) == [replace(review, settlement=settlement)]
    assert table_store.operators.list_open_reviews(None, 100).reviews == []


@pytest.mark.parametrize("decision", ["credit", "refuse"])
def test_copy_old_reviews_keeps_a_granted_payment_from_posting_its_purchase(
    table_store: DynamoStore, review: Review, decision: str
) -> None:
    purchase = a_purchase(review.user_id, purchase_id=review.purchase_id)
    assert table_store.ledger.open_purchase(purchase) == Posted()
    settlement = a_settlement(decision=decision)
    if decision == "credit":
        grant = an_adjustment(review.user_id, entry_id=settlement.key, coins=500, about=review.payment_id)
        table_store.operators.grant(grant)
    put_old(table_store, review, settlement)

    copied(table_store)

    result = table_store.ledger.post_purchase(session_of(purchase, payment_intent=review.payment_id), a_posting())
    assert isinstance(result, Unchanged if decision == "credit" else Posted)
    assert table_store.ledger.read_wallet(review.user_id).coins == 500


def test_copy_old_reviews_keeps_a_granted_invoice_from_posting_its_month(
    table_store: DynamoStore, review: Review
) -> None:
    membership = a_membership(review.user_id)
    table_store.memberships.open_membership(membership)
    month = a_month(membership)
    invoice = replace(review, purchase_id=month.purchase_id, session_id="in_1", payment_id=str(month.payment_intent))
    put_old(table_store, invoice, a_settlement())

    for _ in range(2):
        copied(table_store)

    result = table_store.memberships.post_month(month, "sub_1", None)
    assert isinstance(result, AlreadyExists)
    assert isinstance(result.entry, Purchase)
    assert (result.entry.status, result.entry.coins) == (Status.EXPIRED, 500)
    assert table_store.ledger.read_wallet(review.user_id).coins == 0


def test_copy_old_reviews_of_a_missing_purchase_stamps_nothing(table_store: DynamoStore, review: Review) -> None:
    put_old(table_store, review, a_settlement())
    copied(table_store)
    assert table_store.ledger.find_entry(review.user_id, review.purchase_id) is None


def test_copy_reviews_command_copies_a_deployed_stage(
    table_store: DynamoStore, review: Review, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_old(table_store, review)
    outputs = {"prod": {"TableName": table_store.table_name}}
    monkeypatch.setattr("infra.operations.copy_reviews.stack_outputs", outputs.__getitem__)

    monkeypatch.setattr(sys, "argv", ["copy_reviews", "--stage", "prod", "--since", "2026-04"])
    main()
    assert listed(table_store) == [review]
    assert table_store.operators.list_open_reviews(None, 100).reviews == []
    monkeypatch.setattr(sys, "argv", ["copy_reviews", "--stage", "prod"])
    main()

    assert table_store.operators.list_open_reviews(None, 100).reviews == [review]
    assert capsys.readouterr().out.splitlines() == [
        "0 reviews have their present form.",
        "2026-03: 1 reviews",
        "1 reviews have their present form.",
    ]


@pytest.mark.parametrize("since", ["2026-13", "march", ""])
def test_copy_reviews_command_refuses_another_month(
    since: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["copy_reviews", "--stage", "prod", "--since", since])
    with pytest.raises(SystemExit):
        main()
    assert "a month, like 2026-11" in capsys.readouterr().err
