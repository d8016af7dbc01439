"""Faults between ledger and DynamoDB: at most one credit or debit, and never a wrong refusal."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.models import Row
from chalicelib.adapters.dynamodb.transactions import MAX_ATTEMPTS
from chalicelib.domain.gifts import Gift
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Posted, Repeated, Stale, Unchanged
from tests.adapters.injection import answer_lost, arrives_twice, canceled, cannot_connect, meeting, times_out
from tests.adapters.samples import (
    a_clawback,
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

EVERY_ATTEMPT = 1 + Row.Meta.max_retry_attempts
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


def test_whoever_meets_others_tries_again(store: DynamoStore, gift: Gift, pauses: list[float]) -> None:
    conflicts = [canceled("TransactionConflict", "None"), canceled("None", "TransactionConflict")]

    with meeting(store.client, *conflicts) as asked:
        assert store.ledger.post_gift(gift) == Posted()

    assert coins(store, gift) == 40
    assert len({request["ClientRequestToken"] for request in asked}) == 3, "each try is a transaction of its own"
    assert len(pauses) == 2
    assert all(0 <= pause <= 0.05 for pause in pauses)


@pytest.mark.parametrize("busy", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_beside_a_conflict_no_condition_is_believed(
    store: DynamoStore, gift: Gift, pauses: list[float], busy: str
) -> None:
    with meeting(store.client, canceled(busy, "ConditionalCheckFailed"), canceled("ConditionalCheckFailed", busy)):
        assert store.ledger.post_gift(gift) == Posted()

    assert coins(store, gift) == 40
    assert len(pauses) == 2


def test_a_conflict_beside_a_true_refusal_ends_in_the_refusal(
    store: DynamoStore, gift: Gift, pauses: list[float]
) -> None:
    store.ledger.post_gift(gift)

    with meeting(store.client, canceled("TransactionConflict", "ConditionalCheckFailed")):
        refused = store.ledger.post_gift(gift)

    assert refused == AlreadyExists(entry=gift, wallet=store.ledger.read_wallet(gift.user_id))
    assert len(pauses) == 1


def test_when_others_never_leave_nothing_is_written(
    store: DynamoStore, gift: Gift, purchase: Purchase, pauses: list[float]
) -> None:
    always = [canceled("TransactionConflict", "TransactionConflict")] * MAX_ATTEMPTS

    with meeting(store.client, *always), pytest.raises(TryAgain):
        store.ledger.post_gift(gift)
    with meeting(store.client, *always), pytest.raises(TryAgain):
        store.ledger.post_purchase(session_of(purchase), a_posting())

    assert store.ledger.find_entry(gift.user_id, gift.gift_id) is None
    assert store.ledger.find_entry(purchase.user_id, purchase.purchase_id) == purchase
    assert (coins(store, gift), coins(store, purchase)) == (100, 0)
    assert len(pauses) == 2 * MAX_ATTEMPTS


def test_a_lane_that_is_never_free_is_not_written(store: DynamoStore, pauses: list[float]) -> None:
    creator_id = new_name("creator")
    moved_on = canceled("None", "ConditionalCheckFailed")

    with meeting(store.client, *[moved_on] * MAX_ATTEMPTS), pytest.raises(TryAgain):
        store.ledger.receive_gifts(creator_id, 0, gifts_to(creator_id, 1))

    assert store.shard(creator_id, 0).sequences == {}
    assert len(pauses) == MAX_ATTEMPTS


def test_a_lost_answer_is_asked_for_again_under_the_same_token(store: DynamoStore, purchase: Purchase) -> None:
    with meeting(store.client, answer_lost) as asked:
        answer = store.ledger.post_purchase(session_of(purchase), a_posting())

    posted = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert answer in (Posted(), Unchanged(purchase=posted)), "done now, or found done"
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert coins(store, purchase) == purchase.coins


def test_answers_that_are_lost_for_good_leave_one_credit(store: DynamoStore, purchase: Purchase) -> None:
    session = session_of(purchase)
    with meeting(store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
        store.ledger.post_purchase(session, a_posting())

    again = store.ledger.post_purchase(session, a_posting())

    posted = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert again == Unchanged(purchase=posted)
    assert (posted.status, posted.payment_intent) == (Status.POSTED, session.payment_intent)
    assert coins(store, purchase) == purchase.coins


def test_answers_that_are_lost_for_good_leave_one_debit(store: DynamoStore, gift: Gift) -> None:
    with meeting(store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
        store.ledger.post_gift(gift)

    again = store.ledger.post_gift(gift)

    assert isinstance(again, AlreadyExists)
    assert again.entry == gift
    assert coins(store, gift) == 40


def test_what_arrives_twice_is_done_once(store: DynamoStore, purchase: Purchase, gift: Gift) -> None:
    with meeting(store.client, arrives_twice, arrives_twice):
        store.ledger.post_purchase(session_of(purchase), a_posting())
        store.ledger.post_gift(gift)

    assert (coins(store, purchase), coins(store, gift)) == (purchase.coins, 40)


def test_a_batch_whose_answer_is_lost_keeps_its_places(store: DynamoStore) -> None:
    creator_id = new_name("creator")
    gifts = gifts_to(creator_id, 5)
    with meeting(store.client, answer_lost):
        first = store.ledger.receive_gifts(creator_id, 0, gifts)

    assert first == store.ledger.receive_gifts(creator_id, 0, gifts)
    places = {event_id: position.sequence for event_id, position in first.items()}
    assert places == store.shard(creator_id, 0).sequences
    assert sorted(places.values()) == [1, 2, 3, 4, 5]


def test_what_never_arrives_is_not_decided_and_can_be_sent_again(store: DynamoStore, purchase: Purchase) -> None:
    session = session_of(purchase)
    with meeting(store.client, *[times_out, cannot_connect][:EVERY_ATTEMPT]) as asked, pytest.raises(TryAgain):
        store.ledger.post_purchase(session, a_posting())

    assert len(asked) == EVERY_ATTEMPT
    assert coins(store, purchase) == 0
    assert store.ledger.post_purchase(session, a_posting()) == Posted()
    assert coins(store, purchase) == purchase.coins


def test_acts_whose_answers_are_lost_for_good_are_done_once(store: DynamoStore, gift: Gift) -> None:
    """A repeat after TryAgain returns the first result."""
    store.ledger.post_gift(gift)
    grant, reversal, freeze = an_adjustment(gift.user_id), a_reversal(gift), a_freeze(gift.user_id)
    review, settlement = a_review(user_id=gift.user_id), a_settlement()
    credit = an_adjustment(gift.user_id, coins=500, about=review.payment_id)
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
    for act, told in acts:
        with meeting(store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
            act()
        assert act() == told

    assert store.ledger.read_wallet(gift.user_id).coins == 100 + 70 + 500


def test_a_clawback_whose_answer_is_lost_for_good_is_not_taken_again(store: DynamoStore, gift: Gift) -> None:
    purchase = buy(store.ledger, gift.user_id, 500)

    def follow() -> Posted | Stale:
        return store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 500))

    with meeting(store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
        follow()

    assert follow() == Stale(), "it has another version by now"
    assert coins(store, gift) == 100


def test_single_writes_whose_answer_is_lost_are_found_done(store: DynamoStore) -> None:
    """PutItem and UpdateItem have no client token: the repeat fails its own condition."""
    purchase, review = a_purchase(), a_review()
    store.ledger.open_purchase(purchase)
    with meeting(store.client, answer_lost, operation="PutItem"):
        store.ledger.file_review(review)
    with meeting(store.client, answer_lost, operation="UpdateItem"):
        moved = store.ledger.move_purchase(session_of(purchase), Status.PROCESSING, [Status.PENDING])
    with meeting(store.client, answer_lost, operation="UpdateItem"):
        store.ledger.mark_announced(purchase.user_id, purchase.entry_id, START)

    assert isinstance(moved, Unchanged)
    assert moved.purchase.status is Status.PROCESSING
    assert store.count_reviews(review.payment_id) == 1
    assert store.announced_at(purchase) == START
