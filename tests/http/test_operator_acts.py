"""Operators' acts: each done once per key and recorded."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.reviews import ReviewReason
from tests.fakes import START, uuid7_at
from tests.http.api import Api, Reply
from tests.http.events import event_for, refused

KEY = uuid7_at(START, 10**6)
OTHER = uuid7_at(START, 10**6 + 1)
WHY = {"reason": "sorry for last night"}


def a_review(api: Api, payment: str = "pi_odd", **session: Any) -> str:
    """Deliver a payment that does not match. Returns the review's id."""
    odd = {"payment_intent": payment, "total_minor": 1, **session}
    assert api.tell(api.gateway.sign(event_for(api, session=odd))).json == {"outcome": "in_review"}
    return f"2026-11.{payment}"


def reviews(api: Api, query: str = "") -> Reply:
    return api.get(f"/v1/operator/reviews{query}", fan="olga", scope="operator")


def coins(api: Api) -> int:
    return int(api.get("/v1/wallet").json["coins"])


# --- grants -----------------------------------------------------------------------------------------------------------


def test_grant_repeat_grants_once(api: Api) -> None:
    wish = {"user_id": "ann", "coins": 500, **WHY}
    first, again = api.act("grants", wish, KEY), api.act("grants", wish, KEY)
    assert first.json == {
        "id": KEY,
        "kind": "grant",
        "status": "posted",
        "coins": 500,
        "created_at": "2026-11-22T12:00:00.000Z",
        "posted_at": "2026-11-22T12:00:00.000Z",
    }
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert (again.headers["idempotent-replayed"], coins(api)) == ("true", 500)


def test_grant_in_the_statement_hides_its_actor(api: Api) -> None:
    granted = api.act("grants", {"user_id": "ann", "coins": 500, **WHY}, KEY)
    statement = api.get("/v1/wallet/entries")
    assert statement.json["entries"] == [granted.json]
    assert "olga" not in statement.text
    assert WHY["reason"] not in statement.text


@pytest.mark.parametrize("other", [{"coins": 501}])
def test_grant_with_a_used_key_is_refused(api: Api, other: dict[str, Any]) -> None:
    wish = {"user_id": "ann", "coins": 500, **WHY}
    api.act("grants", wish, KEY)
    with api.nothing_written():
        assert refused(api.act("grants", wish | other, KEY)) == (409, "idempotency_conflict", None)


# --- reversals --------------------------------------------------------------------------------------------------------


def test_reversal_repeat_reverses_once(api: Api) -> None:
    api.fund(coins=100)
    gift = api.give(item_id="cake").json
    wish = {"user_id": "ann", "gift_id": gift["id"], **WHY}
    first, again = api.act("reversals", wish, KEY), api.act("reversals", wish, KEY)
    assert (
        first.json.items() >= {"id": KEY, "kind": "gift_reversal", "coins": gift["coins"], "about": gift["id"]}.items()
    )
    assert (first.status, again.status, again.json, coins(api)) == (201, 200, first.json, 100)
    assert refused(api.act("reversals", wish, OTHER)) == (409, "idempotency_conflict", None)
    assert api.get(f"/v1/gifts/{gift['id']}").json == gift


@pytest.mark.parametrize("gift_id", ["", "x", "a#b", "\u0000", KEY, OTHER.upper(), "0" * 5000])
def test_reversal_of_what_is_no_gift_is_not_found(api: Api, gift_id: str) -> None:
    with api.nothing_written():
        reply = api.act("reversals", {"user_id": "ann", "gift_id": gift_id, **WHY})
    assert refused(reply) == (404, "not_found", None)


def test_reversal_of_another_fans_gift_is_not_found(api: Api) -> None:
    api.fund("ben")
    gift_id = api.give(fan="ben").json["id"]
    with api.nothing_written():
        assert api.act("reversals", {"user_id": "ann", "gift_id": gift_id, **WHY}).code == "not_found"


# --- freezes ----------------------------------------------------------------------------------------------------------


def test_freeze_and_unfreeze_a_wallet(api: Api) -> None:
    api.fund()
    for is_frozen, status in ((True, 403), (False, 201)):
        wish = {"user_id": "ann", "frozen": is_frozen, **WHY}
        assert api.act("freezes", wish).json == {"user_id": "ann", "frozen": is_frozen}
        assert api.get("/v1/wallet").json["frozen"] is is_frozen
        assert api.give().status == status


def test_freeze_repeat_changes_nothing(api: Api) -> None:
    wish = {"user_id": "ann", "frozen": True, **WHY}
    api.act("freezes", wish, KEY)
    api.act("freezes", wish | {"frozen": False}, OTHER)
    with api.nothing_written():
        assert api.act("freezes", wish, KEY).status == 200
        for other in ({"user_id": "ben"}, {"frozen": False}):
            assert refused(api.act("freezes", wish | other, KEY)) == (409, "idempotency_conflict", None)


# --- reviews and settlements ------------------------------------------------------------------------------------------


def test_review_shows_payment_and_quote(api: Api) -> None:
    review_id = a_review(api)
    (purchase_id,) = api.gateway.sessions
    assert reviews(api).json == {
        "reviews": [
            {
                "id": review_id,
                "reason": "discounted_or_surcharged",
                "payment_id": "pi_odd",
                "session_id": f"cs_test_{purchase_id}",
                "purchase_id": purchase_id,
                "user_id": "ann",
                "coins": 70,
                "price": {"amount_minor": 1, "currency": "usd", "exponent": 2},
                "paid_at": "2026-11-22T12:00:00.000Z",
                "opened_at": "2026-11-22T12:00:00.000Z",
                "money_gone": None,
                "settlement": None,
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("query", "found"), [("", 2), ("?month=2026-11", 2), ("?month=2026-10", 0), ("?month=2099-12", 0)]
)
def test_reviews_are_listed_by_month(api: Api, query: str, found: int) -> None:
    a_review(api, "pi_1")
    a_review(api, "pi_2")
    assert len(reviews(api, query).json["reviews"]) == found


def test_open_reviews_are_listed_of_any_age(api: Api) -> None:
    review_id = a_review(api)
    api.clock.advance(timedelta(days=400))
    assert [review["id"] for review in reviews(api).json["reviews"]] == [review_id]
    api.act("settlements", {"review_id": review_id, "decision": "refuse", **WHY})
    assert reviews(api).json == {"reviews": [], "next_cursor": None}


def test_reviews_are_listed_by_pages(api: Api) -> None:
    ids = [a_review(api, f"pi_{number}") for number in range(3)]
    first = reviews(api, "?limit=2").json
    rest = reviews(api, f"?limit=2&cursor={first['next_cursor']}").json
    assert [review["id"] for review in first["reviews"] + rest["reviews"]] == ids
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=%C3%A9", "cursor"), ("cursor=_w==", "cursor"),
     ("cursor=IA==", "cursor")],
)  # fmt: skip
def test_reviews_of_an_invalid_page_are_refused(api: Api, query: str, field: str) -> None:
    assert refused(reviews(api, f"?{query}")) == (400, "invalid_field", field)


def test_review_of_moved_money_shows_how_much_is_gone(api: Api) -> None:
    a_review(api)
    [review] = api.ledger.reviews.values()
    moved = replace(review, reason=ReviewReason.MONEY_LEFT, moved="0123456789abcdef", gone_minor=1)
    api.ledger.file_review(moved)
    shown = reviews(api).json["reviews"][1]
    assert (shown["id"], shown["payment_id"]) == ("2026-11.pi_odd.0123456789abcdef", "pi_odd")
    assert shown["money_gone"] == {"amount_minor": 1, "currency": "usd", "exponent": 2}
    wish = {"review_id": shown["id"], "decision": "refuse", **WHY}
    assert api.act("settlements", wish).json["settlement"]["decision"] == "refuse"
    assert refused(api.act("settlements", wish | {"decision": "credit"})) == (400, "invalid_field", "decision")


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-1", "2026-00", "1999-12", "2026-11-01", "x", "2026-11%0a"])
def test_reviews_of_an_invalid_month_are_refused(api: Api, month: str) -> None:
    assert refused(reviews(api, f"?month={month}")) == (400, "invalid_field", "month")


@pytest.mark.parametrize(("decision", "credited"), [("credit", 70), ("refuse", 0)])
def test_settlement_repeat_settles_once(api: Api, decision: str, credited: int) -> None:
    wish = {"review_id": a_review(api), "decision": decision, **WHY}
    first, again = api.act("settlements", wish, KEY), api.act("settlements", wish, KEY)
    assert first.json["settlement"] == {
        "decision": decision,
        "reason": WHY["reason"],
        "actor": "olga",
        "settled_at": "2026-11-22T12:00:00.000Z",
    }
    assert (first.status, again.status, again.json) == (200, 200, first.json)
    assert (reviews(api).json["reviews"], coins(api)) == ([first.json], credited)
    for other in ({"decision": "credit"}, {"decision": "refuse"}):
        assert refused(api.act("settlements", wish | other, OTHER)) == (409, "idempotency_conflict", None)
    assert coins(api) == credited


@pytest.mark.parametrize(
    "review_id",
    ["", ".", "2026-11", "2026-11.", "2026-13.pi_odd", "2026-11.pi_other", "2026-11#pi_odd", "2026-11.pi_odd.0",
     "2026-11.pi#odd", "2026-11.pi odd", f"2026-11.{'x' * 256}", f"2026-11.{'x' * 5000}", "2026-11.pi\u0000"],
)  # fmt: skip
def test_settlement_of_an_unknown_review_is_not_found(api: Api, review_id: str) -> None:
    a_review(api)
    with api.nothing_written():
        reply = api.act("settlements", {"review_id": review_id, "decision": "credit", **WHY})
    assert refused(reply) == (404, "not_found", None)
