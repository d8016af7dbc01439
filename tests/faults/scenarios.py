"""The scenarios in which every call is made to fail."""

from typing import Any, Final

from chalicelib.domain.entries import EntryRef
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.work import park_item
from chalicelib.usecases.reconcile import PART
from tests.fakes import START
from tests.faults.membership_scenarios import MEMBERSHIPS, joined
from tests.faults.scenario import Scenario, Step, webhook
from tests.faults.simulated_system import SWEEP, SimulatedSystem


def opened(system: SimulatedSystem, fan: str = "fan-1") -> str:
    """Open a checkout. Returns its key."""
    key = system.key()
    system.open(key, fan)
    return key


def bought(system: SimulatedSystem, fan: str = "fan-1") -> str:
    """Pay and credit a purchase. Returns its key."""
    key = opened(system, fan)
    system.deliver(system.queue_webhook(system.provider.pay(key)))
    return key


def given(system: SimulatedSystem, item_id: str = "cake", **wish: Any) -> str:
    key = system.key()
    system.send(key, item_id, **wish)
    return key


def _relay_all(system: SimulatedSystem) -> None:
    """Relay every entry posted so far."""
    system.stream()


# --- fans -------------------------------------------------------------------------------------------------------------


def _opening(*, known: bool = False, stale: bool = False) -> Scenario:
    def arrange(system: SimulatedSystem) -> None:
        system.current_key = opened(system) if known else system.key()
        if stale:
            system.a_day_later()

    name = "open a checkout" + (" again" if known else "") + (" with an old key" if stale else "")
    return Scenario(name, arrange, lambda system: system.open(system.current_key))


def _giving(item_id: str = "cake", *, known: bool = False, stale: bool = False, anonymous: bool = False) -> Scenario:
    def arrange(system: SimulatedSystem) -> None:
        bought(system)
        system.current_key = given(system, item_id, anonymous=anonymous) if known else system.key()
        _relay_all(system)
        if stale:
            system.a_day_later()

    words = [f"send a {item_id}", "again" if known else "", "with an old key" if stale else ""]
    words.append("anonymously" if anonymous else "")
    return Scenario(
        " ".join(filter(None, words)),
        arrange,
        lambda system: system.send(system.current_key, item_id, anonymous=anonymous),
    )


def _late(system: SimulatedSystem) -> None:
    """Pay a purchase whose webhook arrives after the fan has looked for the coins."""
    system.current_key = opened(system)
    system.queue_webhook(system.provider.pay(system.current_key))
    system.advance(1)


FANS: Final = [
    Scenario("read a purchase whose webhook is late", _late, lambda system: system.read(system.current_key)),
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


def _open(system: SimulatedSystem) -> None:
    system.current_key = opened(system)


def _buy(system: SimulatedSystem) -> None:
    system.current_key = bought(system)


def _buy_and_spend(system: SimulatedSystem) -> None:
    system.current_key = bought(system)
    given(system)
    given(system)


def _submitted(system: SimulatedSystem) -> None:
    system.current_key = opened(system)
    system.deliver(system.provider.submit(system.current_key))


def _refunded(status: str, amount_minor: int = 74) -> Step:
    def happened(system: SimulatedSystem) -> None:
        _buy(system)
        system.deliver(system.provider.refund(f"pi_{system.current_key}", amount_minor, status))

    return happened


def _disputed(status: str) -> Step:
    def happened(system: SimulatedSystem) -> None:
        _buy(system)
        system.deliver(system.provider.dispute(f"pi_{system.current_key}", status))

    return happened


def _paid_twice(system: SimulatedSystem) -> None:
    _buy(system)
    system.deliver(system.provider.pay(system.current_key, again="-again"))


def _second_refunded(system: SimulatedSystem) -> None:
    _paid_twice(system)
    system.deliver(system.provider.refund(f"pi_{system.current_key}-again", 74, "pending"))


PROVIDER: Final = [
    webhook("a payment", _open, lambda system, key: system.provider.pay(key)),
    webhook("a bank debit", _open, lambda system, key: system.provider.submit(key)),
    webhook("a bank debit that arrived", _submitted, lambda system, key: system.provider.arrive(key)),
    webhook("a bank debit that bounced", _submitted, lambda system, key: system.provider.bounce(key)),
    webhook("a session that expired", _open, lambda system, key: system.provider.expire(key)),
    webhook("a payment after all", _submitted, lambda system, key: system.provider.bounce(key),
            lambda system, key: system.provider.arrive(key)),
    webhook("a second payment", _buy, lambda system, key: system.provider.pay(key, again="-again")),
    webhook("a refund of half", _buy, lambda system, key: system.provider.refund(f"pi_{key}", 37)),
    webhook("a refund of coins that are spent", _buy_and_spend,
            lambda system, key: system.provider.refund(f"pi_{key}", 74)),
    webhook("a refund before the payment", _open, lambda system, key: system.provider.pay(key),
            lambda system, key: system.provider.refund(f"pi_{key}", 30)),
    webhook("a refund that failed", _refunded("pending"),
            lambda system, key: system.provider.refund_becomes(f"pi_{key}", "failed")),
    webhook("a refund that succeeded", _refunded("pending", 30),
            lambda system, key: system.provider.refund_becomes(f"pi_{key}", "succeeded")),
    webhook("a dispute", _buy, lambda system, key: system.provider.dispute(f"pi_{key}")),
    webhook("a dispute of the rest", _refunded("succeeded", 30),
            lambda system, key: system.provider.dispute(f"pi_{key}")),
    webhook("a dispute that is lost", _disputed("needs_response"),
            lambda system, key: system.provider.dispute_becomes(f"pi_{key}", "lost")),
    webhook("a dispute that is won", _disputed("needs_response"),
            lambda system, key: system.provider.dispute_becomes(f"pi_{key}", "won")),
    webhook("a second payment's refund", _paid_twice,
            lambda system, key: system.provider.refund(f"pi_{key}-again", 74)),
    webhook("a second payment's refund that failed", _second_refunded,
            lambda system, key: system.provider.refund_becomes(f"pi_{key}-again", "failed")),
]  # fmt: skip

# --- operators --------------------------------------------------------------------------------------------------------


def _to_reverse(system: SimulatedSystem) -> None:
    _buy(system)
    system.current_key, system.about = system.key(), given(system)


def _to_settle(system: SimulatedSystem) -> None:
    _paid_twice(system)
    system.current_key, system.about = system.key(), f"pi_{system.current_key}-again"


def _to_thaw(system: SimulatedSystem) -> None:
    _buy(system)
    system.freeze(system.key(), is_frozen=True)
    system.current_key = system.key()


def _with_key(system: SimulatedSystem) -> None:
    _buy(system)
    system.current_key = system.key()


OPERATORS: Final = [
    Scenario("grant coins", _with_key, lambda system: system.grant(system.current_key)),
    Scenario("reverse a gift", _to_reverse, lambda system: system.reverse(system.current_key, system.about)),
    Scenario("freeze a wallet", _with_key, lambda system: system.freeze(system.current_key, is_frozen=True)),
    Scenario("thaw a wallet", _to_thaw, lambda system: system.freeze(system.current_key, is_frozen=False)),
    Scenario(
        "settle a review with coins",
        _to_settle,
        lambda system: system.settle(system.current_key, system.about, "credit"),
    ),
    Scenario(
        "settle a review without", _to_settle, lambda system: system.settle(system.current_key, system.about, "refuse")
    ),
]

# --- workers ----------------------------------------------------------------------------------------------------------


def busy_hour(system: SimulatedSystem) -> None:
    """Post a purchase, three gifts in two shards, one reversal and a clawback: one of each kind to relay."""
    key = bought(system)
    first = given(system)
    given(system, "rose", anonymous=True)
    given(system, "rose")
    system.reverse(system.key(), first)
    system.deliver(system.queue_webhook(system.provider.refund(f"pi_{key}", 20)))


def _unreadable(system: SimulatedSystem) -> None:
    _buy(system)
    system.read_stream()
    system.records.append(PostedRecord(record_id="r", ref=EntryRef(user_id="fan-1", entry_id="odd"), entry=None))
    system.spent.append(BudgetRecord(record_id="b", user_id="fan-1", old=None, new=None))
    system.spent_at["b"] = system.clock.now()


def _lost(system: SimulatedSystem) -> None:
    busy_hour(system)
    system.lose_the_stream()
    system.advance(20)


def _half_done(system: SimulatedSystem) -> None:
    """Lose the stream after a relay that was killed before its messages, with an entry that a sweep has parked."""
    _lost(system)
    received, parked, *_ = [entry for entry in system.facts.values() if isinstance(entry, Gift)]
    system.fake_ledger.receive_gifts(received.creator_id, received.shard, [received], "killed")
    ref = EntryRef(user_id=parked.user_id, entry_id=parked.entry_id)
    system.fake_positions.park(SWEEP, park_item(ref.name, "not_relayed", START))


def _unheard(system: SimulatedSystem) -> None:
    """Drop every undelivered webhook."""
    paid, submitted, refunded = opened(system), opened(system, "fan-2"), bought(system, "fan-3")
    system.provider.pay(paid)
    system.provider.submit(submitted)
    system.provider.refund(f"pi_{refunded}", 40)
    member = joined(system, "fan-4")
    system.billing.start(member)
    system.billing.renew(member)
    system.billing.cancel(member)
    system.advance(15)


def _set_aside(system: SimulatedSystem) -> None:
    """Set the event of an undelivered webhook aside, as a run does that could not handle it."""
    lost = system.provider.pay(opened(system))
    system.fake_positions.park(PART, park_item(lost.stripe_event_id, "try_again", system.clock.now()))
    system.advance(15)


def _superseded(system: SimulatedSystem) -> None:
    """Post a purchase by a payment in review."""
    key = opened(system)
    system.deliver(system.provider.pay_oddly(key))
    system.deliver(system.provider.complete(key))


WORKERS: Final = [
    Scenario("count a review that is superseded", _superseded, SimulatedSystem.audit),
    Scenario("relay", busy_hour, SimulatedSystem.stream),
    Scenario("relay what cannot be read", _unreadable, SimulatedSystem.stream),
    Scenario("sweep", _lost, SimulatedSystem.sweep, is_repair=True),
    Scenario("sweep what is half done", _half_done, SimulatedSystem.sweep, is_repair=True),
    Scenario("redrive", _lost, SimulatedSystem.redrive, is_repair=True),
    Scenario("reconcile", _unheard, SimulatedSystem.reconcile, is_repair=True),
    Scenario("reconcile what was set aside", _set_aside, SimulatedSystem.reconcile, is_repair=True),
]

SCENARIOS: Final = [*FANS, *PROVIDER, *MEMBERSHIPS, *OPERATORS, *WORKERS]
