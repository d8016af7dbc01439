import pytest

from chalicelib.domain.economy import CatalogueError
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.plans import Plan
from chalicelib.errors import UnknownPlan
from tests.domain.builders import a_catalogue, a_plan


@pytest.mark.parametrize(
    "plan",
    [a_plan("x" * 64), a_plan(coins=1), a_plan(coins=MAX_AMOUNT), a_plan(prices={"kwd": 10, "jpy": 1, "isk": 100})],
)
def test_catalogue_accepts_valid_plans(plan: Plan) -> None:
    assert a_catalogue(plan).memberships == {plan.plan_id: plan}


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (a_plan("a b"), "1-64 characters"),
        (a_plan(name=" "), "not empty"),
        (a_plan(coins=0), "a whole number from 1 to"),
        (a_plan(coins=MAX_AMOUNT + 1), "a whole number from 1 to"),
        (a_plan(prices={}), "at least one currency"),
        (a_plan(prices={"xyz": 1}), "a lowercase ISO 4217 code"),
        (a_plan(prices={"usd": 0}), "a whole number from 1 to"),
        (a_plan(prices={"usd": 1, "kwd": 9}), "a multiple of 10"),
    ],
)
def test_catalogue_names_the_broken_rule_of_a_plan(plan: Plan, words: str) -> None:
    with pytest.raises(CatalogueError, match=words) as refused:
        a_catalogue(plan)
    assert plan.plan_id in str(refused.value)


def test_catalogue_plan_has_a_price_per_currency() -> None:
    assert a_catalogue().plan("coin_club", "usd") == (a_plan(), 499)


def test_catalogue_plans_lists_a_currency_smallest_first() -> None:
    large, small = a_plan("large", 900), a_plan("small", 90)
    elsewhere = a_plan("elsewhere", 5, prices={"eur": 1})
    catalogue = a_catalogue(large, elsewhere, small)
    assert catalogue.plans("usd") == [small, large]
    assert catalogue.plans("jpy") == []


@pytest.mark.parametrize(("plan_id", "currency"), [("coin_club", "eur"), ("moon_club", "usd"), ("", "")])
def test_catalogue_plan_in_another_currency_raises_unknown_plan(plan_id: str, currency: str) -> None:
    with pytest.raises(UnknownPlan):
        a_catalogue().plan(plan_id, currency)
