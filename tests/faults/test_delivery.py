"""With a third lost, a third doubled, and all reordered, the published messages end equal to the posted entries."""

import pytest

from tests.faults.delivery import deliver_badly

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("seed", range(200))
def test_a_bad_post_loses_and_doubles_nothing(seed: int) -> None:
    assert deliver_badly(seed) == []
