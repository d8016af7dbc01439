"""The sweep: entries that are certain, and entries that the stream lost."""

from datetime import timedelta
from itertools import islice
from typing import Final

from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.walks import Places
from chalicelib.domain.work import Part
from chalicelib.usecases.recovery import LATE_DELAY, SETTLE_DELAY, sweep
from tests.bench.capacity import measures
from tests.bench.capacity.functions import SimulatedCloud, simulated_cloud
from tests.bench.capacity.measures import OUTAGE, PERIOD, RATES, RUN, Capacity, Run, limit_of, measure, minutes_of_runs
from tests.bench.capacity.rows import fans, gift_at, mark_of, posted, received
from tests.fakes import START, uuid7_at

CREATORS: Final = 1_000
SHARDS: Final = 4
GIFTS_PER_FAN: Final = 3
_HOUR: Final = 3_600.0
DELAY: Final = SETTLE_DELAY.total_seconds()
LATE: Final = LATE_DELAY.total_seconds()


def sweep_capacity(entries: int) -> Capacity:
    """Measure both walks over certain entries, which is what the sweep holds, and the repair of lost ones.

    Lost entries come with an outage only, so their rate has no requirement but the time of the recovery.
    Rates of 1 and 10 a second are simulated whole, on one part. The others follow from the time of an entry.
    """
    certain, repair = passing_run(entries), repair_run(entries // 2)
    whole = [outage_minutes(rate) for rate in RATES[:2] if rate * OUTAGE <= 10 * entries * JOURNAL_SHARDS]
    limits = [limit_of(lambda: passing_run(entries // 8)), limit_of(lambda: repair_run(entries // 8))]
    scaled = [minutes_of_runs(rate, repair.each, certain.each, DELAY) for rate in RATES[len(whole) :]]
    return Capacity(
        worker="sweep",
        unit="entries/s",
        per_second=JOURNAL_SHARDS * RUN / PERIOD / certain.each,
        at_measured_cpu=JOURNAL_SHARDS * RUN / PERIOD * measures.at_measured_cpu(lambda: passing_run(entries)),
        limit=f"{limits[0]}; lost ones {JOURNAL_SHARDS * RUN / PERIOD / repair.each:,.0f}/s: {limits[1]}",
        recovery=[*whole, *scaled],
        messages=repair.messages / repair.items,
    )


def passing_run(entries: int) -> Run:
    """Pass entries that are certain: each once in the first walk and once in the late one."""
    with simulated_cloud() as cloud:
        for hour in range(2):
            post(cloud, entries, hour * LATE, is_received=True)
        begin(cloud, LATE + _HOUR + SETTLE_DELAY.total_seconds())
        return measure(cloud, entries, [lambda: sweep(cloud, [0])])


def repair_run(entries: int) -> Run:
    """Relay entries that the stream lost."""
    with simulated_cloud() as cloud:
        post(cloud, entries, LATE, is_received=False)
        begin(cloud, LATE + _HOUR + SETTLE_DELAY.total_seconds())
        run = measure(cloud, entries, [lambda: sweep(cloud, [0])])
        assert run.messages == entries, f"{run.messages} of {entries} entries published"
        return run


def outage_minutes(rate: int) -> float:
    """Simulate each run on one part after an hour in which nothing was relayed."""
    with simulated_cloud() as cloud:
        entries = rate * OUTAGE // JOURNAL_SHARDS
        post(cloud, entries, LATE, is_received=False)
        begin(cloud, LATE + OUTAGE)
        began = tick = cloud.simulation.seconds
        while True:
            measure(cloud, entries, [lambda: sweep(cloud, [0])])
            if cloud.messaging.published >= entries:
                return (cloud.simulation.seconds - began) / 60
            tick += PERIOD
            cloud.simulation.seconds = tick


def post(cloud: SimulatedCloud, entries: int, since: float, *, is_received: bool) -> None:
    """Post the entries of an hour in the first part of the journal."""
    people = list(islice(fans(0), entries // GIFTS_PER_FAN + 1))
    for number in range(entries):
        at = START + timedelta(seconds=since + number * _HOUR / entries)
        creator = f"creator-{number * 7 % CREATORS}"
        gift = gift_at(at, number, people[number % len(people)], creator, number // CREATORS % SHARDS)
        cloud.table.put(posted(gift))
        if is_received:
            run_id = uuid7_at(START + timedelta(seconds=since), number // 100)
            cloud.table.put(received(gift, number + 1, run_id))
            cloud.table.put(mark_of(run_id))
    cloud.table.records.clear()


def begin(cloud: SimulatedCloud, at: float) -> None:
    """Let the time be `at`, and the walks before the entries."""
    cloud.simulation.seconds = at
    places = Places(first=iso(START + timedelta(seconds=LATE)), late=iso(START))
    cloud.positions.rewind(Part(worker="sweep", name="00"), places.text)
