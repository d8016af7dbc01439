"""Faults between ledger and DynamoDB: at most one credit or debit, and never a wrong refusal."""

from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSResponse
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.models import Row
from chalicelib.adapters.dynamodb.shards import MAX_RECEIVE_ATTEMPTS
from chalicelib.adapters.dynamodb.transactions import MAX_ATTEMPTS
from chalicelib.domain.gifts import Gift
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Posted, Repeated, Stale, Unchanged
from tests.adapters.injection import (
    Send,
    canceled,
    cannot_connect,
    delivered_twice,
    injecting,
    response_lost,
    times_out,
)
from tests.adapters.samples import (
    a_clawback,
    a_credit,
    a_freeze,
    a_gift,
    a_posting,
    a_purchase,
    a_reversal,
    a_review,
    a_settlement,
    an_adjustment,
    buy,
    gifts_to,
    new_name,
)
from tests.fakes import START, session_of
from tests.stores import DynamoStore

MAX_SENDS = 1 + Row.Meta.max_retry_attempts
"""The largest number of times that botocore sends one request."""


@pytest.fixture
def store(atomic_store: DynamoStore) -> DynamoStore:
    return atomic_store


@pytest.fixture
def pauses(store: DynamoStore, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, recorded in place of sleeping."""
    pauses: list[float] = []
    monkeypatch.setattr(store.ledger._transactions, "_pause", pauses.append)
    return pauses


@pytest.fixture
def purchase(store: DynamoStore) -> Purchase:
    purchase = a_purchase()
    store.ledger.open_purchase(purchase)
    return purchase


@pytest.fixture
def gift(store: DynamoStore) -> Gift:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 100)
    return gift


def coins(store: DynamoStore, entry: Purchase | Gift) -> int:
    return store.ledger.read_wallet(entry.user_id).coins


def test_post_gift_retries_after_transaction_conflicts(store: DynamoStore, gift: Gift, pauses: list[float]) -> None:
    conflicts = [canceled("TransactionConflict", "None"), canceled("None", "TransactionConflict")]

    with injecting(store.client, *conflicts) as requests:
        assert store.ledger.post_gift(gift) == Posted()

    assert coins(store, gift) == 40
    assert len({request["ClientRequestToken"] for request in requests}) == 3, "each try is a transaction of its own"
    assert len(pauses) == 2
    assert all(0 <= pause <= 0.05 for pause in pauses)


@pytest.mark.parametrize("busy", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_post_gift_retries_when_conflict_and_failed_condition_coincide(
    store: DynamoStore, gift: Gift, pauses: list[float], busy: str
) -> None:
    with injecting(store.client, canceled(busy, "ConditionalCheckFailed"), canceled("ConditionalCheckFailed", busy)):
        assert store.ledger.post_gift(gift) == Posted()

    assert coins(store, gift) == 40
    assert len(pauses) == 2


def test_post_gift_repeat_after_conflict_returns_existing_gift(
    store: DynamoStore, gift: Gift, pauses: list[float]
) -> None:
    store.ledger.post_gift(gift)

    with injecting(store.client, canceled("TransactionConflict", "ConditionalCheckFailed")):
        refused = store.ledger.post_gift(gift)

    assert refused == AlreadyExists(entry=gift, wallet=store.ledger.read_wallet(gift.user_id))
    assert len(pauses) == 1


def test_posts_raise_try_again_after_max_attempts_of_conflicts(
    store: DynamoStore, gift: Gift, purchase: Purchase, pauses: list[float]
) -> None:
    always = [canceled("TransactionConflict", "TransactionConflict")] * MAX_ATTEMPTS

    with injecting(store.client, *always), pytest.raises(TryAgain):
        store.ledger.post_gift(gift)
    with injecting(store.client, *always), pytest.raises(TryAgain):
        store.ledger.post_purchase(session_of(purchase), a_posting())

    assert store.ledger.find_entry(gift.user_id, gift.gift_id) is None
    assert store.ledger.find_entry(purchase.user_id, purchase.purchase_id) == purchase
    assert (coins(store, gift), coins(store, purchase)) == (100, 0)
    assert len(pauses) == 2 * MAX_ATTEMPTS


def test_receive_gifts_after_a_conflict_reads_the_shard_again(store: DynamoStore, pauses: list[float]) -> None:
    """The transaction that it met takes the sequences, so that the same attempt would be refused."""
    creator_id = new_name("creator")
    first, second = gifts_to(creator_id, 2)

    def overtaken(send: Send) -> AWSResponse | None:
        store.ledger.receive_gifts(creator_id, 0, [first])
        return canceled("None", "TransactionConflict")(send)

    with injecting(store.client, overtaken) as requests:
        received = store.ledger.receive_gifts(creator_id, 0, [second])

    assert received[second.event_id].sequence == 2
    assert (len(requests), len(pauses)) == (3, 1)


def test_receive_gifts_raises_try_again_when_shard_always_changes(store: DynamoStore, pauses: list[float]) -> None:
    creator_id = new_name("creator")
    shard_changed = canceled("None", "ConditionalCheckFailed")

    with injecting(store.client, *[shard_changed] * MAX_RECEIVE_ATTEMPTS), pytest.raises(TryAgain):
        store.ledger.receive_gifts(creator_id, 0, gifts_to(creator_id, 1))

    assert store.shard(creator_id, 0).sequences == {}
    assert len(pauses) == MAX_RECEIVE_ATTEMPTS


def test_post_purchase_resends_lost_request_with_same_token(store: DynamoStore, purchase: Purchase) -> None:
    with injecting(store.client, response_lost) as requests:
        answer = store.ledger.post_purchase(session_of(purchase), a_posting())

    posted = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert answer in (Posted(), Unchanged(purchase=posted)), "done now, or found done"
    assert len(requests) == 2
    assert requests[0] == requests[1]
    assert coins(store, purchase) == purchase.coins


def test_post_purchase_with_lost_responses_credits_once(store: DynamoStore, purchase: Purchase) -> None:
    session = session_of(purchase)
    with injecting(store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
        store.ledger.post_purchase(session, a_posting())

    again = store.ledger.post_purchase(session, a_posting())

    posted = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert again == Unchanged(purchase=posted)
    assert (posted.status, posted.payment_intent) == (Status.POSTED, session.payment_intent)
    assert coins(store, purchase) == purchase.coins


def test_post_gift_with_lost_responses_debits_once(store: DynamoStore, gift: Gift) -> None:
    with injecting(store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
        store.ledger.post_gift(gift)

    again = store.ledger.post_gift(gift)

    assert isinstance(again, AlreadyExists)
    assert again.entry == gift
    assert coins(store, gift) == 40


def test_posts_delivered_twice_take_effect_once(store: DynamoStore, purchase: Purchase, gift: Gift) -> None:
    with injecting(store.client, delivered_twice, delivered_twice):
        store.ledger.post_purchase(session_of(purchase), a_posting())
        store.ledger.post_gift(gift)

    assert (coins(store, purchase), coins(store, gift)) == (purchase.coins, 40)


def test_receive_gifts_with_lost_response_keeps_sequences(store: DynamoStore) -> None:
    creator_id = new_name("creator")
    gifts = gifts_to(creator_id, 5)
    with injecting(store.client, response_lost):
        first = store.ledger.receive_gifts(creator_id, 0, gifts)

    assert first == store.ledger.receive_gifts(creator_id, 0, gifts)
    places = {event_id: position.sequence for event_id, position in first.items()}
    assert places == store.shard(creator_id, 0).sequences
    assert sorted(places.values()) == [1, 2, 3, 4, 5]


def test_post_purchase_that_never_arrives_raises_try_again(store: DynamoStore, purchase: Purchase) -> None:
    session = session_of(purchase)
    with injecting(store.client, *[times_out, cannot_connect][:MAX_SENDS]) as requests, pytest.raises(TryAgain):
        store.ledger.post_purchase(session, a_posting())

    assert len(requests) == MAX_SENDS
    assert coins(store, purchase) == 0
    assert store.ledger.post_purchase(session, a_posting()) == Posted()
    assert coins(store, purchase) == purchase.coins


def test_operator_acts_with_lost_responses_take_effect_once(store: DynamoStore, gift: Gift) -> None:
    """A repeat after TryAgain returns the first result."""
    store.ledger.post_gift(gift)
    grant, reversal, freeze = an_adjustment(gift.user_id), a_reversal(gift), a_freeze(gift.user_id)
    review, settlement = a_review(user_id=gift.user_id), a_settlement()
    credit = a_credit(review)
    store.ledger.file_review(review)
    acts: list[tuple[Callable[[], object], object]] = [
        (lambda: store.operators.grant(grant), AlreadyExists(entry=grant)),
        (lambda: store.operators.reverse_gift(reversal), AlreadyReversed(reversed_by=reversal.entry_id)),
        (lambda: store.operators.freeze(freeze), Repeated()),
        (
            lambda: store.operators.settle_review(review, settlement, credit),
            AlreadySettled(review=replace(review, settlement=settlement)),
        ),
    ]
    for act, result in acts:
        with injecting(store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
            act()
        assert act() == result

    assert store.ledger.read_wallet(gift.user_id).coins == 100 + 70 + 500


def test_update_kept_amount_with_lost_responses_claws_back_once(store: DynamoStore, gift: Gift) -> None:
    purchase = buy(store.ledger, gift.user_id, 500)

    def follow() -> Posted | Stale:
        return store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500))

    with injecting(store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
        follow()

    assert follow() == Stale(), "it has another version by now"
    assert coins(store, gift) == 100


def test_single_item_writes_with_lost_response_take_effect_once(store: DynamoStore) -> None:
    """PutItem and UpdateItem have no client token: the repeat fails its own condition."""
    purchase, review = a_purchase(), a_review()
    store.ledger.open_purchase(purchase)
    with injecting(store.client, response_lost, operation="PutItem"):
        store.ledger.file_review(review)
    with injecting(store.client, response_lost, operation="UpdateItem"):
        moved = store.ledger.move_purchase(purchase.ref, Status.PROCESSING, [Status.PENDING])
    with injecting(store.client, response_lost, operation="UpdateItem"):
        store.ledger.mark_published(purchase.user_id, purchase.entry_id, START)

    assert isinstance(moved, Unchanged)
    assert moved.purchase.status is Status.PROCESSING
    assert store.count_reviews(review.payment_id) == 1
    assert store.published_at(purchase) == START
