"""Mapping of DynamoDB's error codes to results and TryAgain."""

import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError
from msgspec.structs import replace
from pynamodb.exceptions import PutError, PynamoDBException, TransactWriteError

from chalicelib.adapters.dynamodb.looks import DynamoLooks
from chalicelib.adapters.dynamodb.totals import DynamoTotals
from chalicelib.adapters.dynamodb.transactions import transient_errors
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.entries import EntryRef
from chalicelib.domain.journal import JournalLine, place_of
from chalicelib.domain.purchases import Status
from chalicelib.domain.reviews import ReviewRef
from chalicelib.domain.totals import ShardSum, WalletSum
from chalicelib.domain.work import Lease, Part, park_item
from chalicelib.errors import CoinpurseError, TryAgain
from tests.adapters.injection import canceled, error_response, injecting, responds
from tests.adapters.samples import (
    a_budget,
    a_freeze,
    a_gift,
    a_notification,
    a_posting,
    a_purchase,
    a_reversal,
    a_review,
    a_settlement,
    an_adjustment,
    an_exclusion,
    buy,
)
from tests.fakes import START, session_of
from tests.stores import DynamoStore

PART = Part(worker="sweep", name="07")


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "cause",
    [
        client_error("InternalServerError", 500),
        client_error("LimitExceededException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("RequestLimitExceeded"),
        client_error("ServiceUnavailable", 503),
        client_error("ThrottlingException"),
        client_error("TransactionConflictException"),
        client_error("TransactionInProgressException"),
        ReadTimeoutError(endpoint_url="https://dynamodb.example"),
    ],
    ids=str,
)
def test_transient_errors_raise_try_again(cause: Exception) -> None:
    with pytest.raises(TryAgain), transient_errors():
        raise PutError("Failed to put item", cause)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException", "ExpiredTokenException"]
)
def test_permanent_errors_are_raised(code: str) -> None:
    with pytest.raises(PutError), transient_errors():
        raise PutError("Failed to put item", client_error(code))


def test_errors_without_aws_cause_are_raised() -> None:
    with pytest.raises(PynamoDBException), transient_errors():
        raise PynamoDBException("a mistake of ours")


def calls_of(store: DynamoStore) -> dict[str, list[Callable[[], object]]]:
    """Return every method of the ports, by the first operation that it sends."""
    return writes_of(store) | reads_of(store)


def writes_of(store: DynamoStore) -> dict[str, list[Callable[[], object]]]:
    ledger, operators = store.ledger, store.operators
    purchase, gift, review, grant = a_purchase(), a_gift(), a_review(), an_adjustment()
    positions, looks = DynamoWorkPositions(store.table_name), DynamoLooks(store.table_name)
    totals = DynamoTotals(store.table_name)
    return {
        "PutItem": [lambda: ledger.file_review(review), lambda: ledger.post_notification(a_notification())],
        "TransactWriteItems": [
            lambda: ledger.open_purchase(purchase),
            lambda: ledger.exclude(an_exclusion()),
            lambda: ledger.post_purchase(session_of(purchase), a_posting()),
            lambda: ledger.update_kept_amount(purchase, 0, None),
            lambda: ledger.post_gift(gift),
            lambda: ledger.receive_gifts(gift.creator_id, 0, [gift]),
            lambda: operators.grant(grant),
            lambda: operators.reverse_gift(a_reversal(gift)),
            lambda: operators.freeze(a_freeze()),
            lambda: operators.settle_review(review, a_settlement(), None),
        ],
        "UpdateItem": [
            lambda: ledger.mark_published(purchase.user_id, purchase.entry_id, START),
            lambda: ledger.may_publish_again(purchase.user_id, purchase.entry_id),
            lambda: ledger.change_budget("ann", BudgetChange(seen=None, budget=a_budget())),
            lambda: positions.take(PART, "1", START, START),
            lambda: positions.move(Lease(part=PART, owner="1"), "a"),
            lambda: positions.release(Lease(part=PART, owner="1")),
            lambda: positions.rewind(PART, "a"),
            lambda: positions.park(PART, park_item("1", "late", START)),
            lambda: positions.unpark(PART, "1", START),
            lambda: looks.note_look("payment/pi_1", START),
            lambda: totals.keep_wallet("ann", WalletSum()),
            lambda: totals.keep_shard("bob", 0, ShardSum(), ShardSum()),
        ],
    }


def reads_of(store: DynamoStore) -> dict[str, list[Callable[[], object]]]:
    ledger, operators, journal = store.ledger, store.operators, store.journal
    positions, looks = DynamoWorkPositions(store.table_name), DynamoLooks(store.table_name)
    totals = DynamoTotals(store.table_name)
    line = JournalLine(
        user_id="ann", entry_id="1", event_id="2", kind="gift", coins=1, posted_at=START, creator_id="bob"
    )
    return {
        "GetItem": [
            lambda: ledger.read_wallet("ann"),
            lambda: ledger.find_entry("ann", "1"),
            lambda: operators.find_review(ReviewRef(month="2026-11", payment_id="pi_1")),
            lambda: totals.read_shard("bob", 0),
            lambda: journal.read_watermark("sweep"),
        ],
        "Query": [
            lambda: ledger.list_entries("ann", 5),
            lambda: operators.list_reviews("2026-11", None, 100),
            lambda: positions.list_due(PART, START, 1),
            lambda: journal.read_page(0, place_of(START), 9),
            lambda: list(totals.list_posted("ann", "")),
            lambda: list(totals.list_received("bob", 0, "")),
        ],
        "BatchGetItem": [
            lambda: journal.not_relayed([line]),
            lambda: journal.not_relayed([replace(line, creator_id=None)]),
            lambda: looks.last_looks(["payment/pi_1"]),
            lambda: totals.read_wallets(["ann"]),
        ],
    }


def test_every_method_raises_try_again_when_throttled(store: DynamoStore) -> None:
    """A conflict stands in for throttling that outlasts botocore's retries: botocore does not retry it."""
    for operation, acts in calls_of(store).items():
        for act in acts:
            with (
                injecting(store.client, error_response("TransactionConflictException"), operation=operation),
                pytest.raises(TryAgain),
            ):
                act()


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", json.dumps({"message": "who knows"})])
def test_response_of_a_proxy_raises_try_again(store: DynamoStore, body: str) -> None:
    with injecting(store.client, *[responds(502, body)] * 3, operation="GetItem"), pytest.raises(TryAgain):
        store.ledger.read_wallet("ann")


def test_unknown_cancellation_reason_is_raised(store: DynamoStore) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 100)
    for reasons in (("ValidationError", "None"), ("ValidationError", "ConditionalCheckFailed")):
        with injecting(store.client, canceled(*reasons)), pytest.raises(TransactWriteError) as raised:
            store.ledger.post_gift(gift)
        assert not isinstance(raised.value, CoinpurseError)


def test_single_item_writes_raise_permanent_errors(store: DynamoStore) -> None:
    purchase = a_purchase()
    denied = error_response("AccessDeniedException")
    writes: list[tuple[str, Callable[[], object]]] = [
        ("PutItem", lambda: store.ledger.post_notification(a_notification())),
        ("PutItem", lambda: store.ledger.file_review(a_review())),
        ("UpdateItem", lambda: store.ledger.change_budget("ann", BudgetChange(seen=None, budget=a_budget()))),
        ("UpdateItem", lambda: store.ledger.mark_published(purchase.user_id, purchase.entry_id, START)),
        ("UpdateItem", lambda: store.ledger.move_purchase(purchase.ref, Status.FAILED, [Status.PENDING])),
    ]
    for operation, write in writes:
        with injecting(store.client, denied, operation=operation), pytest.raises(PynamoDBException):
            write()


def test_read_records_takes_no_denied_request_for_an_unreadable_entry(store: DynamoStore) -> None:
    ref = EntryRef(user_id="ann", entry_id="1")
    denied = error_response("AccessDeniedException")
    with injecting(store.client, denied, denied, operation="BatchGetItem"), pytest.raises(PynamoDBException):
        store.journal.read_records([ref])


def test_missing_credentials_raise_try_again() -> None:
    """Lambda can provide credentials late; the request was not sent."""
    with pytest.raises(TryAgain), transient_errors():
        raise PutError("Failed to put item", NoCredentialsError())
