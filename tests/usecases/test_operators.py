"""Operators' acts: each takes effect once per key, with its reason and operator."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.operators import Adjusted, Decision, GrantOrder
from chalicelib.domain.reviews import Review, ReviewRef, Settlement
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound, TryAgain, WalletFrozen
from chalicelib.ports.operators import OperatorLedger
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift
from chalicelib.usecases.reviews import settle_review
from tests.domain.builders import CREATOR, FAN, KEY, a_purchase, an_act
from tests.fake_operators import FakeOperators
from tests.fake_services import settlement_services
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, a_stripe_event

ACT = uuid7_at(START, 70)
OTHER_ACT = uuid7_at(START, 71)
MONTH = f"{START:%Y-%m}"


class OperatorHarness(CheckoutHarness):
    """An operator and a fan with 100 coins, a cake given, and one payment in review."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeOperators(self.books, self.members)
        self.operators: OperatorLedger = self.recorder.over(self.fake)
        self.fund(100)
        self.given: Gift = self.send(item_id="cake").gift
        self.deliver(
            a_stripe_event(session=session_of(a_purchase(purchase_id=uuid7_at(START, 9)), payment_intent=PAYMENT))
        )

    def grant(self, key: str = ACT, user_id: str = FAN, coins: int = 70, **act: Any) -> Adjusted:
        order = GrantOrder(act=an_act(key=key, **act), user_id=user_id, coins=coins)
        return grant_coins(order, ledger=self.ledger, operators=self.operators, clock=self.clock)

    def reverse(self, key: str = ACT, user_id: str = FAN, gift_id: str = KEY, **act: Any) -> Adjusted:
        return reverse_gift(
            user_id, gift_id, an_act(key=key, **act), ledger=self.ledger, operators=self.operators, clock=self.clock
        )

    def freeze(self, key: str = ACT, user_id: str = FAN, *, is_frozen: bool = True) -> None:
        freeze_wallet(user_id, an_act(key=key), is_frozen=is_frozen, operators=self.operators, clock=self.clock)

    def settle(
        self, decision: Decision = "credit", key: str = ACT, payment_id: str = PAYMENT, month: str = MONTH, **act: Any
    ) -> Review:
        return settle_review(
            ReviewRef(month=month, payment_id=payment_id),
            decision,
            an_act(key=key, **act),
            settlement_services(self, self.operators),
        )

    def everything(self) -> tuple[object, ...]:
        return self.state(), dict(self.fake.acts), dict(self.fake.reversed_by)


ActFunction = Callable[[OperatorHarness, str], object]
ACTS: dict[str, ActFunction] = {
    "grant": lambda harness, key: harness.grant(key),
    "reverse": lambda harness, key: harness.reverse(key),
    "freeze": lambda harness, key: harness.freeze(key),
    "credit": lambda harness, key: harness.settle("credit", key),
    "refuse": lambda harness, key: harness.settle("refuse", key),
}
PORTS = {"grant": "grant", "reverse": "reverse_gift", "freeze": "freeze", "credit": "settle_review",
         "refuse": "settle_review"}  # fmt: skip


@pytest.fixture
def harness() -> OperatorHarness:
    return OperatorHarness()


@pytest.mark.parametrize("act_name", ACTS)
def test_act_repeat_changes_nothing(harness: OperatorHarness, act_name: str) -> None:
    ACTS[act_name](harness, ACT)
    done = harness.everything()
    harness.clock.advance(timedelta(hours=1))
    for _ in range(3):
        ACTS[act_name](harness, ACT)
        assert harness.everything() == done


@pytest.mark.parametrize("act_name", ACTS)
@pytest.mark.parametrize("days", [-2, 2, 400])
def test_act_repeat_with_a_key_of_any_day_changes_nothing(harness: OperatorHarness, act_name: str, days: int) -> None:
    key = uuid7_at(START + timedelta(days=days), 1)
    ACTS[act_name](harness, key)
    done = harness.everything()
    ACTS[act_name](harness, key)
    assert harness.everything() == done


@pytest.mark.parametrize("act_name", ACTS)
@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
def test_act_retry_after_try_again_takes_effect_once(harness: OperatorHarness, act_name: str, fault: str) -> None:
    undisturbed = OperatorHarness()
    ACTS[act_name](undisturbed, ACT)
    getattr(harness.recorder, fault)[PORTS[act_name]] = TryAgain()
    with pytest.raises(TryAgain):
        ACTS[act_name](harness, ACT)
    ACTS[act_name](harness, ACT)
    assert harness.balance() == undisturbed.balance()
    assert harness.books.frozen == undisturbed.books.frozen
    assert len(harness.books.entries[FAN]) == len(undisturbed.books.entries[FAN])
    assert harness.books.reviews == undisturbed.books.reviews


@pytest.mark.parametrize("first", ["grant", "reverse", "credit"])
@pytest.mark.parametrize("second", ["grant", "reverse", "credit"])
def test_act_with_the_key_of_another_act_is_a_conflict(harness: OperatorHarness, first: str, second: str) -> None:
    if first == second:
        return
    ACTS[first](harness, ACT)
    done = harness.everything()
    with pytest.raises(IdempotencyConflict):
        ACTS[second](harness, ACT)
    assert harness.everything() == done


# --- grants -----------------------------------------------------------------------------------------------------------


def test_grant_coins_records_coins_operator_and_reason(harness: OperatorHarness) -> None:
    granted = harness.grant(coins=500, reason="sorry for last night", actor="otto")
    adjustment = granted.adjustment
    assert not granted.is_repeat
    assert (adjustment.kind, adjustment.coins, adjustment.about) == (Kind.GRANT, 500, None)
    assert (adjustment.reason, adjustment.actor) == ("sorry for last night", "otto")
    assert harness.books.entries[FAN][ACT] == adjustment
    assert harness.balance() == 565


def test_grant_coins_repeat_returns_the_first_grant(harness: OperatorHarness) -> None:
    first = harness.grant()
    again = harness.grant(reason="in other words")
    assert (again.adjustment, again.is_repeat) == (first.adjustment, True)


def test_grant_coins_of_another_amount_with_the_key_is_a_conflict(harness: OperatorHarness) -> None:
    harness.grant(coins=70)
    with pytest.raises(IdempotencyConflict):
        harness.grant(coins=71)
    assert harness.balance() == 135
    assert not harness.grant(OTHER_ACT, coins=71).is_repeat


def test_grant_coins_with_the_key_of_a_gift_is_a_conflict(harness: OperatorHarness) -> None:
    with pytest.raises(IdempotencyConflict):
        harness.grant(harness.given.gift_id)


def test_grant_coins_to_another_fan_with_the_key_is_a_conflict(harness: OperatorHarness) -> None:
    harness.grant()
    done = harness.everything()
    with pytest.raises(IdempotencyConflict):
        harness.grant(user_id="fan-2")
    assert harness.everything() == done


# --- reversals --------------------------------------------------------------------------------------------------------


def test_reverse_gift_refunds_the_fan_and_counters_the_shard(harness: OperatorHarness) -> None:
    reversal = harness.reverse().adjustment
    assert harness.balance() == 100
    assert reversal == Adjustment(
        entry_id=ACT,
        user_id=FAN,
        kind=Kind.GIFT_REVERSAL,
        coins=35,
        posted_at=START,
        event_id=reversal.event_id,
        about=KEY,
        reason="a stream broke down",
        actor="olga",
        creator_id=CREATOR,
        shard=harness.given.shard,
    )
    assert harness.books.find_entry(FAN, KEY) == harness.given


def test_reverse_gift_repeat_returns_the_first_reversal(harness: OperatorHarness) -> None:
    first = harness.reverse()
    again = harness.reverse(actor="otto")
    assert (first.is_repeat, again.is_repeat, again.adjustment) == (False, True, first.adjustment)


def test_reverse_gift_with_a_second_key_is_a_conflict(harness: OperatorHarness) -> None:
    harness.reverse()
    with pytest.raises(IdempotencyConflict):
        harness.reverse(OTHER_ACT)
    assert harness.balance() == 100


@pytest.mark.parametrize(
    "of", [{"gift_id": uuid7_at(START, 99)}, {"user_id": "fan-2"}, {"gift_id": OTHER_ACT}], ids=str
)
def test_reverse_gift_of_anything_else_raises_not_found(harness: OperatorHarness, of: dict[str, str]) -> None:
    harness.grant(OTHER_ACT)
    before = harness.everything()
    with pytest.raises(NotFound):
        harness.reverse(**of)
    assert harness.everything() == before


@pytest.mark.parametrize("user_id", ["", "a#b", "u" * 129])
def test_act_on_an_invalid_user_names_the_field(harness: OperatorHarness, user_id: str) -> None:
    for act in (harness.reverse, harness.freeze):
        with pytest.raises(InvalidField) as refused:
            act(user_id=user_id)
        assert refused.value.extensions["field"] == "user_id"


# --- freezes ----------------------------------------------------------------------------------------------------------


def test_freeze_wallet_blocks_spending_until_thawed(harness: OperatorHarness) -> None:
    harness.freeze()
    with pytest.raises(WalletFrozen):
        harness.send(gift_id=OTHER_ACT)
    harness.freeze(uuid7_at(START, 72), is_frozen=False)
    assert not harness.send(gift_id=OTHER_ACT).is_repeat
    assert [(freeze.is_frozen, freeze.actor) for freeze in harness.fake.freezes.values()] == [
        (True, "olga"),
        (False, "olga"),
    ]


def test_freeze_wallet_late_repeat_does_not_freeze_again(harness: OperatorHarness) -> None:
    harness.freeze()
    harness.freeze(OTHER_ACT, is_frozen=False)
    harness.freeze()
    assert harness.books.frozen == set()


@pytest.mark.parametrize("other", [{"user_id": "fan-2"}, {"is_frozen": False}], ids=str)
def test_freeze_wallet_key_of_another_request_is_a_conflict(harness: OperatorHarness, other: dict[str, Any]) -> None:
    harness.freeze()
    with pytest.raises(IdempotencyConflict):
        harness.freeze(**other)
    assert harness.books.frozen == {FAN}


def test_freeze_wallet_of_a_fan_without_a_wallet_blocks_spending(harness: OperatorHarness) -> None:
    harness.freeze(user_id="fan-2")
    with pytest.raises(WalletFrozen):
        harness.send(user_id="fan-2")


# --- settlements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "coins"), [("credit", 135), ("refuse", 65)])
def test_settle_review_records_the_settlement(harness: OperatorHarness, decision: Decision, coins: int) -> None:
    review = harness.settle(decision, reason="the position is there")
    assert review.settlement == Settlement(
        key=ACT, decision=decision, reason="the position is there", actor="olga", settled_at=START
    )
    assert harness.books.reviews[PAYMENT] == review
    assert harness.balance() == coins


@pytest.mark.parametrize("decision", ["credit", "refuse"])
def test_settle_review_repeat_returns_the_first_settlement(harness: OperatorHarness, decision: Decision) -> None:
    first = harness.settle(decision)
    assert harness.settle(decision, reason="in other words") == first


@pytest.mark.parametrize("decision", ["credit", "refuse"])
@pytest.mark.parametrize(("then", "key"), [("credit", OTHER_ACT), ("refuse", OTHER_ACT), ("other", ACT)])
def test_settle_review_of_a_settled_one_is_a_conflict(
    harness: OperatorHarness, decision: Decision, then: Any, key: str
) -> None:
    harness.settle(decision)
    done = harness.everything()
    otherwise: dict[str, Decision] = {"credit": "refuse", "refuse": "credit"}
    with pytest.raises(IdempotencyConflict):
        harness.settle(otherwise[decision] if then == "other" else then, key)
    assert harness.everything() == done


def test_settle_review_takes_the_payment_and_ignores_the_month(harness: OperatorHarness) -> None:
    before = harness.everything()
    with pytest.raises(NotFound):
        harness.settle(payment_id="pi_unknown")
    assert harness.everything() == before
    assert harness.settle(month="2025-10").settlement
