"""Scenarios of the audit in which every call is made to fail."""

from typing import Final

from chalicelib.usecases.audit import audit_ledger
from tests.faults.scenario import Scenario
from tests.faults.scenarios import busy_hour, given
from tests.faults.simulated_system import SimulatedSystem


def _hour_over(system: SimulatedSystem) -> None:
    """Let an hour pass after which the fan gave again, so that the wallet has moved on."""
    busy_hour(system)
    system.stream()
    system.advance(75)
    given(system)
    system.stream()


def _audit_tampered(system: SimulatedSystem) -> None:
    """Audit while the wallet has a coin too much, so that it is set aside."""
    system.fake_ledger.coins["fan-1"] += 1
    try:
        audit_ledger(system, system.shards)
    finally:
        system.fake_ledger.coins["fan-1"] -= 1


def _set_aside(system: SimulatedSystem) -> None:
    _hour_over(system)
    _audit_tampered(system)
    system.advance(15)


AUDITS: Final = [
    Scenario("audit", _hour_over, _audit_tampered, is_repair=True),
    Scenario("audit what was set aside", _set_aside, SimulatedSystem.audit, is_repair=True),
]
