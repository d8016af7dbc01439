"""What operators do: each act once, under its key, with its reason, and nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.gifts import Gift
from chalicelib.domain.operators import Adjusted, Decision, GrantOrder
from chalicelib.domain.reviews import Review, Settlement
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound, TryAgain, WalletFrozen
from chalicelib.ports.operators import OperatorLedger
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift, settle_review
from tests.domain.builders import CREATOR, FAN, KEY, a_purchase, an_act
from tests.fake_operators import FakeOperators
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import PAYMENT, CheckoutHarness, a_stripe_event

ACT = uuid7_at(START, 70)
OTHER_ACT = uuid7_at(START, 71)
MONTH = f"{START:%Y-%m}"


class OperatorHarness(CheckoutHarness):
    """The harness of an operator. The fan has a hundred coins, has given a cake, and paid something odd."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeOperators(self.books)
        self.operators: OperatorLedger = self.recorder.over(self.fake)
        self.fund(100)
        self.given: Gift = self.send(item_id="cake").gift
        self.deliver(
            a_stripe_event(session=session_of(a_purchase(purchase_id=uuid7_at(START, 9)), payment_intent=PAYMENT))
        )

    def grant(self, key: str = ACT, user_id: str = FAN, coins: int = 70, **act: Any) -> Adjusted:
        order = GrantOrder(act=an_act(key=key, **act), user_id=user_id, coins=coins)
        return grant_coins(order, operators=self.operators, clock=self.clock)

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
            month, payment_id, decision, an_act(key=key, **act), operators=self.operators, clock=self.clock
        )

    def everything(self) -> tuple[object, ...]:
        return self.state(), dict(self.fake.freezes), dict(self.fake.reversed_by)


Deed = Callable[[OperatorHarness, str], object]
DEEDS: dict[str, Deed] = {
    "grant": lambda office, key: office.grant(key),
    "reverse": lambda office, key: office.reverse(key),
    "freeze": lambda office, key: office.freeze(key),
    "credit": lambda office, key: office.settle("credit", key),
    "refuse": lambda office, key: office.settle("refuse", key),
}
PORTS = {"grant": "grant", "reverse": "reverse_gift", "freeze": "freeze", "credit": "settle_review",
         "refuse": "settle_review"}  # fmt: skip


@pytest.fixture
def office() -> OperatorHarness:
    return OperatorHarness()


@pytest.mark.parametrize("deed", DEEDS)
def test_the_same_act_again_does_nothing(office: OperatorHarness, deed: str) -> None:
    DEEDS[deed](office, ACT)
    done = office.everything()
    office.clock.advance(timedelta(hours=1))
    for _ in range(3):
        DEEDS[deed](office, ACT)
        assert office.everything() == done


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("days", [-2, 2, 400])
def test_an_act_is_the_same_act_whenever_it_is_sent(office: OperatorHarness, deed: str, days: int) -> None:
    key = uuid7_at(START + timedelta(days=days), 1)
    DEEDS[deed](office, key)
    done = office.everything()
    DEEDS[deed](office, key)
    assert office.everything() == done


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
def test_an_act_whose_outcome_is_unknown_is_done_once(office: OperatorHarness, deed: str, fault: str) -> None:
    calm = OperatorHarness()
    DEEDS[deed](calm, ACT)
    getattr(office.recorder, fault)[PORTS[deed]] = TryAgain()
    with pytest.raises(TryAgain):
        DEEDS[deed](office, ACT)
    DEEDS[deed](office, ACT)
    assert office.balance() == calm.balance()
    assert office.books.frozen == calm.books.frozen
    assert len(office.books.entries[FAN]) == len(calm.books.entries[FAN])
    assert office.books.reviews == calm.books.reviews


@pytest.mark.parametrize("first", ["grant", "reverse", "credit"])
@pytest.mark.parametrize("second", ["grant", "reverse", "credit"])
def test_a_key_of_one_act_is_no_key_for_another(office: OperatorHarness, first: str, second: str) -> None:
    if first == second:
        return
    DEEDS[first](office, ACT)
    done = office.everything()
    with pytest.raises(IdempotencyConflict):
        DEEDS[second](office, ACT)
    assert office.everything() == done


# --- grants -----------------------------------------------------------------------------------------------------------


def test_granted_coins_are_in_the_wallet_with_who_gave_them_and_why(office: OperatorHarness) -> None:
    granted = office.grant(coins=500, reason="sorry for last night", actor="otto")
    adjustment = granted.adjustment
    assert not granted.is_repeat
    assert (adjustment.kind, adjustment.coins, adjustment.about) == (Kind.GRANT, 500, None)
    assert (adjustment.reason, adjustment.actor) == ("sorry for last night", "otto")
    assert office.books.entries[FAN][ACT] == adjustment
    assert office.balance() == 565


def test_a_repeated_grant_is_the_one_that_was_made(office: OperatorHarness) -> None:
    first = office.grant()
    again = office.grant(reason="told in other words")
    assert (again.adjustment, again.is_repeat) == (first.adjustment, True)


def test_a_grant_of_other_coins_needs_another_key(office: OperatorHarness) -> None:
    office.grant(coins=70)
    with pytest.raises(IdempotencyConflict):
        office.grant(coins=71)
    assert office.balance() == 135
    assert not office.grant(OTHER_ACT, coins=71).is_repeat


def test_a_fans_own_key_is_no_key_for_a_grant(office: OperatorHarness) -> None:
    with pytest.raises(IdempotencyConflict):
        office.grant(office.given.gift_id)


def test_a_key_names_another_grant_for_each_fan_even_one_without_a_wallet(office: OperatorHarness) -> None:
    assert [office.grant(user_id=fan).is_repeat for fan in ("fan-1", "fan-2")] == [False, False]
    assert office.books.coins["fan-2"] == 70


# --- reversals --------------------------------------------------------------------------------------------------------


def test_a_gift_taken_back_is_the_fans_again_and_counters_its_lane(office: OperatorHarness) -> None:
    reversal = office.reverse().adjustment
    assert office.balance() == 100
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
        shard=office.given.shard,
    )
    assert office.books.find_entry(FAN, KEY) == office.given


def test_a_repeated_reversal_is_the_one_that_was_made(office: OperatorHarness) -> None:
    first = office.reverse()
    again = office.reverse(actor="otto")
    assert (first.is_repeat, again.is_repeat, again.adjustment) == (False, True, first.adjustment)


def test_a_gift_is_taken_back_by_one_act_only(office: OperatorHarness) -> None:
    office.reverse()
    with pytest.raises(IdempotencyConflict):
        office.reverse(OTHER_ACT)
    assert office.balance() == 100


@pytest.mark.parametrize(
    "of", [{"gift_id": uuid7_at(START, 99)}, {"user_id": "fan-2"}, {"gift_id": OTHER_ACT}], ids=str
)
def test_what_is_no_gift_of_that_fan_cannot_be_taken_back(office: OperatorHarness, of: dict[str, str]) -> None:
    office.grant(OTHER_ACT)
    before = office.everything()
    with pytest.raises(NotFound):
        office.reverse(**of)
    assert office.everything() == before


@pytest.mark.parametrize("user_id", ["", "a#b", "u" * 129])
def test_what_can_be_no_fan_is_named(office: OperatorHarness, user_id: str) -> None:
    for deed in (office.reverse, office.freeze):
        with pytest.raises(InvalidField) as refused:
            deed(user_id=user_id)
        assert refused.value.extensions["field"] == "user_id"


# --- freezes ----------------------------------------------------------------------------------------------------------


def test_a_frozen_wallet_cannot_spend_until_it_is_thawed(office: OperatorHarness) -> None:
    office.freeze()
    with pytest.raises(WalletFrozen):
        office.send(gift_id=OTHER_ACT)
    office.freeze(uuid7_at(START, 72), is_frozen=False)
    assert not office.send(gift_id=OTHER_ACT).is_repeat
    assert [(freeze.is_frozen, freeze.actor) for freeze in office.fake.freezes.values()] == [
        (True, "olga"),
        (False, "olga"),
    ]


def test_a_late_repeat_of_a_freeze_does_not_freeze_again(office: OperatorHarness) -> None:
    office.freeze()
    office.freeze(OTHER_ACT, is_frozen=False)
    office.freeze()
    assert office.books.frozen == set()


@pytest.mark.parametrize("other", [{"user_id": "fan-2"}, {"is_frozen": False}], ids=str)
def test_a_freezes_key_names_one_wallet_and_one_wish(office: OperatorHarness, other: dict[str, Any]) -> None:
    office.freeze()
    with pytest.raises(IdempotencyConflict):
        office.freeze(**other)
    assert office.books.frozen == {FAN}


def test_a_fan_without_a_wallet_can_be_frozen(office: OperatorHarness) -> None:
    office.freeze(user_id="fan-2")
    with pytest.raises(WalletFrozen):
        office.send(user_id="fan-2")


# --- settlements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "coins"), [("credit", 135), ("refuse", 65)])
def test_a_review_is_settled_with_or_without_its_coins(office: OperatorHarness, decision: Decision, coins: int) -> None:
    review = office.settle(decision, reason="the position is there")
    assert review.settlement == Settlement(
        key=ACT, decision=decision, reason="the position is there", actor="olga", settled_at=START
    )
    assert office.books.reviews[PAYMENT] == review
    assert office.balance() == coins


def test_credited_coins_say_which_payment_they_settle(office: OperatorHarness) -> None:
    office.settle("credit")
    entry = office.books.entries[FAN][ACT]
    assert isinstance(entry, Adjustment)
    assert (entry.kind, entry.coins, entry.about, entry.actor) == (Kind.GRANT, 70, PAYMENT, "olga")


@pytest.mark.parametrize("decision", ["credit", "refuse"])
def test_a_repeated_settlement_is_the_one_that_was_made(office: OperatorHarness, decision: Decision) -> None:
    first = office.settle(decision)
    assert office.settle(decision, reason="in other words") == first


@pytest.mark.parametrize("decision", ["credit", "refuse"])
@pytest.mark.parametrize(("then", "key"), [("credit", OTHER_ACT), ("refuse", OTHER_ACT), ("other", ACT)])
def test_a_settled_review_is_settled_for_good(office: OperatorHarness, decision: Decision, then: Any, key: str) -> None:
    office.settle(decision)
    done = office.everything()
    otherwise: dict[str, Decision] = {"credit": "refuse", "refuse": "credit"}
    with pytest.raises(IdempotencyConflict):
        office.settle(otherwise[decision] if then == "other" else then, key)
    assert office.everything() == done


@pytest.mark.parametrize("of", [{"payment_id": "pi_unknown"}, {"month": "2026-10"}, {"month": "2027-11"}], ids=str)
def test_what_was_never_reviewed_cannot_be_settled(office: OperatorHarness, of: dict[str, str]) -> None:
    before = office.everything()
    with pytest.raises(NotFound):
        office.settle(**of)  # type: ignore[arg-type]  # each names its own parameter
    assert office.everything() == before
