"""The plays in which every call is made to fail."""

from typing import Any, Final

from chalicelib.domain.journal import PostedRecord
from tests.faults.membership_plays import MEMBERSHIPS, joined
from tests.faults.play import Play, Step, hearing
from tests.faults.town import Town


def opened(town: Town, fan: str = "fan-1") -> str:
    """Open a checkout. Returns its key."""
    key = town.key()
    town.open(key, fan)
    return key


def bought(town: Town, fan: str = "fan-1") -> str:
    """Pay and credit a purchase. Returns its key."""
    key = opened(town, fan)
    town.hear(town.happens(town.provider.pay(key)))
    return key


def given(town: Town, item_id: str = "cake", **wish: Any) -> str:
    key = town.key()
    town.send(key, item_id, **wish)
    return key


def _calm(town: Town) -> None:
    """Relay every entry posted so far."""
    town.stream()


# --- fans -------------------------------------------------------------------------------------------------------------


def _opening(*, known: bool = False, stale: bool = False) -> Play:
    def arrange(town: Town) -> None:
        town.plot = opened(town) if known else town.key()
        if stale:
            town.a_day_later()

    name = "open a checkout" + (" again" if known else "") + (" with an old key" if stale else "")
    return Play(name, arrange, lambda town: town.open(town.plot))


def _giving(item_id: str = "cake", *, known: bool = False, stale: bool = False, anonymous: bool = False) -> Play:
    def arrange(town: Town) -> None:
        bought(town)
        town.plot = given(town, item_id, anonymous=anonymous) if known else town.key()
        _calm(town)
        if stale:
            town.a_day_later()

    words = [f"send a {item_id}", "again" if known else "", "with an old key" if stale else ""]
    words.append("anonymously" if anonymous else "")
    return Play(" ".join(filter(None, words)), arrange, lambda town: town.send(town.plot, item_id, anonymous=anonymous))


FANS: Final = [
    _opening(),
    _opening(known=True),
    _opening(known=True, stale=True),
    _giving(),
    _giving(anonymous=True),
    _giving(known=True),
    _giving(known=True, stale=True),
    _giving("moon"),
]

# --- the provider -----------------------------------------------------------------------------------------------------


def _open(town: Town) -> None:
    town.plot = opened(town)


def _buy(town: Town) -> None:
    town.plot = bought(town)


def _buy_and_spend(town: Town) -> None:
    town.plot = bought(town)
    given(town)
    given(town)


def _submitted(town: Town) -> None:
    town.plot = opened(town)
    town.hear(town.provider.submit(town.plot))


def _refunded(status: str, amount_minor: int = 74) -> Step:
    def happened(town: Town) -> None:
        _buy(town)
        town.hear(town.provider.refund(f"pi_{town.plot}", amount_minor, status))

    return happened


def _disputed(status: str) -> Step:
    def happened(town: Town) -> None:
        _buy(town)
        town.hear(town.provider.dispute(f"pi_{town.plot}", status))

    return happened


def _paid_twice(town: Town) -> None:
    _buy(town)
    town.hear(town.provider.pay(town.plot, again="-again"))


PROVIDER: Final = [
    hearing("a payment", _open, lambda town, key: town.provider.pay(key)),
    hearing("a bank debit", _open, lambda town, key: town.provider.submit(key)),
    hearing("a bank debit that arrived", _submitted, lambda town, key: town.provider.arrive(key)),
    hearing("a bank debit that bounced", _submitted, lambda town, key: town.provider.bounce(key)),
    hearing("a session that expired", _open, lambda town, key: town.provider.expire(key)),
    hearing("a payment after all", _submitted, lambda town, key: town.provider.bounce(key),
             lambda town, key: town.provider.arrive(key)),
    hearing("a second payment", _buy, lambda town, key: town.provider.pay(key, again="-again")),
    hearing("a refund of half", _buy, lambda town, key: town.provider.refund(f"pi_{key}", 37)),
    hearing("a refund of coins that are spent", _buy_and_spend,
             lambda town, key: town.provider.refund(f"pi_{key}", 74)),
    hearing("a refund before the payment", _open, lambda town, key: town.provider.pay(key),
             lambda town, key: town.provider.refund(f"pi_{key}", 30)),
    hearing("a refund that failed", _refunded("pending"),
             lambda town, key: town.provider.refund_becomes(f"pi_{key}", "failed")),
    hearing("a refund that succeeded", _refunded("pending", 30),
             lambda town, key: town.provider.refund_becomes(f"pi_{key}", "succeeded")),
    hearing("a dispute", _buy, lambda town, key: town.provider.dispute(f"pi_{key}")),
    hearing("a dispute of the rest", _refunded("succeeded", 30),
             lambda town, key: town.provider.dispute(f"pi_{key}")),
    hearing("a dispute that is lost", _disputed("needs_response"),
             lambda town, key: town.provider.dispute_becomes(f"pi_{key}", "lost")),
    hearing("a dispute that is won", _disputed("needs_response"),
             lambda town, key: town.provider.dispute_becomes(f"pi_{key}", "won")),
    hearing("a second payment's refund", _paid_twice, lambda town, key: town.provider.refund(f"pi_{key}-again", 74)),
]  # fmt: skip

# --- operators --------------------------------------------------------------------------------------------------------


def _to_reverse(town: Town) -> None:
    _buy(town)
    town.plot, town.about = town.key(), given(town)


def _to_settle(town: Town) -> None:
    _paid_twice(town)
    town.plot, town.about = town.key(), f"pi_{town.plot}-again"


def _to_thaw(town: Town) -> None:
    _buy(town)
    town.freeze(town.key(), is_frozen=True)
    town.plot = town.key()


def _with_key(town: Town) -> None:
    _buy(town)
    town.plot = town.key()


OPERATORS: Final = [
    Play("grant coins", _with_key, lambda town: town.grant(town.plot)),
    Play("reverse a gift", _to_reverse, lambda town: town.reverse(town.plot, town.about)),
    Play("freeze a wallet", _with_key, lambda town: town.freeze(town.plot, is_frozen=True)),
    Play("thaw a wallet", _to_thaw, lambda town: town.freeze(town.plot, is_frozen=False)),
    Play("settle a review with coins", _to_settle, lambda town: town.settle(town.plot, town.about, "credit")),
    Play("settle a review without", _to_settle, lambda town: town.settle(town.plot, town.about, "refuse")),
]

# --- workers ----------------------------------------------------------------------------------------------------------


def busy_hour(town: Town) -> None:
    """Post a purchase, three gifts in two shards, one reversal and a clawback: one of each kind to relay."""
    key = bought(town)
    first = given(town)
    given(town, "rose", anonymous=True)
    given(town, "rose")
    town.reverse(town.key(), first)
    town.hear(town.happens(town.provider.refund(f"pi_{key}", 20)))


def _unreadable(town: Town) -> None:
    _buy(town)
    town.look()
    town.records.append(PostedRecord(record_id="r", keys={"PK": "WALLET#fan-1", "SK": "ENTRY#odd"}, entry=None))


def _lost(town: Town) -> None:
    busy_hour(town)
    town.lose_the_stream()
    town.advance(20)


def _given_up(town: Town) -> None:
    busy_hour(town)
    town.give_up_on_the_stream()


def _unheard(town: Town) -> None:
    """Drop every undelivered webhook."""
    paid, submitted, refunded = opened(town), opened(town, "fan-2"), bought(town, "fan-3")
    town.provider.pay(paid)
    town.provider.submit(submitted)
    town.provider.refund(f"pi_{refunded}", 40)
    member = joined(town, "fan-4")
    town.billing.start(member)
    town.billing.renew(member)
    town.billing.cancel(member)
    town.advance(15)


WORKERS: Final = [
    Play("relay", busy_hour, Town.stream),
    Play("relay what cannot be read", _unreadable, Town.stream),
    Play("sweep", _lost, Town.sweep, is_mending=True),
    Play("redrive", _given_up, Town.redrive, is_mending=True),
    Play("reconcile", _unheard, Town.reconcile, is_mending=True),
    Play("audit", busy_hour, Town.audit),
]

PLAYS: Final = [*FANS, *PROVIDER, *MEMBERSHIPS, *OPERATORS, *WORKERS]
