"""Rows of the economy table in chalicelib/catalogues/README.md, built from the scenarios."""

from chalicelib.domain.money import EXPONENTS
from tests.e2e.scenario import Earn, Give, Scenario, Streak


def row(scenario: Scenario) -> list[str]:
    """Build a row: economy, bundle bought, gifts, tiers and streaks, the creator's earnings."""
    return [f"`{scenario.name}`", _bought(scenario), _gifts(scenario), _tiers_and_streaks(scenario), _earned(scenario)]


def _bought(scenario: Scenario) -> str:
    bundle = scenario.bought
    bonus = f", {bundle.bonus_coins} of them a bonus," if bundle.bonus_coins else ""
    return f"`{bundle.bundle_id}`: {bundle.coins:,} coins{bonus} for {_money(bundle.amount_minor, scenario.currency)}"


def _gifts(scenario: Scenario) -> str:
    gives = [step for step in scenario.steps if isinstance(step, Give)]
    parts = [_gift(give) for give in gives if "item_id" in give.request]
    parts += [
        f"{step.times} x `{step.item_id}` = {step.coins:,}" for step in scenario.steps if isinstance(step, Streak)
    ]
    parts += [f"cheer of {give.coins:,}{_anonymously(give)}" for give in gives if give.request.get("kind") == "cheer"]
    if chats := [give.coins for give in gives if give.color]:
        parts.append(f"{len(chats)} super chats = {sum(chats):,}")
    return "; ".join(parts)


def _gift(give: Give) -> str:
    return f"{give.request['quantity']} x `{give.request['item_id']}` = {give.coins:,}{_anonymously(give)}"


def _anonymously(give: Give) -> str:
    return ", anonymously" if give.request.get("anonymous") else ""


def _tiers_and_streaks(scenario: Scenario) -> str:
    parts = [
        f"streak: counts 1 to {step.times}, then its end with {step.coins:,} coins"
        for step in scenario.steps
        if isinstance(step, Streak)
    ]
    tiers: dict[str, list[Give]] = {}
    for step in scenario.steps:
        if isinstance(step, Give) and step.color:
            tiers.setdefault(step.color, []).append(step)
    parts += [_tier(color, gives) for color, gives in tiers.items()]
    return "; ".join(parts) or "none"


def _tier(color: str, gives: list[Give]) -> str:
    coins = sorted(give.coins for give in gives)
    extent = f"{coins[0]:,} to {coins[-1]:,}" if coins[0] < coins[-1] else f"{coins[0]:,}"
    return f"{extent} `{color}`" + (f", {gives[0].pin_seconds:,} s" if gives[0].pin_seconds else "")


def _earned(scenario: Scenario) -> str:
    return "; ".join(_share(step, scenario) for step in scenario.steps if isinstance(step, Earn))


def _share(step: Earn, scenario: Scenario) -> str:
    unit = scenario.unit if scenario.unit == "yen" else f"{scenario.unit}s"
    money = _money(step.amount_minor, scenario.creator_currency)
    suffix = "" if step.can_withdraw else ", not to be withdrawn yet"
    return f"{step.coins:,} coins = {step.units:,} {unit} = {money}{suffix}"


def _money(amount_minor: int, currency: str) -> str:
    digits = EXPONENTS[currency]
    return f"{amount_minor / 10**digits:,.{digits}f} {currency.upper()}"
