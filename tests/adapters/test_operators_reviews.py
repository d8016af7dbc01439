"""Contract of the OperatorLedger port: reviews and their settlements."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.membership_months import month_of
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.ports.results import AlreadyExists, AlreadySettled, Conflict, Posted, Repeated, Stale, Unchanged
from tests.adapters.samples import (
    a_credit,
    a_freeze,
    a_membership,
    a_posting,
    a_purchase,
    a_review,
    a_settlement,
    an_adjustment,
    buy,
    new_month,
    new_name,
)
from tests.fake_memberships import invoice_of
from tests.fakes import session_of
from tests.stores import Store


@pytest.fixture
def review(store: Store) -> Review:
    """The only review of its month."""
    review = a_review(user_id=new_name("fan"), paid_at=new_month())
    assert store.ledger.file_review(review) == Posted()
    return review


def found(store: Store, review: Review) -> Review | None:
    return store.operators.find_review(review.ref)


def coins(store: Store, review: Review) -> int:
    return store.ledger.read_wallet(review.user_id).coins


def test_file_review_keeps_first_review_of_a_payment(store: Store, review: Review) -> None:
    assert store.ledger.file_review(replace(review, reason=ReviewReason.OTHER_AMOUNT, coins=1)) == Repeated()
    assert found(store, review) == review


def test_file_review_of_each_state_of_the_money_is_one(store: Store, review: Review) -> None:
    assert not store.ledger.has_moved_reviews(review.payment_id)
    out = replace(review, reason=ReviewReason.MONEY_LEFT, moved="0" * 16, gone_minor=74)
    back = replace(out, moved="f" * 16, gone_minor=0)

    assert [store.ledger.file_review(each) for each in (out, back, out, back)] == [*[Posted()] * 2, *[Repeated()] * 2]

    assert [found(store, each) for each in (review, out, back)] == [review, out, back]
    assert store.ledger.has_moved_reviews(review.payment_id)
    assert found(store, replace(out, moved="1" * 16)) is None


def test_close_review_settles_an_open_one_once(store: Store, review: Review) -> None:
    first, second = a_settlement(decision="superseded"), a_settlement()
    store.operators.close_review(review, first)
    store.operators.close_review(review, second)
    assert found(store, review) == replace(review, settlement=first)


def test_settle_review_by_refusing_moves_no_coins(store: Store, review: Review) -> None:
    settlement = a_settlement(decision="refuse")

    assert store.operators.settle_review(review, settlement, None) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert coins(store, review) == 0


@pytest.mark.parametrize("held", [0, 30])
def test_settle_review_by_crediting_posts_a_purchase(store: Store, review: Review, held: int) -> None:
    if held:
        buy(store.ledger, review.user_id, held)
    settlement, credit = a_settlement(reason="Grüße 🎉"), a_credit(review)

    assert store.operators.settle_review(review, settlement, credit) == Posted()

    assert found(store, review) == replace(review, settlement=settlement)
    assert store.ledger.find_entry(review.user_id, review.purchase_id) == credit.purchase
    assert (credit.purchase.payment_intent, credit.purchase.actor) == (review.payment_id, "olga")
    assert coins(store, review) == held + 500


def a_pending(store: Store, review: Review, **changes: Any) -> Purchase:
    """Store the unposted purchase of the review."""
    purchase = a_purchase(review.user_id, purchase_id=review.purchase_id, **changes)
    assert store.ledger.open_purchase(purchase) == Posted()
    return purchase


@pytest.mark.parametrize("quoted_minor", [529, 740])
def test_settle_review_by_crediting_posts_the_pending_purchase_as_paid(
    store: Store, review: Review, quoted_minor: int
) -> None:
    before = a_pending(store, review, coins=400, amount_minor=quoted_minor, request_hash="h")
    credit = a_credit(review, before)

    assert store.operators.settle_review(review, a_settlement(), credit) == Posted()

    stored = store.ledger.find_entry(review.user_id, review.purchase_id)
    assert stored == credit.purchase
    assert (credit.purchase.amount_minor, credit.purchase.coins, credit.purchase.bundle_id) == (529, 500, "coins_500")
    assert credit.purchase.quoted_minor == (None if quoted_minor == 529 else 740)
    assert coins(store, review) == 500
    session = session_of(before, payment_intent="pi_other")
    assert isinstance(store.ledger.post_purchase(session, a_posting()), Unchanged)
    assert coins(store, review) == 500


@pytest.mark.parametrize("is_posted", [False, True])
def test_settle_review_with_a_changed_purchase_is_stale(store: Store, review: Review, *, is_posted: bool) -> None:
    """Another request opens or posts the purchase between the read and the write."""
    before = a_pending(store, review) if is_posted else None
    credit = a_credit(review, before)
    purchase = before or a_pending(store, review)
    if is_posted:
        assert store.ledger.post_purchase(session_of(purchase), a_posting()) == Posted()
    unchanged = store.snapshot(review.user_id)

    assert store.operators.settle_review(review, a_settlement(), credit) == Stale()

    assert store.snapshot(review.user_id) == unchanged
    assert found(store, review) == review, "it is still open"


@pytest.mark.parametrize("is_new", [False, True])
def test_settle_review_of_a_month_makes_a_member(store: Store, review: Review, *, is_new: bool) -> None:
    membership = a_membership(review.user_id)
    invoice = invoice_of(membership)
    reviewed = replace(review, purchase_id=invoice.purchase_id, payment_id=str(invoice.payment_intent))
    store.ledger.file_review(reviewed)
    if not is_new:
        store.memberships.open_membership(membership)
    member = None if is_new else membership
    credit = a_credit(reviewed, invoice=invoice, member=member)

    assert store.operators.settle_review(reviewed, a_settlement(), credit) == Posted()

    stored = store.memberships.find_membership(review.user_id, membership.membership_id)
    assert stored == credit.member
    assert stored is not None
    assert (stored.status, stored.paid_until, stored.subscription_id) == (
        MembershipStatus.ACTIVE,
        invoice.paid_until,
        invoice.subscription_id,
    )
    assert store.ledger.find_entry(review.user_id, invoice.purchase_id) == credit.purchase
    assert isinstance(
        store.memberships.post_month(month_of(invoice, a_posting()), invoice.subscription_id, None), AlreadyExists
    )


@pytest.mark.parametrize("is_known", [False, True])
def test_settle_review_of_a_month_with_a_changed_membership_is_stale(
    store: Store, review: Review, *, is_known: bool
) -> None:
    membership = a_membership(review.user_id)
    invoice = invoice_of(membership)
    credit = a_credit(replace(review, purchase_id=invoice.purchase_id), invoice=invoice, member=membership)
    if is_known:
        store.memberships.open_membership(membership)
        store.memberships.update_membership(membership, replace(membership, version=2), None)

    assert store.operators.settle_review(review, a_settlement(), credit) == Stale()
    assert coins(store, review) == 0


Settle = Callable[[Store, Review], Posted | AlreadySettled | Stale | Conflict]


def refuse(store: Store, review: Review) -> Posted | AlreadySettled | Stale | Conflict:
    return store.operators.settle_review(review, a_settlement(decision="refuse"), None)


def credit_coins(store: Store, review: Review) -> Posted | AlreadySettled | Stale | Conflict:
    return store.operators.settle_review(review, a_settlement(), a_credit(review))


@pytest.mark.parametrize("first", [refuse, credit_coins])
@pytest.mark.parametrize("second", [refuse, credit_coins])
def test_settle_review_again_returns_first_settlement(
    store: Store, review: Review, first: Settle, second: Settle
) -> None:
    first(store, review)
    settled, before = found(store, review), store.snapshot(review.user_id)

    assert settled is not None
    assert second(store, review) == AlreadySettled(review=settled)

    assert found(store, review) == settled
    assert store.snapshot(review.user_id) == before


def test_settle_review_repeat_returns_its_settlement(store: Store, review: Review) -> None:
    settlement, credit = a_settlement(), a_credit(review)
    store.operators.settle_review(review, settlement, credit)

    settled = replace(review, settlement=settlement)
    assert store.operators.settle_review(review, settlement, credit) == AlreadySettled(review=settled)
    assert coins(store, review) == 500


@pytest.mark.parametrize("settle", [refuse, credit_coins])
def test_settle_review_of_unknown_review_is_a_conflict(store: Store, settle: Settle) -> None:
    unknown = a_review(user_id=new_name("fan"), paid_at=new_month())
    before = store.snapshot(unknown.user_id)

    assert settle(store, unknown) == Conflict()

    assert found(store, unknown) is None
    assert store.snapshot(unknown.user_id) == before


@pytest.mark.parametrize("other_act", ["grant", "freeze", "settlement"])
def test_settle_review_with_the_key_of_another_act_is_a_conflict(store: Store, review: Review, other_act: str) -> None:
    settlement = a_settlement()
    if other_act == "grant":
        store.operators.grant(an_adjustment(entry_id=settlement.key))
    elif other_act == "freeze":
        store.operators.freeze(a_freeze(key=settlement.key))
    else:
        other = a_review(user_id=new_name("fan"), paid_at=review.paid_at)
        store.ledger.file_review(other)
        assert store.operators.settle_review(other, settlement, None) == Posted()
    before = store.snapshot(review.user_id)

    for credit in (None, a_credit(review)):
        assert store.operators.settle_review(review, settlement, credit) == Conflict()

    assert found(store, review) == review, "it is still open"
    assert store.snapshot(review.user_id) == before


def test_post_purchase_after_a_grant_of_the_first_release_credits_nothing(store: Store, review: Review) -> None:
    """The first release granted the coins of a payment in review, and its purchase stayed unposted."""
    before = a_pending(store, review)
    store.stamp_grant(before, review.payment_id)

    result = store.ledger.post_purchase(session_of(before, payment_intent=review.payment_id), a_posting())
    assert isinstance(result, Unchanged)
    assert store.operators.settle_review(review, a_settlement(), a_credit(review, before)) == Stale()
    assert coins(store, review) == 0

    assert store.ledger.post_purchase(session_of(before, payment_intent="pi_other"), a_posting()) == Posted()
