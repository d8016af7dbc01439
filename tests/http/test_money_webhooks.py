"""Refunds and disputes from the webhook to the views of fans and operators."""

import pytest

from chalicelib.domain.payments import MoneyState
from chalicelib.usecases.stripe_events import MONEY_EVENTS
from tests.domain.builders import a_dispute
from tests.http.api import Api
from tests.http.events import counters, event_of, hint_of, refused


def bought(api: Api) -> str:
    """Buy and credit a bundle. Returns the purchase's id."""
    purchase_id = str(api.buy().json["id"])
    assert api.tell(api.gateway.sign(event_of(api, purchase_id))).json == {"outcome": "credited"}
    api.refund(purchase_id, 0)
    return purchase_id


def hear(api: Api, purchase_id: str, kind: str = "refund.created") -> str:
    reply = api.tell(api.gateway.sign(hint_of(purchase_id, kind)))
    assert reply.status == 200
    return str(reply.json["outcome"])


def wallet(api: Api) -> tuple[int, int]:
    shown = api.get("/v1/wallet").json
    return shown["coins"], shown["owed"]


@pytest.mark.parametrize("kind", sorted(MONEY_EVENTS))
def test_each_money_event_type_claws_back(api: Api, kind: str) -> None:
    purchase_id = bought(api)
    assert hear(api, purchase_id, kind) == "unchanged"
    api.refund(purchase_id, 37)
    assert [hear(api, purchase_id, kind) for _ in range(3)] == ["clawed_back", "unchanged", "unchanged"]
    assert wallet(api) == (35, 0)


def test_refund_and_its_failure_are_in_the_statement(api: Api) -> None:
    purchase_id = bought(api)
    for amount in (74, 0):
        api.refund(purchase_id, amount)
        hear(api, purchase_id)
    entries = api.get("/v1/wallet/entries").json["entries"]
    assert [(entry["kind"], entry["coins"], entry.get("about")) for entry in entries] == [
        ("restore", 70, purchase_id),
        ("clawback", -70, purchase_id),
        ("purchase", 70, None),
    ]
    assert api.get(f"/v1/checkout-sessions/{purchase_id}").json["status"] == "posted"


def test_refund_of_spent_coins_is_owed_until_the_next_purchase(api: Api) -> None:
    purchase_id = bought(api)
    api.give(item_id="cake")
    api.refund(purchase_id, 74)
    hear(api, purchase_id)
    assert wallet(api) == (0, 35)
    assert refused(api.give()) == (402, "insufficient_coins", None)
    bought(api)
    assert wallet(api) == (35, 0)
    assert api.give().status == 201


@pytest.mark.parametrize(
    ("status", "outcome", "coins"),
    [
        ("warning_needs_response", "unchanged", 70),
        ("warning_closed", "unchanged", 70),
        ("needs_response", "clawed_back", 0),
        ("lost", "clawed_back", 0),
        ("won", "unchanged", 70),
        ("prevented", "unchanged", 70),
        ("invented_yesterday", "unknown_status", 70),
    ],
)
def test_dispute_claws_back_the_disputed_coins(api: Api, status: str, outcome: str, coins: int) -> None:
    purchase_id = bought(api)
    api.gateway.money[f"pi_{purchase_id}"] = MoneyState(captured_minor=74, disputes=[a_dispute(74, status)])
    assert hear(api, purchase_id, "charge.dispute.created") == outcome
    assert wallet(api) == (coins, 0)


def test_refund_event_before_its_payment_is_handled(api: Api) -> None:
    purchase_id = str(api.buy().json["id"])
    api.refund(purchase_id, 37)
    assert hear(api, purchase_id) == "clawed_back"
    assert api.tell(api.gateway.sign(event_of(api, purchase_id))).json == {"outcome": "repeated"}
    assert wallet(api) == (35, 0)


def test_unrelated_refund_is_accepted_and_ignored(api: Api) -> None:
    bought(api)
    for changes in ({"payment_intent": "pi_other"}, {"payment_intent": None}):
        event = api.gateway.sign(hint_of("other", **changes))
        with api.nothing_written():
            assert api.tell(event).json == {"outcome": "stranger"}


def test_money_webhook_outcome_is_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    purchase_id = bought(api)
    counters(capsys)
    for amount, counter in ((74, "WebhookClawedBack"), (0, "WebhookRestored"), (0, "WebhookUnchanged")):
        api.refund(purchase_id, amount)
        hear(api, purchase_id)
        assert counters(capsys) == {counter: 1}
