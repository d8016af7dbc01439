"""Coins kept after refunds and disputes in any pieces: the share of the money kept, rounded down once."""

from collections.abc import Sequence
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import Dispute, MoneyState, Refund
from chalicelib.domain.reversals import DISPUTE_STATUSES, REFUND_STATUSES, coins_kept, money_gone, money_kept
from tests.domain.builders import a_dispute, a_purchase, a_refund, booked
from tests.invariants import books_of, broken
from tests.properties.profile import STEADY
from tests.usecases.checkout_harness import CheckoutHarness, session_event

amounts = st.integers(1, MAX_AMOUNT)
small = st.integers(1, 5000)
refunds = st.builds(a_refund, st.integers(1, 3000), st.sampled_from(sorted(REFUND_STATUSES)))
bookings = st.builds(
    lambda amount, times: booked(*([-amount, amount] * 3)[:times]), st.integers(1, 3000), st.integers(0, 5)
)
disputes = st.builds(
    lambda status, bookings: a_dispute(3000, status, bookings=bookings),
    st.sampled_from(sorted(DISPUTE_STATUSES)),
    bookings,
)
money_states = st.tuples(st.lists(refunds, max_size=4), st.lists(disputes, max_size=2))


@st.composite
def pieces(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Draw a price, and amounts that add up to it."""
    cuts = sorted(draw(st.sets(st.integers(1, 4999), max_size=6)))
    total = draw(st.integers(max([0, *cuts]) + 1, 5000))
    return total, [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]


def gone_minor(back: Sequence[Refund], disputed: Sequence[Dispute]) -> int:
    refunded = sum(each.amount_minor for each in back if each.status not in {"failed", "canceled"})
    return refunded - sum(booking.amount_minor for each in disputed for booking in each.bookings)


def kept_minor(amount_minor: int, back: Sequence[Refund], disputed: Sequence[Dispute]) -> int:
    money = MoneyState(captured_minor=amount_minor, refunds=back, disputes=disputed)
    return money_kept(a_purchase(amount_minor=amount_minor), money, money_gone(money, "usd"))


@STEADY
@given(amounts, amounts, st.data())
def test_coins_kept_is_the_share_of_the_money_rounded_down(coins: int, amount_minor: int, data: st.DataObject) -> None:
    part_minor = data.draw(st.integers(0, amount_minor))
    kept = coins_kept(a_purchase(coins=coins, amount_minor=amount_minor), part_minor)
    assert kept * amount_minor <= coins * part_minor < (kept + 1) * amount_minor
    assert 0 <= kept <= coins


@STEADY
@given(amounts, amounts)
@example(MAX_AMOUNT, 1)
@example(1, MAX_AMOUNT)
def test_coins_kept_of_all_and_of_no_money(coins: int, amount_minor: int) -> None:
    purchase = a_purchase(coins=coins, amount_minor=amount_minor)
    assert (coins_kept(purchase, amount_minor), coins_kept(purchase, 0)) == (coins, 0)


@STEADY
@given(small, st.lists(refunds, max_size=5), st.lists(disputes, max_size=3), st.randoms())
def test_money_kept_is_independent_of_order(
    amount_minor: int, back: list[Refund], disputed: list[Dispute], dice: Random
) -> None:
    kept = kept_minor(amount_minor, back, disputed)
    assert kept == max(amount_minor - gone_minor(back, disputed), 0)
    dice.shuffle(back)
    dice.shuffle(disputed)
    assert kept_minor(amount_minor, back, disputed) == kept


@STEADY
@given(st.text(max_size=30), st.text(max_size=5))
def test_money_gone_reports_unknown_statuses_and_currencies(status: str, currency: str) -> None:
    money = MoneyState(captured_minor=74, refunds=[a_refund(1), a_refund(2, status, currency)])
    gone = money_gone(money, "usd")
    is_known = status in REFUND_STATUSES and currency == "usd"
    assert len(gone.unknown) == (not is_known)
    assert gone.amount_minor == (3 if is_known and REFUND_STATUSES[status] else 1)


@STEADY
@given(small, pieces(), st.randoms())
def test_sync_refunds_of_the_whole_price_in_pieces_leaves_no_coins(
    coins: int, price: tuple[int, list[int]], dice: Random
) -> None:
    amount_minor, parts = price
    dice.shuffle(parts)
    harness = CheckoutHarness()
    harness.deliver(session_event("paid", harness.paid(coins=coins, amount_minor=amount_minor)))
    for number in range(1, len(parts) + 1):
        harness.move_money(captured_minor=amount_minor, refunds=[a_refund(part) for part in parts[:number]])
        harness.hint()
        assert harness.balance() == coins * (amount_minor - sum(parts[:number])) // amount_minor
    assert harness.balance() == 0
    assert broken(books_of(harness.books, []), is_drained=False) == []


@STEADY
@given(small, small, st.lists(money_states, min_size=1, max_size=6), st.integers(0, 5))
def test_sync_refunds_depends_only_on_the_latest_state(
    coins: int, amount_minor: int, states: list[tuple[list[Refund], list[Dispute]]], late: int
) -> None:
    harness = CheckoutHarness()
    purchase = harness.paid(coins=coins, amount_minor=amount_minor)
    for number, (back, disputed) in enumerate(states):
        if number == late:
            harness.deliver(session_event("paid", purchase))
        harness.move_money(captured_minor=amount_minor, refunds=back, disputes=disputed)
        harness.hint()
        gone = gone_minor(back, disputed)
        assert harness.balance() == coins * max(amount_minor - gone, 0) // amount_minor
        assert broken(books_of(harness.books, []), is_drained=False) == []
