from collections.abc import Sequence

import pytest

from chalicelib.domain.payments import Booking, Dispute, MoneyState, Refund
from chalicelib.domain.reversals import (
    MoneyGone,
    coins_already_spent,
    coins_kept,
    dispute_hold,
    money_gone,
    money_kept,
    money_state,
)
from tests.domain.builders import a_dispute, a_purchase, a_refund, booked

GONE = ["pending", "requires_action", "succeeded"]
STAYS = ["failed", "canceled"]
UNKNOWN = ["", "Succeeded", "reversed", "won ", "charge_refunded", "warning_"]


def gone_of(*movements: Refund | Dispute) -> MoneyGone:
    refunds = [each for each in movements if isinstance(each, Refund)]
    disputes = [each for each in movements if isinstance(each, Dispute)]
    return money_gone(MoneyState(captured_minor=1000, refunds=refunds, disputes=disputes), "usd")


def kept(captured_minor: int = 1000, refunds: Sequence[Refund] = (), disputes: Sequence[Dispute] = ()) -> int:
    """Return the money kept of 1000."""
    money = MoneyState(captured_minor=captured_minor, refunds=refunds, disputes=disputes)
    return money_kept(a_purchase(amount_minor=1000), money, money_gone(money, "usd"))


@pytest.mark.parametrize(("status", "gone_minor"), [*((each, 300) for each in GONE), *((each, 0) for each in STAYS)])
def test_money_gone_counts_refunds_that_are_not_failed_or_canceled(status: str, gone_minor: int) -> None:
    gone = gone_of(a_refund(300, status))
    assert (gone.amount_minor, gone.unknown) == (gone_minor, [])


@pytest.mark.parametrize(
    "status", ["needs_response", "lost", "won", "prevented", "warning_needs_response", "warning_closed", "under_review"]
)
@pytest.mark.parametrize(
    ("amounts", "gone_minor"),
    [([], 0), ([-300], 300), ([-300, 300], 0), ([-300, 300, -300], 300), ([-300, 100], 200), ([-1100], 1100)],
)
def test_money_gone_counts_balance_transactions_and_no_dispute_status(
    status: str, amounts: list[int], gone_minor: int
) -> None:
    gone = gone_of(a_dispute(300, status, bookings=booked(*amounts)))
    assert (gone.amount_minor, gone.unknown) == (gone_minor, [])


@pytest.mark.parametrize("status", UNKNOWN)
def test_money_gone_with_an_unknown_status_still_counts_known_movements(status: str) -> None:
    gone = gone_of(a_refund(1), a_refund(300, status), a_dispute(20, status, bookings=booked(-20)))
    assert gone.amount_minor == 21
    assert gone.unknown == [f"{status} refund in usd", f"{status} dispute in usd"]


@pytest.mark.parametrize("currency", ["eur", "USD", ""])
def test_money_gone_in_another_currency_is_unknown(currency: str) -> None:
    gone = gone_of(a_refund(1000), a_refund(1, currency=currency), a_dispute(5, "lost", currency))
    assert (gone.amount_minor, len(gone.unknown)) == (1000, 2)


def test_money_gone_beside_an_inquiry_in_another_currency_is_the_full_refund() -> None:
    gone = gone_of(a_refund(1000), a_dispute(900, "warning_needs_response", "eur"))
    assert (gone.amount_minor, gone.unknown) == (1000, ["warning_needs_response dispute in eur"])


@pytest.mark.parametrize(
    ("bookings", "gone_minor"),
    [
        (booked(-264, currency="eur", rate="0.88"), 300),
        (booked(-264, currency="eur"), 300),
        ([*booked(-264, currency="eur", rate="0.88"), *booked(258, currency="eur", rate="0.86")], 0),
        ([*booked(-264, currency="eur", rate="0.88"), *booked(86, currency="eur", rate="0.86")], 200),
        ([*booked(-264, currency="eur", rate="0.88"), *booked(255, currency="eur", rate="0.86")], 0),
        (booked(-264, 264, -264, currency="eur", rate="0.88"), 300),
        ([*booked(-264, 264, currency="eur", rate="0.88"), *booked(-270, currency="eur", rate="0.86")], 300),
        (booked(-264, 264, -264, 264, currency="eur", rate="0.88"), 0),
        (booked(258, currency="eur"), 0),
    ],
)
def test_money_gone_of_a_converted_dispute_is_the_share_that_is_out(bookings: list[Booking], gone_minor: int) -> None:
    gone = gone_of(a_dispute(300, "lost", bookings=bookings))
    assert (gone.amount_minor, gone.unknown) == (gone_minor, [])


@pytest.mark.parametrize(
    ("amount_minor", "bookings", "gone_minor"),
    [
        (1, booked(-4, 2, currency="eur"), 1),  # a half is rounded up
        (1, booked(-4, 3, currency="eur"), 0),
        (10, booked(-2, 1, currency="eur"), 5),
        (10, [*booked(-8, currency="eur"), *booked(4, currency="eur", rate="1")], 5),
    ],
)
def test_money_gone_of_a_converted_dispute_is_rounded(
    amount_minor: int, bookings: list[Booking], gone_minor: int
) -> None:
    assert gone_of(a_dispute(amount_minor, "lost", bookings=bookings)).amount_minor == gone_minor


def state_of(*refunds: Refund) -> str | None:
    return money_state(MoneyState(captured_minor=1000, refunds=refunds, disputes=[]))


def test_money_state_names_what_moved_for_ever() -> None:
    """The name is a key of the table."""
    moved = MoneyState(captured_minor=1000, refunds=[a_refund(5)], disputes=[a_dispute(300)])
    assert money_state(moved) == "feda3c2d65136a30"
    assert state_of(a_refund(5, "failed")) == "0a104f6cfb56d1fd"
    assert state_of() is None


def test_money_state_of_a_failed_refund_is_that_of_no_money() -> None:
    assert len({state_of(a_refund(5, status)) for status in GONE}) == 1
    assert state_of(a_refund(5, "failed")) != state_of(a_refund(5))


def test_money_gone_of_a_dispute_in_another_currency_is_its_booking_in_ours() -> None:
    gone = gone_of(a_dispute(270, "lost", "eur", bookings=booked(-310)))
    assert (gone.amount_minor, gone.unknown) == (310, [])


def test_money_gone_names_movements_by_what_was_booked() -> None:
    out, out_again = booked(-300), booked(-300, 300, -300)
    assert gone_of(a_refund(5), a_dispute(300, bookings=out)).movements == [("re_5", 5), ("txn_0", 300)]
    assert gone_of(a_dispute(300, bookings=out_again)).movements == [("txn_0+txn_1+txn_2", 300)]


@pytest.mark.parametrize(
    ("captured_minor", "refunds", "disputes", "is_kept"),
    [
        (1000, [], [], 1000),
        (1000, [1000], [], 0),
        (1000, [1], [], 999),
        (1000, [300, 700], [], 0),
        (1000, [999], [], 1),
        (1000, [], [1000], 0),
        (1000, [1000], [1000], 0),  # never below zero: a disputed refund counts once
        (1000, [400], [1000], 0),
        (1000, [400], [600], 0),
        (1000, [400], [500], 100),
        (0, [], [], 0),
        (400, [], [], 400),
        (400, [500], [], 0),
        (1200, [], [], 1000),  # never above the price: an overpayment grants no coins
        (1200, [300], [], 900),
        (1200, [100], [], 1000),
    ],
)
def test_money_kept_is_captured_less_gone(
    captured_minor: int, refunds: list[int], disputes: list[int], is_kept: int
) -> None:
    assert is_kept == kept(
        captured_minor,
        refunds=[a_refund(amount) for amount in refunds],
        disputes=[a_dispute(amount, "lost") for amount in disputes],
    )


@pytest.mark.parametrize(
    ("coins", "amount_minor", "kept_minor", "left"),
    [
        (70, 74, 74, 70),
        (70, 74, 0, 0),
        (70, 74, 73, 69),
        (70, 74, 1, 0),
        (70, 74, 2, 1),
        (70, 74, 37, 35),
        (3, 2, 1, 1),
        (1, 1000, 999, 0),
        (7, 3, 2, 4),
        (2**53 - 1, 2**53 - 1, 2**53 - 2, 2**53 - 2),
        (2**53 - 1, 3, 2, 6004799503160660),
    ],
)
def test_coins_kept_is_the_share_rounded_down(coins: int, amount_minor: int, kept_minor: int, left: int) -> None:
    assert coins_kept(a_purchase(coins=coins, amount_minor=amount_minor), kept_minor) == left


@pytest.mark.parametrize(
    ("disputes", "hold"),
    [
        ([], None),
        ([a_dispute(status="needs_response")], "open"),
        ([a_dispute(status="under_review"), a_dispute(status="lost")], "open"),
        ([a_dispute(status="lost"), a_dispute(status="won")], "lost"),
        ([a_dispute(status="won", bookings=booked(-74))], "open"),
        ([a_dispute(status="won")], None),
        ([a_dispute(status="lost", bookings=booked(-74, 74))], None),
        ([a_dispute(status="warning_needs_response"), a_dispute(status="warning_closed")], None),
        ([a_dispute(status="prevented", case_type="block")], None),
        ([a_dispute(status="prevented", bookings=booked(-74), case_type="resolution")], "lost"),
        ([a_dispute(status="prevented", case_type="resolution")], "lost"),
        ([a_dispute(status="lost", currency="eur")], "lost"),
        ([a_dispute(status="appealed", bookings=booked(-74))], "open"),
    ],
)
def test_dispute_hold_is_that_of_disputes_whose_money_is_out(disputes: list[Dispute], hold: str | None) -> None:
    assert dispute_hold(MoneyState(captured_minor=74, disputes=disputes)) == hold


@pytest.mark.parametrize(
    ("held", "taken", "spent"), [(70, 70, 0), (100, 70, 0), (0, 70, 70), (-9, 70, 70), (30, 70, 40), (69, 70, 1)]
)
def test_coins_already_spent_are_those_no_longer_held(held: int, taken: int, spent: int) -> None:
    assert coins_already_spent(held, taken) == spent
