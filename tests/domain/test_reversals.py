from collections.abc import Sequence

import pytest

from chalicelib.domain.payments import MoneyState, Movement
from chalicelib.domain.reversals import DISPUTE_STATUSES, REFUND_STATUSES, UnknownStatus, coins_kept, money_kept
from tests.domain.builders import a_purchase

GONE = {
    "refund": ["pending", "requires_action", "succeeded"],
    "dispute": ["needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost"],
}
STAYS = {
    "refund": ["failed", "canceled"],
    "dispute": ["won", "prevented", "warning_needs_response", "warning_under_review", "warning_closed"],
}
UNKNOWN = ["", "Succeeded", "reversed", "won ", "charge_refunded", "warning_"]


def moved(amount_minor: int, status: str, currency: str = "usd") -> Movement:
    return Movement(amount_minor=amount_minor, currency=currency, status=status)


def kept(captured_minor: int = 1000, refunds: Sequence[Movement] = (), disputes: Sequence[Movement] = ()) -> int:
    """Return the money kept of 1000."""
    money = MoneyState(captured_minor=captured_minor, refunds=refunds, disputes=disputes)
    return money_kept(a_purchase(amount_minor=1000), money)


def kept_after(kind: str, *movements: Movement) -> int:
    return kept(refunds=movements) if kind == "refund" else kept(disputes=movements)


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, status) for kind, statuses in table.items() for status in statuses]


def test_statuses_are_all_classified() -> None:
    assert set(GONE["refund"] + STAYS["refund"]) == set(REFUND_STATUSES)
    assert set(GONE["dispute"] + STAYS["dispute"]) == set(DISPUTE_STATUSES)


@pytest.mark.parametrize(("kind", "status"), cases(GONE))
def test_money_kept_excludes_pending_and_gone_money(kind: str, status: str) -> None:
    assert kept_after(kind, moved(300, status)) == 700


@pytest.mark.parametrize(("kind", "status"), cases(STAYS))
def test_money_kept_includes_returned_money(kind: str, status: str) -> None:
    assert kept_after(kind, moved(300, status)) == 1000


@pytest.mark.parametrize("status", UNKNOWN)
@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_money_kept_refuses_an_unknown_status(kind: str, status: str) -> None:
    with pytest.raises(UnknownStatus, match=f"^{status} in usd$"):
        kept_after(kind, moved(1, "lost" if kind == "dispute" else "failed"), moved(300, status))


@pytest.mark.parametrize(("kind", "status"), [*cases(GONE), *cases(STAYS)])
@pytest.mark.parametrize("currency", ["eur", "USD", ""])
def test_money_kept_refuses_another_currency(kind: str, status: str, currency: str) -> None:
    with pytest.raises(UnknownStatus):
        kept_after(kind, moved(300, status, currency))


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
        refunds=[moved(amount, "succeeded") for amount in refunds],
        disputes=[moved(amount, "lost") for amount in disputes],
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
