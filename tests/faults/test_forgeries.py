"""The webhook route with Stripe's own verification: bodies changed after signing are refused and not written."""

from collections.abc import Iterable
from copy import deepcopy

import pytest

from tests.faults.forgeries import Request, bought, made_up, odd_but_signed, one_bit_off, signed
from tests.http.api import Api, put_in_place

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """Return the API on new fakes."""
    api = Api()
    put_in_place(api, monkeypatch)
    return api


def answers(api: Api, requests: Iterable[Request]) -> set[int]:
    """Collect the response statuses of the webhooks; none of them may leave a trace."""
    before = deepcopy(vars(api.ledger))
    statuses = {api.tell(body, signature, as_base64=True).status for body, signature in requests}
    assert vars(api.ledger) == before
    return statuses


def test_webhook_with_a_flipped_bit_is_refused(api: Api) -> None:
    request = signed(bought(api))
    assert answers(api, one_bit_off(request)) == {400}
    assert api.tell(*request, as_base64=True).json == {"outcome": "credited"}


@pytest.mark.parametrize("seed", range(4))
def test_webhook_with_a_random_edit_is_refused(api: Api, seed: int) -> None:
    request = signed(bought(api))
    forged = [changed for changed in made_up(request, seed, 500) if changed != request]
    assert answers(api, forged) == {400}


@pytest.mark.parametrize("seed", range(4))
def test_webhook_with_signed_unexpected_content_is_refused(api: Api, seed: int) -> None:
    bought(api)
    assert answers(api, odd_but_signed(seed, 200)) == {400}
