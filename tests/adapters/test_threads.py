"""Threads for calls side by side."""

from collections.abc import Callable
from threading import Barrier, Lock, get_ident

import pytest

from chalicelib.adapters.threads import ThreadPool

THREADS = 25


def test_threads_call_as_many_as_allowed_at_once_and_keep_the_order() -> None:
    # Each call waits until all threads have one: with fewer at once, none would return.
    meeting, lock, used = Barrier(THREADS, timeout=30), Lock(), set[int]()

    def act(thing: int) -> int:
        meeting.wait()
        with lock:
            used.add(get_ident())
        return thing * 2

    things = list(range(4 * THREADS))
    assert ThreadPool(THREADS).map(act, things) == [2 * thing for thing in things]
    assert len(used) == THREADS


@pytest.mark.parametrize("things", [[], [1]])
def test_threads_are_not_started_for_one_call(things: list[int]) -> None:
    assert ThreadPool(THREADS).map(lambda _: get_ident(), things) == [get_ident()] * len(things)


def test_threads_finish_the_other_calls_before_an_error_is_raised() -> None:
    done: list[int] = []
    acts: list[Callable[[], object]] = [lambda: 1 // 0, lambda: done.append(1), lambda: done.append(2)]
    with pytest.raises(ZeroDivisionError):
        ThreadPool(THREADS).map(lambda act: act(), acts)
    assert sorted(done) == [1, 2]
