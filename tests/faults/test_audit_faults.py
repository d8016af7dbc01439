"""The audit finds what is wrong whatever fails at any of its calls, and is then up to date."""

from contextlib import suppress
from functools import cache

import pytest

from chalicelib.domain.journal import place_of
from chalicelib.domain.totals import Mismatch
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import Limits, audit_ledger
from tests.fakes import START
from tests.faults.fault_plan import Fault, FaultPlan, Killed
from tests.faults.scenarios import busy_hour, given
from tests.faults.simulated_system import SimulatedSystem

pytestmark = pytest.mark.usefixtures("quiet")

WRONG = {"wallet/fan-1", "creator/creator-1/0"}
ROUNDS = 6
LIMITS = Limits(lines=2, short=1, piece=2)


def tampered(plan: FaultPlan) -> SimulatedSystem:
    """Build a system whose wallet and shard have a coin too much after an hour."""
    system = SimulatedSystem(plan)
    busy_hour(system)
    given(system, "rose")
    system.stream()
    system.advance(75)
    given(system, "rose")
    system.stream()
    tamper(system, 1)
    return system


def tamper(system: SimulatedSystem, coins: int) -> None:
    system.fake_ledger.coins["fan-1"] += coins
    for (creator_id, shard), state in system.fake_ledger.shards.items():
        if f"creator/{creator_id}/{shard}" in WRONG:
            state.coins += coins


def audit(system: SimulatedSystem, plan: FaultPlan) -> list[Mismatch]:
    """Run the audit until a run meets no fault, 20 minutes apart. Returns what each run returned or logged."""
    found: list[Mismatch] = []
    for _ in range(ROUNDS):
        injected = plan.injected
        with suppress(TryAgain, Killed):
            found += audit_ledger(system, [0], LIMITS).mismatches
        plan.finish_delayed()
        system.advance(20)
        if plan.injected == injected:
            return found
    raise AssertionError("It never ends.")


@cache
def calls() -> int:
    plan = FaultPlan()
    system = tampered(plan)
    plan.start({})
    audit(system, plan)
    return len(plan.calls)


def breaches(number: int, fault: Fault) -> list[str]:
    plan = FaultPlan()
    system = tampered(plan)
    plan.start({number: fault})
    audit(system, plan)
    known = {what for part in system.fake_positions.parked.values() for what in part}
    found = {mismatch.what for mismatch in audit(system, plan)} | known
    tamper(system, -1)
    system.advance(7 * 60)
    again = [mismatch.what for mismatch in audit(system, plan)]
    left = [what for part in system.fake_positions.parked.values() for what in part]
    place = system.fake_positions.places["audit", "00"]
    is_checked = not any(each.is_parked for each in system.fake_totals.wallet_sums.values())
    is_ahead = place > place_of(START) and is_checked
    return [] if (found >= WRONG, again, left, is_ahead) == (True, [], [], True) else [f"{number}:{fault.name}"]


def test_audit_finds_what_is_wrong_whichever_call_fails() -> None:
    """Each call has one of the faults, in turn. `make faults` has all."""
    faults = list(Fault)
    assert calls() > 30
    assert [found for number in range(calls()) for found in breaches(number, faults[number % len(faults)])] == []
