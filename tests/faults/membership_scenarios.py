"""Scenarios for memberships: joining, months paid, unpaid or late, refunds, and the end."""

from typing import Final

from tests.faults.scenario import Scenario, webhook
from tests.faults.simulated_system import SimulatedSystem


def joined(system: SimulatedSystem, fan: str = "fan-1") -> str:
    """Request a membership. Returns its key."""
    key = system.key()
    system.join(key, fan)
    return key


def _join(system: SimulatedSystem) -> None:
    system.current_key = joined(system)


def _member(system: SimulatedSystem) -> None:
    _join(system)
    system.deliver(system.billing.start(system.current_key))


def _unpaid(system: SimulatedSystem) -> None:
    _member(system)
    system.deliver(system.billing.fail(system.current_key))


def _ended(system: SimulatedSystem) -> None:
    _member(system)
    system.deliver(system.billing.cancel(system.current_key))


def _joining(*, known: bool = False) -> Scenario:
    def arrange(system: SimulatedSystem) -> None:
        system.current_key = joined(system) if known else system.key()

    return Scenario("join" + (" again" if known else ""), arrange, lambda system: system.join(system.current_key))


def without_customer(system: SimulatedSystem) -> None:
    """Delete the fan's customer at the provider."""
    system.current_key = system.key()
    system.billing.gone.add(system.fake_memberships.keep_customer("fan-1", "cus_gone"))


MEMBERSHIPS: Final = [
    _joining(),
    Scenario("join for a customer who is gone", without_customer, lambda system: system.join(system.current_key)),
    _joining(known=True),
    webhook("a membership's session that expired", _join, lambda system, key: system.billing.expire(key)),
    webhook("a first month", _join, lambda system, key: system.billing.start(key)),
    webhook("a renewal", _member, lambda system, key: system.billing.renew(key)),
    webhook("a renewal that failed", _member, lambda system, key: system.billing.fail(key)),
    webhook("a renewal that is paid late", _unpaid, lambda system, key: system.billing.pay_late(key)),
    webhook("a month that costs something else", _member, lambda system, key: system.billing.bill_wrongly(key)),
    webhook("a refund of such a month", _member,
            lambda system, key: system.billing.bill_wrongly(key),
            lambda system, key: system.billing.refund(key, 2, 999)),
    webhook("an end", _member, lambda system, key: system.billing.cancel(key)),
    webhook("an end before any month", _join, lambda system, key: system.billing.start(key),
            lambda system, key: system.billing.cancel(key)),
    webhook("a month after the end", _ended, lambda system, key: system.billing.renew(key)),
    webhook("a month's refund", _member, lambda system, key: system.billing.refund(key, 1)),
    webhook("a month's refund before the month", _join, lambda system, key: system.billing.start(key),
            lambda system, key: system.billing.refund(key, 1, 200)),
]  # fmt: skip
