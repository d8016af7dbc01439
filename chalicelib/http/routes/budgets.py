"""What fans decide about their own spending."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.domain.ids import iso
from chalicelib.http import routing
from chalicelib.http.responses import Answer, made
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import budgets
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.queries import read_budget

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/budgets", gives=budgets.BudgetAnswer)
def get_budgets(ask: Ask[None]) -> Answer:
    """The caller's limits, and what is left of them."""
    return _budget(ask)


@api.route("PUT", "/v1/budgets", takes=budgets.BudgetRequest, gives=budgets.BudgetAnswer)
def put_budgets(ask: Ask[budgets.BudgetRequest]) -> Answer:
    """Set limits: what is stricter holds at once, the rest a day later."""
    set_budget(ask.fan, budgets.limits(ask.body), ledger=services.ledger(), clock=services.clock())
    return _budget(ask)


@api.route("POST", "/v1/self-exclusions", takes=budgets.ExclusionRequest, gives=budgets.ExclusionAnswer)
def post_self_exclusion(ask: Ask[budgets.ExclusionRequest]) -> Answer:
    """Shut oneself out from spending, which cannot be undone early."""
    excluded = exclude_fan(ask.fan, ask.key, ask.body.days, ledger=services.ledger(), clock=services.clock())
    answer = budgets.ExclusionAnswer(excluded_until=iso(excluded.until))
    return made(answer, is_repeat=excluded.is_repeat)


def _budget(ask: Ask[Any]) -> Answer:
    return Answer(body=budgets.budget(read_budget(ask.fan, ledger=services.ledger(), clock=services.clock())))
