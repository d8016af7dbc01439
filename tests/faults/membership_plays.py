"""Plays about memberships: joining, months paid, unpaid or late, refunds, and the end."""

from typing import Final

from tests.faults.play import Play, hearing
from tests.faults.town import Town


def joined(town: Town, fan: str = "fan-1") -> str:
    """Request a membership. Returns its key."""
    key = town.key()
    town.join(key, fan)
    return key


def _join(town: Town) -> None:
    town.plot = joined(town)


def _member(town: Town) -> None:
    _join(town)
    town.hear(town.billing.start(town.plot))


def _unpaid(town: Town) -> None:
    _member(town)
    town.hear(town.billing.fail(town.plot))


def _joining(*, known: bool = False) -> Play:
    def arrange(town: Town) -> None:
        town.plot = joined(town) if known else town.key()

    return Play("join" + (" again" if known else ""), arrange, lambda town: town.join(town.plot))


MEMBERSHIPS: Final = [
    _joining(),
    _joining(known=True),
    hearing("a first month", _join, lambda town, key: town.billing.start(key)),
    hearing("a renewal", _member, lambda town, key: town.billing.renew(key)),
    hearing("a renewal that failed", _member, lambda town, key: town.billing.fail(key)),
    hearing("a renewal that is paid late", _unpaid, lambda town, key: town.billing.pay_late(key)),
    hearing("a month that costs something else", _member, lambda town, key: town.billing.bill_wrongly(key)),
    hearing("an end", _member, lambda town, key: town.billing.cancel(key)),
    hearing("an end before any month", _join, lambda town, key: town.billing.start(key),
             lambda town, key: town.billing.cancel(key)),
    hearing("a month's refund", _member, lambda town, key: town.billing.refund(key, 1)),
    hearing("a month's refund before the month", _join, lambda town, key: town.billing.start(key),
             lambda town, key: town.billing.refund(key, 1, 200)),
]  # fmt: skip
