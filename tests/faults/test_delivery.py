"""A third of everything is lost, a third comes twice, and nothing in its order: consumed is committed in the end."""

import pytest

from tests.faults.delivery import deliver_badly

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("seed", range(200))
def test_a_bad_post_loses_and_doubles_nothing(seed: int) -> None:
    assert deliver_badly(seed) == []
