"""The status of a checkout whose webhook is late."""

from datetime import timedelta

import pytest

from tests.fakes import session_of
from tests.http.api import Api
from tests.http.broken import Broken
from tests.http.events import counters


def late_checkout(api: Api) -> str:
    """Open and pay a checkout whose webhook does not arrive for 30 seconds. Returns its path."""
    purchase_id = str(api.buy().json["id"])
    session = session_of(api.purchase(purchase_id))
    api.gateway.present[session.session_id] = session
    api.clock.advance(timedelta(seconds=30))
    return f"/v1/checkout-sessions/{purchase_id}"


def test_late_checkout_is_posted_by_its_reader(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    path = late_checkout(api)
    assert [api.get(path).json["status"] for _ in range(2)] == ["posted", "posted"]
    assert len(api.gateway.asked_about) == 1
    assert api.get("/v1/wallet").json["coins"] == 70
    assert counters(capsys) == {"WebhookCredited": 1}


@pytest.mark.parametrize(
    ("method", "headers", "fan"),
    [
        ("HEAD", {}, "ann"),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, "ann"),
        ("GET", {"Purpose": "prefetch"}, "ann"),
        ("GET", {}, "bob"),
    ],
)
def test_late_checkout_of_a_prefetch_or_another_reader_asks_nothing(
    api: Api, method: str, headers: dict[str, str], fan: str
) -> None:
    path = late_checkout(api)
    with api.nothing_written():
        reply = api.call(method, path, headers=headers, fan=fan)
    assert reply.status == (200 if fan == "ann" else 404)
    assert api.gateway.asked_about == []


def test_settled_checkout_needs_no_provider(api: Api) -> None:
    path = late_checkout(api)
    api.get(path)
    api.ports["gateway"] = Broken(RuntimeError())
    with api.nothing_written():
        assert api.get(path).json["status"] == "posted"
