"""Contract of the Ledger port: pages of entries, publication marks and reviews."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.purchases import Status
from chalicelib.domain.reviews import ReviewReason
from chalicelib.ports.results import Posted, Unchanged
from tests.adapters.samples import a_gift, a_posting, a_purchase, a_review, buy, new_id, new_name
from tests.fakes import START, session_of, uuid7_at
from tests.stores import Store


@pytest.fixture
def entries(store: Store) -> list[Entry]:
    """Seven entries of one user, newest first: purchases, and a gift in the middle."""
    user_id = new_name("fan")
    entries: list[Entry] = [buy(store.ledger, user_id, 100) for _ in range(3)]
    gift = a_gift(user_id)
    assert store.ledger.post_gift(gift) == Posted()
    entries.append(gift)
    for _ in range(3):
        pending = a_purchase(user_id)
        assert store.ledger.open_purchase(pending) == Posted()
        entries.append(pending)
    return entries[::-1]


def test_list_entries_is_newest_first(store: Store, entries: list[Entry]) -> None:
    assert list(store.ledger.list_entries(entries[0].user_id, 100)) == entries


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_list_entries_pages_cover_all_entries(store: Store, entries: list[Entry], limit: int) -> None:
    seen: list[Entry] = []
    before: str | None = None
    while page := store.ledger.list_entries(entries[0].user_id, limit, before):
        assert len(page) == min(limit, len(entries) - len(seen))
        seen += page
        before = page[-1].entry_id

    assert seen == entries


def test_list_entries_starts_at_any_id(store: Store, entries: list[Entry]) -> None:
    user_id = entries[0].user_id
    newest, oldest = uuid7_at(START + timedelta(days=1), 0), uuid7_at(START - timedelta(days=1), 0)

    assert list(store.ledger.list_entries(user_id, 3, newest)) == entries[:3]
    assert list(store.ledger.list_entries(user_id, 7, newest)) == entries
    assert list(store.ledger.list_entries(user_id, 3, oldest)) == []


def test_list_entries_excludes_other_users(store: Store, entries: list[Entry]) -> None:
    assert list(store.ledger.list_entries(f"{entries[0].user_id}0", 100)) == []
    assert list(store.ledger.list_entries(new_name("fan"), 100, entries[0].entry_id)) == []


def test_list_entries_sorts_by_time_of_id(store: Store) -> None:
    user_id = new_name("fan")
    late, early = START + timedelta(days=365), START - timedelta(days=365)
    for created_at in (START, late, early):
        store.ledger.open_purchase(a_purchase(user_id, purchase_id=new_id(created_at), created_at=created_at))

    listed = store.ledger.list_entries(user_id, 3)
    assert [entry.created_at for entry in listed if entry.user_id == user_id] == [late, START, early]  # type: ignore[union-attr]


def test_mark_published_keeps_first_time(store: Store) -> None:
    posted = buy(store.ledger, new_name("fan"), 5)
    assert store.published_at(posted) is None

    first = START + timedelta(seconds=40, milliseconds=5)
    for at in (first, first + timedelta(hours=1), START):
        store.ledger.mark_published(posted.user_id, posted.entry_id, at)

    assert store.published_at(posted) == first


def test_mark_published_does_not_change_the_entry(store: Store) -> None:
    posted = buy(store.ledger, new_name("fan"), 5)

    store.ledger.mark_published(posted.user_id, posted.entry_id, START)

    assert store.ledger.find_entry(posted.user_id, posted.purchase_id) == posted
    assert store.ledger.post_purchase(session_of(posted), a_posting()) == Unchanged(purchase=posted)
    assert store.ledger.read_wallet(posted.user_id).coins == 5


def test_may_publish_again_until_the_publication_is_noted(store: Store) -> None:
    posted = buy(store.ledger, new_name("fan"), 5)
    assert store.ledger.may_publish_again(posted.user_id, posted.entry_id)
    assert store.published_at(posted) is None
    store.ledger.mark_published(posted.user_id, posted.entry_id, START)
    assert not store.ledger.may_publish_again(posted.user_id, posted.entry_id)
    assert store.published_at(posted) == START


def test_may_publish_again_of_unknown_entry_is_false_and_stores_nothing(store: Store) -> None:
    unknown = replace(a_purchase(), status=Status.POSTED)
    assert not store.ledger.may_publish_again(unknown.user_id, unknown.entry_id)
    assert store.ledger.find_entry(unknown.user_id, unknown.purchase_id) is None


def test_mark_published_of_unknown_entry_stores_nothing(store: Store) -> None:
    """The sweep would read a mark without its entry as an entry."""
    unknown = replace(a_purchase(), status=Status.POSTED)

    store.ledger.mark_published(unknown.user_id, unknown.entry_id, START)

    assert store.ledger.find_entry(unknown.user_id, unknown.purchase_id) is None


def test_file_review_same_payment_is_stored_once(store: Store) -> None:
    review = a_review()
    store.ledger.file_review(review)
    store.ledger.file_review(replace(review, reason=ReviewReason.OTHER_AMOUNT, amount_minor=1))

    assert store.count_reviews(review.payment_id) == 1


def test_file_review_other_payments_are_stored_separately(store: Store) -> None:
    reviews = [a_review(), a_review(payment_id=new_name("cs_live|:@._-=")), a_review(user_id="u" * 128)]
    for review in reviews:
        store.ledger.file_review(review)

    assert [store.count_reviews(review.payment_id) for review in reviews] == [1, 1, 1]
