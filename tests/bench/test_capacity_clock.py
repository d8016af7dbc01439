"""Virtual time of the capacity simulation."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.bench.capacity.cloud import Bucket
from tests.bench.capacity.simulation import Processor, Simulation, VirtualClock, VirtualThreads
from tests.fakes import START


@pytest.fixture
def simulation() -> Simulation:
    return Simulation()


def test_tasks_run_in_the_order_of_their_times(simulation: Simulation) -> None:
    seen: list[tuple[str, float]] = []

    def work(name: str, pause: float) -> None:
        for _ in range(2):
            simulation.sleep(pause)
            seen.append((name, simulation.seconds))

    simulation.start(lambda: work("slow", 3.0))
    simulation.start(lambda: work("fast", 2.0))
    simulation.run()
    assert seen == [("fast", 2.0), ("slow", 3.0), ("fast", 4.0), ("slow", 6.0)]


def test_run_until_a_time_leaves_what_is_later(simulation: Simulation) -> None:
    task = simulation.start(lambda: simulation.sleep(5.0))
    simulation.run(until=4.0)
    assert (task.is_over, simulation.seconds) == (False, 4.0)
    simulation.run()
    assert (task.is_over, simulation.seconds) == (True, 5.0)


def test_sleep_without_a_task_moves_the_clock(simulation: Simulation) -> None:
    clock = VirtualClock(simulation)
    simulation.sleep(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)
    assert clock.new_id() < clock.new_id()
    clock.wait_until(START + timedelta(seconds=3))
    clock.wait_until(START)
    assert clock.now() == START + timedelta(seconds=3)


@pytest.mark.parametrize(("threads", "seconds"), [(1, 10.0), (2, 6.0), (4, 4.0), (25, 4.0)])
def test_threads_take_as_long_as_the_busiest_one(simulation: Simulation, threads: int, seconds: float) -> None:
    task = simulation.start(lambda: VirtualThreads(simulation, threads).map(_slept(simulation), [1.0, 2.0, 3.0, 4.0]))
    simulation.run()
    assert task.result == [2.0, 4.0, 6.0, 8.0]
    assert simulation.seconds == seconds


def test_threads_raise_the_first_error_after_all_have_ended(simulation: Simulation) -> None:
    def handle(item: float) -> None:
        simulation.sleep(item)
        if item < 3:
            raise ValueError(item)

    task = simulation.start(lambda: VirtualThreads(simulation, 4).map(handle, [2.0, 1.0, 3.0]))
    with pytest.raises(ValueError, match=r"2\.0"):
        simulation.run()
    assert (str(task.error), simulation.seconds) == ("2.0", 3.0)


def test_threads_of_one_function_compute_one_after_the_other(simulation: Simulation) -> None:
    processor = Processor(share=0.5)

    def work() -> float:
        simulation.compute(1.0)
        return simulation.seconds

    tasks = [simulation.start(work, processor) for _ in range(3)] + [simulation.start(work, Processor())]
    simulation.run()
    assert [task.result for task in tasks] == [2.0, 4.0, 6.0, 1.0]
    assert processor.busy == 6.0


def test_bucket_grants_the_rate_and_keeps_one_second_at_most() -> None:
    bucket = Bucket(10)
    assert [bucket.takes(9, 0.0), bucket.takes(9, 0.0), bucket.takes(1, 0.0)] == [True, True, False]
    assert [bucket.takes(1, 0.7), bucket.takes(1, 0.9)] == [False, True]
    assert [bucket.takes(9, 100.0), bucket.takes(2, 100.0), bucket.takes(1, 100.0)] == [True, True, False]


def _slept(simulation: Simulation) -> Callable[[float], float]:
    def handle(item: float) -> float:
        simulation.sleep(item)
        return 2 * item

    return handle
