"""Random lives on the real adapters: the invariants hold after each step, and the coins equal the money at Stripe."""

import pytest

from tests.faults.lives.life import breaches_of

SEEDS = (0, 4, 9, 10, 11, 12, 16)
"""Together they find every bug of `planted/in_lives.py`. `make faults` runs hundreds of seeds."""

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("seed", SEEDS)
def test_life_of_fans_and_creators_keeps_every_invariant(seed: int) -> None:
    assert breaches_of(seed) == []
