"""The sandbox's API: parameters, idempotency keys, pagination and outages."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from urllib.parse import urlencode

import pytest
import stripe
from stripe.params.checkout import SessionCreateParams

from tests.infra.stripe_sandbox_shop import Json, Shop

Change = Callable[[Json], object]
PRICE = "line_items[0][price_data]"


def _item(offer: Json) -> Json:
    return cast("list[Json]", offer["line_items"])[0]


def _price(offer: Json) -> Json:
    return cast("Json", _item(offer)["price_data"])


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        (lambda offer: offer.update(coins=1), "parameter_unknown", "coins"),
        (lambda offer: _price(offer).update(color="red"), "parameter_unknown", f"{PRICE}[color]"),
        (lambda offer: _price(offer).pop("currency"), "parameter_missing", f"{PRICE}[currency]"),
        (lambda offer: _price(offer).pop("product_data"), "parameter_missing", f"{PRICE}[product_data]"),
        (lambda offer: _price(offer).pop("unit_amount"), "parameter_missing", f"{PRICE}[unit_amount]"),
        (lambda offer: offer.pop("line_items"), "parameter_missing", "line_items"),
        (lambda offer: offer.pop("success_url"), "parameter_missing", "success_url"),
        (lambda offer: offer.update(success_url="thanks"), "url_invalid", "success_url"),
        (lambda offer: offer.update(ui_mode="hosted"), None, "ui_mode"),
        (lambda offer: offer.update(mode="gift"), None, "mode"),
        (lambda offer: offer.update(mode="setup"), None, "mode"),
        (lambda offer: offer.update(customer="cus_1"), None, "customer"),
        (lambda offer: offer.update(customer_creation="always"), None, "customer_creation"),
        (lambda offer: offer.update(locale="tlh"), None, "locale"),
        (lambda offer: _price(offer).update(tax_behavior="free"), None, f"{PRICE}[tax_behavior]"),
        (lambda offer: _price(offer).update(unit_amount=1.5), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
        (lambda offer: _price(offer).update(unit_amount=-1), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
        (lambda offer: offer.update(line_items="one"), None, "line_items"),
        (lambda offer: offer.update(locale={"a": "b"}), None, "locale"),
        (lambda offer: offer.update(metadata="m"), None, "metadata"),
        (lambda offer: offer.update(metadata={"k" * 41: "v"}), None, "metadata"),
        (lambda offer: offer.update(allow_promotion_codes="yes"), None, "allow_promotion_codes"),
        (lambda offer: offer.update(customer_email=""), "parameter_invalid_empty", "customer_email"),
        (lambda offer: offer.update(customer_email="fan"), "email_invalid", "customer_email"),
        (lambda offer: offer.update(client_reference_id="a/b"), None, "client_reference_id"),
        (lambda offer: offer.update(discounts=[{"coupon": "free"}]), None, "discounts"),
        (lambda offer: _item(offer).update(price="price_1"), "resource_missing", "line_items[0][price]"),
        (lambda offer: _item(offer).pop("quantity"), None, "line_items[0]"),
    ],
)  # fmt: skip
def test_invalid_parameters_get_stripes_400(shop: Shop, change: Change, code: str | None, param: str) -> None:
    offer = cast("Json", shop.offer())
    change(offer)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.checkout.sessions.create(cast("SessionCreateParams", offer))
    error = caught.value
    assert (error.http_status, error.code, error.param) == (400, code, param)
    assert str(error.request_id).startswith("req_")
    body = cast("Json", error.json_body)
    assert cast("Json", body["error"])["type"] == "invalid_request_error"


def test_query_parameters_are_validated(shop: Shop) -> None:
    for query in (
        "limit=0",
        "limit=101",
        "limit=x",
        "color=red",
        "type=a&types[]=b",
        "starting_after=a&ending_before=b",
    ):
        assert _get(shop, f"/v1/events?{query}")[0] == 400, query
    assert _get(shop, "/v1/events?types[]=charge.refunded&types[]=refund.created&created[gte]=1")[0] == 200
    assert _get(shop, "/v1/events/evt_none")[0] == 404
    assert _get(shop, "/v1/tokens")[0] == 404
    assert _get(shop, "/v1/charges?expand[]=data.color")[0] == 200, "nothing to expand in an empty list"


def test_expand_accepts_expandable_fields_only(shop: Shop) -> None:
    _, intent_id = shop.buy()
    intent = shop.client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge.refunds"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.refunds is not None
    assert intent.latest_charge.refunds.data == []
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.client.v1.payment_intents.retrieve(intent_id, {"expand": ["color"]})


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer sk_test_1", 200),
        ("Bearer rk_test_1", 200),
        ("Basic " + base64.b64encode(b"sk_test_1:").decode(), 200),
        ("Basic ###", 401),
        ("Bearer sk_live_1", 401),
        ("Bearer rk_live_1", 401),
        ("Bearer pk_test_1", 401),
        ("", 401),
    ],
)
def test_only_test_keys_are_accepted(shop: Shop, authorization: str, status: int) -> None:
    answer = shop.http("GET", "/v1/events", None, {"Authorization": authorization})
    assert answer[0] == status
    assert answer[1]["Request-Id"].startswith("req_")
    assert "live_1" not in answer[2]


def test_other_accounts_unknown_versions_and_json_bodies_are_rejected(shop: Shop) -> None:
    key = {"Authorization": "Bearer sk_test_1"}
    assert shop.http("GET", "/v1/events", None, key | {"Stripe-Account": "acct_other"})[0] == 403
    assert shop.http("GET", "/v1/events", None, key | {"Stripe-Version": "latest"})[0] == 400
    headers = shop.http("GET", "/v1/events", None, key | {"Stripe-Version": "2026-10-28.endive"})[1]
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    assert shop.http("POST", "/v1/refunds", "{}", key | {"Content-Type": "application/json"})[0] == 400
    form = key | {"Content-Type": "application/x-www-form-urlencoded"}
    assert shop.http("POST", "/v1/refunds", "charge=%ff", form)[0] == 400
    assert shop.http("POST", "/v1/refunds", "a[[=1", form)[0] == 400


def test_repeated_key_returns_stored_response(shop: Shop) -> None:
    first = _create(shop, "key-1")
    again = _create(shop, "key-1")
    assert (first[0], again[0], again[2]) == (200, 200, first[2])
    assert "Idempotent-Replayed" not in first[1]
    assert (again[1]["Idempotent-Replayed"], again[1]["Idempotency-Key"]) == ("true", "key-1")
    assert again[1]["Request-Id"] != first[1]["Request-Id"]
    assert _create(shop, "key-2")[2] != first[2]


def test_key_with_other_parameters_is_an_idempotency_error(shop: Shop) -> None:
    options = {"idempotency_key": "key-1"}
    shop.client.v1.checkout.sessions.create(shop.offer(), cast("stripe.RequestOptions", options))
    with pytest.raises(stripe.IdempotencyError) as caught:
        shop.client.v1.checkout.sessions.create(shop.offer(amount=501), cast("stripe.RequestOptions", options))
    assert caught.value.http_status == 400


def test_declines_are_stored_and_invalid_parameters_are_not(shop: Shop) -> None:
    too_small = _create(shop, "key-1", amount=1)
    assert (too_small[0], _create(shop, "key-1", amount=1)[1]["Idempotent-Replayed"]) == (400, "true")
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer sk_test_1"}
    bad = shop.http("POST", "/v1/checkout/sessions", "color=red", form | {"Idempotency-Key": "key-2"})
    assert (bad[0], _create(shop, "key-2")[0]) == (400, 200)


def test_keys_expire_after_a_day(shop: Shop) -> None:
    first = _create(shop, "key-1")
    shop.control("POST", "/clock", {"advance_seconds": 24 * 3600})
    assert _create(shop, "key-1")[2] != first[2]


def test_key_in_use_is_a_conflict_that_the_client_retries(shop: Shop) -> None:
    shop.set_knobs(slow_seconds=0.3)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _create(shop, "key-1"), range(4)))
    assert sorted(answer[0] for answer in answers) == [200, 409, 409, 409]
    conflict = next(answer for answer in answers if answer[0] == 409)
    assert json.loads(conflict[2])["error"]["code"] == "idempotency_key_in_use"
    assert conflict[1]["Stripe-Should-Retry"] == "true"
    options = cast("stripe.RequestOptions", {"idempotency_key": "key-2"})
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda _: shop.client.v1.checkout.sessions.create(shop.offer(), options), range(2))
    assert len({session.id for session in made}) == 1


@pytest.mark.parametrize("after_work", [False, True])
def test_500_is_stored_under_its_key(shop: Shop, after_work: bool) -> None:
    shop.set_knobs(fail_next={"status": 500, "after_work": after_work, "path": "/v1/checkout", "method": "POST"})
    first, again = _create(shop, "key-1"), _create(shop, "key-1")
    assert (first[0], again[0], again[1]["Idempotent-Replayed"]) == (500, 500, "true")
    assert len(shop.client.v1.checkout.sessions.list().data) == after_work
    assert _create(shop, "key-2")[0] == 200


def test_should_retry_header_controls_the_client(shop: Shop) -> None:
    shop.set_knobs(fail_next={"status": 500, "should_retry": "false"})
    with pytest.raises(stripe.APIError):
        shop.open()
    assert len(cast("list[Json]", shop.control("GET", "/requests")["requests"])) == 1


def test_lost_response_is_recovered_by_client_retry(shop: Shop) -> None:
    shop.set_knobs(lost_answers=1)
    session = shop.open()
    log = cast("list[Json]", shop.control("GET", "/requests")["requests"])
    assert [(entry["status"], entry["replayed"]) for entry in log] == [(200, False), (200, True)]
    assert log[0]["idempotency_key"] == log[1]["idempotency_key"]
    assert [one.id for one in shop.client.v1.checkout.sessions.list().data] == [session.id]


def test_knob_down_responds_503(shop: Shop) -> None:
    shop.set_knobs(down=True)
    assert _get(shop, "/v1/events")[0] == 503
    shop.set_knobs(down=False)
    assert _get(shop, "/v1/events")[0] == 200


def test_knobs_are_checked_and_reset(shop: Shop) -> None:
    for knobs in ({"color": 1}, {"seed": "x"}, {"duplicates": -1}, {"fail_next": 1}, {"fail_next": {"color": 1}}):
        assert shop.http("PUT", "/_sandbox/knobs", json.dumps(knobs))[0] == 400, knobs
    shop.set_knobs(duplicates=3, delay_seconds=1)
    shop.open()
    shop.control("POST", "/reset")
    assert shop.control("GET", "/knobs")["duplicates"] == 0
    assert shop.client.v1.checkout.sessions.list().data == []
    assert shop.control("GET", "/health") == {"ok": True}


def test_lists_are_newest_first_in_pages(shop: Shop) -> None:
    ids = [shop.open().id for _ in range(5)][::-1]
    sessions = shop.client.v1.checkout.sessions
    first = sessions.list({"limit": 2})
    assert ([session.id for session in first.data], first.has_more) == (ids[:2], True)
    rest = sessions.list({"limit": 3, "starting_after": ids[1]})
    assert ([session.id for session in rest.data], rest.has_more) == (ids[2:], False)
    back = sessions.list({"limit": 2, "ending_before": ids[3]})
    assert ([session.id for session in back.data], back.has_more) == (ids[1:3], True)
    assert [session.id for session in first.auto_paging_iter()] == ids
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sessions.list({"starting_after": "cs_test_none"})
    assert caught.value.code == "resource_missing"


def test_events_are_filtered(shop: Shop) -> None:
    shop.buy()
    events = shop.client.v1.events
    created = events.list({"limit": 1}).data[0].created
    assert [event.type for event in events.list({"type": "charge.*"}).data] == ["charge.succeeded"]
    wanted = ["charge.succeeded", "checkout.session.completed"]
    assert [event.type for event in events.list({"types": wanted}).data] == wanted[::-1]
    assert events.list({"created": {"gt": created + 60}}).data == []
    assert len(events.list({"created": {"gte": created - 60, "lt": created + 60}}).data) == 4
    shop.settled_types()
    assert events.list({"delivery_success": False}).data == []
    event = events.list({"limit": 1}).data[0]
    assert events.retrieve(event.id).type == "checkout.session.completed"


def _get(shop: Shop, path: str) -> tuple[int, dict[str, str], str]:
    return shop.http("GET", path, None, {"Authorization": "Bearer sk_test_1"})


def _create(shop: Shop, key: str, amount: int = 500) -> tuple[int, dict[str, str], str]:
    form = {
        "mode": "payment",
        "success_url": "http://shop.example/thanks",
        "line_items[0][quantity]": 1,
        f"{PRICE}[currency]": "usd",
        f"{PRICE}[unit_amount]": amount,
        f"{PRICE}[product_data][name]": "coins",
    }
    headers = {
        "Authorization": "Bearer sk_test_1",
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": key,
    }
    return shop.http("POST", "/v1/checkout/sessions", urlencode(form), headers)
