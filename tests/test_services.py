"""Stack memory of the init phase."""

from resource import RUSAGE_SELF, getrusage

from chalicelib.services import with_stack_memory

DEPTHS, CALLS = 150, 200
"""More frames than a chunk of 16 KB holds, and calls at each depth."""


def test_with_stack_memory_maps_no_memory_for_calls_at_any_depth() -> None:
    faults: list[int] = []

    def descend(depth: int) -> None:
        before = getrusage(RUSAGE_SELF).ru_minflt
        for _ in range(CALLS):
            _leaf()
        faults.append(getrusage(RUSAGE_SELF).ru_minflt - before)
        if depth:
            descend(depth - 1)

    with_stack_memory(lambda: descend(DEPTHS))
    assert max(faults) < CALLS / 2


def _leaf() -> None:
    """Need a frame that is larger than those of its callers, so that it is the one that does not fit."""


_leaf.__code__ = _leaf.__code__.replace(co_stacksize=100)
