"""What fans decide about their own spending."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import web, wiring
from chalicelib.answers import Answer, made
from chalicelib.domain.ids import iso
from chalicelib.routes import budget_schemas
from chalicelib.usecases.exclude_fan import exclude_fan
from chalicelib.usecases.read_budget import read_budget
from chalicelib.usecases.set_budget import set_budget
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/budgets", gives=budget_schemas.BudgetAnswer)
def get_budgets(ask: Ask[None]) -> Answer:
    """The caller's limits, and what is left of them."""
    return _budget(ask)


@api.route("PUT", "/v1/budgets", takes=budget_schemas.BudgetRequest, gives=budget_schemas.BudgetAnswer)
def put_budgets(ask: Ask[budget_schemas.BudgetRequest]) -> Answer:
    """Set limits: what is stricter holds at once, the rest a day later."""
    set_budget(ask.fan, budget_schemas.limits(ask.body), ledger=wiring.ledger(), clock=wiring.clock())
    return _budget(ask)


@api.route("POST", "/v1/self-exclusions", takes=budget_schemas.ExclusionRequest, gives=budget_schemas.ExclusionAnswer)
def post_self_exclusion(ask: Ask[budget_schemas.ExclusionRequest]) -> Answer:
    """Shut oneself out from spending, which cannot be undone early."""
    excluded = exclude_fan(ask.fan, ask.key, ask.body.days, ledger=wiring.ledger(), clock=wiring.clock())
    answer = budget_schemas.ExclusionAnswer(excluded_until=iso(excluded.until))
    return made(answer, is_repeat=excluded.is_repeat)


def _budget(ask: Ask[Any]) -> Answer:
    return Answer(body=budget_schemas.budget(read_budget(ask.fan, ledger=wiring.ledger(), clock=wiring.clock())))
