"""The audit: the wallets and creators' shards of an hour's entries, with checked sums of the hours before."""

from collections import defaultdict
from datetime import timedelta
from itertools import islice
from typing import Final

from chalicelib.adapters.dynamodb.keys import SHARD, SUM, WALLET, shard_key, shard_sum_key, wallet_key, wallet_sum_key
from chalicelib.adapters.dynamodb.models import ShardRow, SumRow, WalletRow
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.work import Part
from chalicelib.usecases.audit import audit_ledger
from chalicelib.usecases.recovery import SETTLE_DELAY
from tests.bench.capacity import measures
from tests.bench.capacity.functions import SimulatedCloud, simulated_cloud
from tests.bench.capacity.measures import PERIOD, RATES, RUN, Capacity, Run, limit_of, measure, minutes_of_runs
from tests.bench.capacity.rows import PRICE, fans, gift_at, item_of, posted, received
from tests.bench.capacity.sweep import CREATORS, GIFTS_PER_FAN, SHARDS
from tests.fakes import START

_HOUR: Final = 3_600.0
_DELAY: Final = SETTLE_DELAY.total_seconds()
"""The audit walks through an hour ten minutes after its end."""
_RESTLESS: Final = 3
"""Assumed: one fan of three gives in the next hour, too, so that the total is ahead of the lines."""
_FIRST: Final = 50
"""Assumed: one creator's shard of fifty has no checked sum yet; other parts checked the others in this hour."""


def audit_capacity(entries: int) -> Capacity:
    """Measure the audit of an hour in one part. Ten minutes after an outage of an hour it walks through it."""
    run = audit_run(entries, history=0)
    after = [minutes_of_runs(rate, run.each, run.each, 0.0) for rate in RATES]
    return Capacity(
        worker="audit",
        unit="entries/s",
        per_second=JOURNAL_SHARDS * RUN / PERIOD / run.each,
        at_measured_cpu=JOURNAL_SHARDS * RUN / PERIOD * measures.at_measured_cpu(lambda: audit_run(entries, history=0)),
        limit=limit_of(lambda: audit_run(entries // 4, history=0)),
        recovery=[None if minutes is None else _DELAY / 60 + minutes for minutes in after],
        messages=run.messages / run.items,
    )


def audit_run(entries: int, history: int) -> Run:
    """Audit an hour of the first part, whose wallets have a number of older entries each."""
    with simulated_cloud() as cloud:
        people = list(islice(fans(0), entries // GIFTS_PER_FAN + 1))
        gifts = [_gift(number, people[number % len(people)], entries) for number in range(entries)]
        later = [_gift(entries + number, fan, entries, 1.0) for number, fan in enumerate(people[::_RESTLESS])]
        older = [_gift(-1 - number, fan, entries) for number, fan in enumerate(people * history)]
        for gift in [*older, *gifts, *later]:
            cloud.table.put(posted(gift))
        _put_wallets(cloud, people, [*gifts, *later], history)
        _put_shards(cloud, gifts)
        cloud.positions.rewind(Part(worker="audit", name="00"), iso(START))
        cloud.simulation.seconds = _HOUR + _DELAY
        return measure(cloud, entries, [lambda: _audit(cloud)])


def _audit(cloud: SimulatedCloud) -> None:
    audited = audit_ledger(cloud, [0])
    assert (len(audited.mismatches), audited.parked, audited.undecided) == (0, 0, 0), audited


def _gift(number: int, fan: str, entries: int, hour: float = 0.0) -> Gift:
    at = START + timedelta(seconds=hour * _HOUR + (number % entries) * _HOUR / entries)
    if number < 0:
        number = 10 * entries - number
        at = START - timedelta(days=30, seconds=number)
    return gift_at(at, number, fan, f"creator-{number * 7 % CREATORS}", number // CREATORS % SHARDS)


def _put_wallets(cloud: SimulatedCloud, people: list[str], gifts: list[Gift], history: int) -> None:
    """Store the wallets, and the sums that were checked before the hour."""
    spent: defaultdict[str, int] = defaultdict(int)
    for gift in gifts:
        spent[gift.user_id] += gift.price_coins
    before = -history * PRICE
    for fan in people:
        cloud.table.put(item_of(WalletRow(wallet_key(fan), WALLET, coins=before - spent[fan])))
        cloud.table.put(item_of(SumRow(wallet_sum_key(fan), SUM, coins=before, at=START - timedelta(seconds=1))))


def _put_shards(cloud: SimulatedCloud, gifts: list[Gift]) -> None:
    """Store what the creators received, and sums, most of which have all of it."""
    sequences: defaultdict[tuple[str, int], int] = defaultdict(int)
    for gift in gifts:
        name = gift.creator_id, gift.shard
        sequences[name] += 1
        cloud.table.put(received(gift, sequences[name], "run"))
    for number, ((creator, shard), sequence) in enumerate(sequences.items()):
        row = ShardRow(shard_key(creator, shard), SHARD, coins=sequence * PRICE, gifts=sequence, sequence=sequence)
        cloud.table.put(item_of(row))
        place = sequence if number % _FIRST else 0
        checked = SumRow(shard_sum_key(creator, shard), SUM, coins=place * PRICE, sequence=place)
        checked.at = START - timedelta(seconds=1)
        cloud.table.put(item_of(checked))
