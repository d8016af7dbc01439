from collections.abc import Iterator

import pytest

from tests.infra.packaged import package, template, transformed, unpacked
from tests.infra.stripe_sandbox_shop import Shop, open_shop

__all__ = ["package", "template", "transformed", "unpacked"]  # fixtures


@pytest.fixture(scope="session")
def _one_shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(_one_shop: Shop) -> Shop:
    """The Stripe sandbox in its initial state, with a client and a webhook receiver."""
    _one_shop.reset()
    return _one_shop
