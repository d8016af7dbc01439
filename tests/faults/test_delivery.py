"""With a third lost, a third doubled, and all reordered, the published messages end equal to the posted entries."""

import pytest

from tests.faults.delivery import deliver_with_losses

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("seed", range(200))
def test_lossy_delivery_loses_and_doubles_nothing(seed: int) -> None:
    assert deliver_with_losses(seed) == []
