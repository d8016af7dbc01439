"""The OpenAPI document is valid, complete, and matches the real responses."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chalicelib.http import openapi_rules
from tests.fakes import START, uuid7_at
from tests.http.api import QUERIES, Api, Reply, routes
from tests.http.events import event_for

ID = uuid7_at(START, 7)
NOT_JSON = {("GET", path) for path in ("/", "/success", "/cancelled", "/assets/{name}", "/v1/openapi.json")}
"""Routes without JSON."""

Document = dict[str, Any]


@pytest.fixture
def document(api: Api) -> Document:
    found: Document = api.get("/v1/openapi.json", fan=None).json
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def complaints(document: Document, reply: Reply, method: str, path: str) -> list[str]:
    """List the violations of a response against its schema."""
    described = document["paths"][path][method.lower()]["responses"]
    content = described.get(str(reply.status), described["default"])["content"]
    schema = content[reply.headers["content-type"]]["schema"] | {"components": document["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(reply.json)]


# --- valid and complete -----------------------------------------------------------------------------------------------


def test_document_is_openapi_3_1(document: Document) -> None:
    assert document.keys() == {"openapi", "info", "servers", "tags", "paths", "components"}
    assert document["openapi"] == "3.1.0"
    assert document["info"].keys() >= {"title", "version"}
    assert all(path.startswith(("/v1/", "/.well-known/")) for path in document["paths"])


def test_schemas_are_json_schema(document: Document) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_references_resolve(document: Document) -> None:
    references = re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document))
    assert set(references) == set(document["components"]["schemas"])


def test_routes_of_json_are_described(document: Document) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    assert described.isdisjoint(NOT_JSON)
    assert described | NOT_JSON == set(routes())


def test_operations_have_distinct_ids_and_a_summary(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name) for name in names)
    assert all(operation["summary"].endswith(".") for _, _, operation in operations(document))


def test_path_parameters_are_described(document: Document) -> None:
    for _, path, operation in operations(document):
        named = [part["name"] for part in operation["parameters"] if part["in"] == "path"]
        assert named == re.findall(r"{(\w+)}", path)
        assert all(part["required"] for part in operation["parameters"] if part["in"] == "path")


def test_query_parameters_are_described(document: Document) -> None:
    described = {
        path: [part["name"] for part in operation["parameters"] if part["in"] == "query"]
        for _, path, operation in operations(document)
    }
    assert {path: names for path, names in described.items() if names} == {
        "/v1/bundles": ["currency", "channel"],
        "/v1/gift-catalogue": ["currency"],
        "/v1/offers": ["currency", "channel"],
        "/v1/offers/verify": ["url", "jws", "coins", "amount_minor", "currency", "channel"],
        "/v1/membership-plans": ["currency"],
        "/v1/operator/reviews": ["month", "limit", "cursor"],
        "/v1/prices": ["channel"],
        "/v1/top-up": ["for", "currency", "channel"],
        "/v1/worth": ["coins", "currency"],
        "/v1/wallet/entries": ["limit", "cursor"],
    }


def test_operations_describe_their_token_and_key(document: Document) -> None:
    secured = {(method, path) for method, path, op in operations(document) if op.get("security") == [{"bearer": []}]}
    optional = {path for _, path, op in operations(document) if op.get("security") == [{"bearer": []}, {}]}
    assert optional == {"/v1/gift-catalogue", "/v1/worth"}
    keyed = {
        (method, path)
        for method, path, operation in operations(document)
        if any(part["name"] == "Idempotency-Key" and part["required"] for part in operation["parameters"])
    }
    acts = {f"/v1/operator/{name}" for name in ("freezes", "grants", "reversals", "settlements")}
    fans = {f"/v1/{name}" for name in ("checkout-sessions", "gifts", "memberships", "self-exclusions")}
    assert keyed == {("POST", path) for path in fans | acts}
    assert secured == keyed | {("PUT", "/v1/budgets"), ("POST", "/v1/membership/portal-sessions")} | {
        ("GET", path) for path in ("/v1/budgets", "/v1/checkout-sessions/{id}", "/v1/creator/earnings",
                                   "/v1/gifts/{id}", "/v1/membership", "/v1/wallet", "/v1/wallet/entries",
                                   "/v1/operator/reviews")}  # fmt: skip


def test_operations_with_a_key_describe_200_and_201(document: Document) -> None:
    for method, path, operation in operations(document):
        is_keyed = any(part["name"] == "Idempotency-Key" for part in operation["parameters"])
        made = {"200", "201", "default"} if is_keyed else {"200", "default"}
        assert set(operation["responses"]) == made, (method, path)
        assert all(response["description"] for response in operation["responses"].values())


def test_request_schemas_forbid_other_fields(document: Document) -> None:
    schemas = document["components"]["schemas"]
    requests = [name for name in schemas if name.endswith("Request")]
    assert len(requests) == 9
    assert all(schemas[name]["additionalProperties"] is False for name in requests)


def test_money_and_coins_are_integers(document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, rule in schema["properties"].items():
            if re.search("coins|amount|owed|needed", field) and field not in {"price_per_coin", "reason"}:
                is_whole = {"type": "integer"}.items() <= rule.items()
                assert is_whole or rule.keys() <= {"$ref", "default"}, (name, field)
    assert "'number'" not in str(document)


def test_rules_are_for_existing_fields(document: Document) -> None:
    schemas = document["components"]["schemas"]
    assert {key for key, _, _ in openapi_rules.matches(schemas)} == set(openapi_rules.RULES)


def test_operations_have_listed_tags(document: Document) -> None:
    listed = {tag["name"] for tag in document["tags"]}
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == listed


def test_required_queries_are_marked(document: Document) -> None:
    required = {
        (path, part["name"])
        for _, path, operation in operations(document)
        for part in operation["parameters"]
        if part["in"] == "query" and part.get("required")
    }
    assert required == {("/v1/top-up", "for"), ("/v1/worth", "coins")}


def test_texts_with_a_fixed_form_have_a_rule(document: Document) -> None:
    """Ids, times, currencies and states: a text without a rule is one that a person wrote, or an address."""
    free = {
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, rule in schema["properties"].items()
        for kind in rule.get("anyOf", [rule])
        if kind.get("type") == "string" and kind.keys() <= {"type", "default", "examples"}
        if re.search("id$|_at$|until$|currency|channel|status|kind$|price_per_coin", field)
    }
    assert free == {
        "KeyResponse.kid",
        "Problem.request_id",
        *(f"ReviewResponse.{name}_id" for name in ("payment", "session", "purchase", "user")),
        "SettlementRequest.review_id",
    }


# --- matches the responses --------------------------------------------------------------------------------------------


def acts(api: Api) -> Iterator[tuple[str, Document, str]]:
    """An operator's act: path, body and key."""
    review_of_another = api.gateway.sign(event_for(api, session={"payment_intent": "pi_x", "total_minor": 1}))
    api.tell(review_of_another)
    why = {"reason": "asked to"}
    yield "settlements", {"review_id": "2026-11.pi_x", "decision": "credit"} | why, uuid7_at(START, 20)
    yield "freezes", {"user_id": "bob", "frozen": True} | why, uuid7_at(START, 21)
    for _ in range(2):
        yield "grants", {"user_id": "ann", "coins": 5} | why, uuid7_at(START, 22)
        yield "reversals", {"user_id": "ann", "gift_id": uuid7_at(START, 8)} | why, uuid7_at(START, 23)


def test_success_responses_match_their_schemas(api: Api, document: Document) -> None:
    api.fund()
    api.stock_membership()
    webhook = api.gateway.sign(event_for(api))
    gift = {"creator_id": "cleo", "item_id": "rose", "message": "hi", "stream_id": "live"}
    asked: list[tuple[str, str, Any, str]] = [
        ("POST", "/v1/checkout-sessions", {"bundle_id": "coins_1500", "currency": "kwd"}, ID),
        ("POST", "/v1/checkout-sessions", {"bundle_id": "coins_1500", "currency": "kwd"}, ID),
        ("GET", "/v1/checkout-sessions/{id}", None, ID),
        ("POST", "/v1/webhooks/stripe", webhook, ID),
        ("POST", "/v1/gifts", gift, uuid7_at(START, 8)),
        ("POST", "/v1/gifts", gift, uuid7_at(START, 8)),
        ("GET", "/v1/gifts/{id}", None, uuid7_at(START, 8)),
        ("POST", "/v1/memberships", {"plan_id": "coin_club", "currency": "jpy"}, ID),
        ("GET", "/v1/membership", None, ID),
        ("POST", "/v1/membership/portal-sessions", None, ID),
        *[("GET", path, None, ID) for path in ("/v1/bundles", "/v1/gift-catalogue", "/v1/health", "/v1/wallet")],
        *[("GET", path, None, ID) for path in ("/v1/economy", "/v1/creator/earnings", *QUERIES)],
        ("GET", "/v1/membership-plans", None, ID),
        *[("POST", f"/v1/operator/{name}", body, key) for name, body, key in acts(api)],
        ("GET", "/v1/operator/reviews", None, ID),
        ("GET", "/v1/wallet/entries", None, ID),
        ("PUT", "/v1/budgets", {"zone": "Europe/Berlin", "coins": {"day": 100, "week": 500}}, ID),
        ("PUT", "/v1/budgets", {"zone": "Europe/Berlin", "currency": "usd", "money": {"month": 5_000}}, ID),
        ("POST", "/v1/self-exclusions", {"days": 7}, uuid7_at(START, 30)),
        ("POST", "/v1/self-exclusions", {"days": 7}, uuid7_at(START, 30)),
        ("GET", "/v1/budgets", None, ID),
    ]
    assert {(method, path) for method, path, _, _ in asked} == {
        (method, path) for method, path, _ in operations(document)
    }
    for method, path, body, key in asked:
        headers = {"Stripe-Signature": "signed"}
        path_and_query = path.format(id=key) + QUERIES.get(path, "")
        reply = api.call(method, path_and_query, body=body, key=key, headers=headers, scope="operator creator")
        assert reply.status in {200, 201}, (method, path)
        assert complaints(document, reply, method, path) == [], (method, path)


@pytest.mark.parametrize(
    ("method", "path", "parts", "code"),
    [
        ("POST", "/v1/gifts", {"body": b"{"}, "invalid_json"),
        ("POST", "/v1/gifts", {"body": {"price_coins": 1}}, "unknown_field"),
        ("POST", "/v1/gifts", {"body": {"item_id": 1}}, "invalid_field"),
        ("POST", "/v1/gifts", {"body": {"creator_id": "cleo", "item_id": "rose"}}, "missing_idempotency_key"),
        ("POST", "/v1/gifts", {"body": {"creator_id": "cleo", "item_id": "rose"}, "key": ID}, "insufficient_coins"),
        ("POST", "/v1/gifts", {"body": b" " * 20_000}, "payload_too_large"),
        ("POST", "/v1/gifts", {"body": b"", "headers": {"Content-Type": "x"}}, "unsupported_media_type"),
        ("POST", "/v1/webhooks/stripe", {"body": b"{}"}, "not_authentic"),
        ("GET", "/v1/wallet", {"fan": None}, "unauthenticated"),
        ("GET", "/v1/gifts/{id}", {}, "not_found"),
    ],
)
def test_problem_responses_match_their_schema(
    api: Api, document: Document, method: str, path: str, parts: dict[str, Any], code: str
) -> None:
    reply = api.call(method, path, **parts)
    assert complaints(document, reply, method, path) == []
    assert reply.code == code


def test_response_that_breaks_its_schema_is_found(api: Api, document: Document) -> None:
    reply = api.get("/v1/wallet")
    wrong = Reply(reply.status, reply.headers, reply.text.replace("0", "0.5"))
    assert complaints(document, wrong, "GET", "/v1/wallet") != []
