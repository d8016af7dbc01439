"""Coins kept after refunds and disputes in any pieces: the share of the money kept, rounded down once."""

from collections.abc import Sequence
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import MoneyState, Movement
from chalicelib.domain.reversals import DISPUTE_STATUSES, REFUND_STATUSES, UnknownStatus, coins_kept, money_kept
from tests.domain.builders import a_purchase
from tests.invariants import books_of, broken
from tests.properties.profile import STEADY
from tests.usecases.checkout_harness import CheckoutHarness, moved_money, session_event

amounts = st.integers(1, MAX_AMOUNT)
small = st.integers(1, 5000)
refunds = st.builds(moved_money, st.integers(1, 3000), st.sampled_from(sorted(REFUND_STATUSES)))
disputes = st.builds(moved_money, st.integers(1, 3000), st.sampled_from(sorted(DISPUTE_STATUSES)))
money_states = st.tuples(st.lists(refunds, max_size=4), st.lists(disputes, max_size=2))


@st.composite
def pieces(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Draw a price, and amounts that add up to it."""
    cuts = sorted(draw(st.sets(st.integers(1, 4999), max_size=6)))
    total = draw(st.integers(max([0, *cuts]) + 1, 5000))
    return total, [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]


def gone_minor(movements: Sequence[Movement], statuses: dict[str, bool]) -> int:
    return sum(movement.amount_minor for movement in movements if statuses[str(movement.status)])


@STEADY
@given(amounts, amounts, st.data())
def test_coins_kept_is_the_share_of_the_money_rounded_down(coins: int, amount_minor: int, data: st.DataObject) -> None:
    kept_minor = data.draw(st.integers(0, amount_minor))
    kept = coins_kept(a_purchase(coins=coins, amount_minor=amount_minor), kept_minor)
    assert kept * amount_minor <= coins * kept_minor < (kept + 1) * amount_minor
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
    amount_minor: int, back: list[Movement], disputed: list[Movement], dice: Random
) -> None:
    purchase = a_purchase(amount_minor=amount_minor)
    kept = money_kept(purchase, MoneyState(captured_minor=amount_minor, refunds=back, disputes=disputed))
    gone = gone_minor(back, REFUND_STATUSES) + gone_minor(disputed, DISPUTE_STATUSES)
    assert kept == max(amount_minor - gone, 0)
    dice.shuffle(back)
    dice.shuffle(disputed)
    assert money_kept(purchase, MoneyState(captured_minor=amount_minor, refunds=back, disputes=disputed)) == kept


@STEADY
@given(st.text(max_size=30), st.text(max_size=5))
def test_money_kept_refuses_unknown_statuses_and_currencies(status: str, currency: str) -> None:
    movement = moved_money(1, status, currency)
    is_known = status in REFUND_STATUSES and currency == "usd"
    try:
        money_kept(a_purchase(), MoneyState(captured_minor=74, refunds=[movement]))
    except UnknownStatus:
        assert not is_known
    else:
        assert is_known


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
        harness.move_money(captured_minor=amount_minor, refunds=[moved_money(part) for part in parts[:number]])
        harness.hint()
        assert harness.balance() == coins * (amount_minor - sum(parts[:number])) // amount_minor
    assert harness.balance() == 0
    assert broken(books_of(harness.books, []), is_drained=False) == []


@STEADY
@given(small, small, st.lists(money_states, min_size=1, max_size=6), st.integers(0, 5))
def test_sync_refunds_depends_only_on_the_latest_state(
    coins: int, amount_minor: int, states: list[tuple[list[Movement], list[Movement]]], late: int
) -> None:
    harness = CheckoutHarness()
    purchase = harness.paid(coins=coins, amount_minor=amount_minor)
    for number, (back, disputed) in enumerate(states):
        if number == late:
            harness.deliver(session_event("paid", purchase))
        harness.move_money(captured_minor=amount_minor, refunds=back, disputes=disputed)
        harness.hint()
        gone = gone_minor(back, REFUND_STATUSES) + gone_minor(disputed, DISPUTE_STATUSES)
        assert harness.balance() == coins * max(amount_minor - gone, 0) // amount_minor
        assert broken(books_of(harness.books, []), is_drained=False) == []
