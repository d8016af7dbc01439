"""Random lives on the real adapters: the invariants hold after each step, and the coins equal the money at Stripe."""

import pytest

from tests.faults.lives.life import breaches_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("seed", range(20))
def test_life_of_fans_and_creators_keeps_every_invariant(seed: int) -> None:
    assert breaches_of(seed) == []
