"""OpenAPI document, generated from the registered routes and their types."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib import VERSION
from chalicelib.http.openapi_rules import QUERIES, REQUIRED_QUERIES, UUID7, add_rules
from chalicelib.http.routing import Operation


class Problem(msgspec.Struct, kw_only=True):
    """Problem details (RFC 9457). `code` is stable; bad input adds `field` and `rule`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | None = None
    rule: str | None = None


def describe(operations: Iterable[Operation], currency: str) -> dict[str, object]:
    """Build an OpenAPI 3.1 document of the JSON operations. `currency` is the one of requests that name none."""
    documented = [operation for operation in operations if operation.response_model]
    types = {
        kind for operation in documented for kind in (operation.request_model, operation.response_model) if kind
    } | {Problem}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    add_rules(schemas)
    _with_default_currency(schemas, currency)
    _require_sent_fields(schemas, [operation.response_model for operation in documented])
    paths: dict[str, dict[str, object]] = {}
    for operation in documented:
        if operation.response_model:
            described = _operation(operation, operation.response_model, currency)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Coinpurse",
            "version": VERSION,
            "description": "Coin top-up and gifting for live-streaming platforms.",
        },
        # Relative to this document, because the API's address depends on its stage and domain.
        "servers": [{"url": ".."}],
        "tags": [{"name": name} for name in sorted({operation.tag for operation in documented})],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "signature": {"type": "apiKey", "in": "header", "name": "Stripe-Signature"},
            },
        },
    }


def _operation(operation: Operation, response_model: type[msgspec.Struct], currency: str) -> dict[str, object]:
    responses = {"200": _content(response_model), "default": _content(Problem, "application/problem+json")}
    described: dict[str, object] = {
        "summary": operation.summary,
        "operationId": re.sub(
            r"\W+", "_", f"{operation.method.lower()}_{operation.path.removeprefix('/v1').strip('/.')}"
        ).strip("_"),
        "tags": [operation.tag],
        "parameters": _parameters(operation, currency),
        "responses": responses,
    }
    if operation.request_model:
        described["requestBody"] = {"required": True, **_content(operation.request_model)}
    if operation.raw_bytes:
        described["security"] = [{"signature": []}]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    if operation.request_model and operation.method == "POST":
        described["responses"] = {"201": _content(response_model)} | responses
    if operation.auth != "none":
        described["security"] = [{"bearer": []}, *([{}] if operation.auth == "optional" else [])]
    return described


def _parameters(operation: Operation, currency: str) -> list[dict[str, object]]:
    key = {"type": "string", **UUID7}
    parameters: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": key} for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += [_query(f"{operation.path}?{name}", name, currency) for name in operation.query or ()]
    if operation.request_model and operation.method == "POST":
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    return parameters


def _query(place: str, name: str, currency: str) -> dict[str, object]:
    schema = QUERIES.get(place, QUERIES[name])
    if name == "currency" and place not in QUERIES:
        schema = {**schema, "default": currency}
    required = {"required": True} if place in REQUIRED_QUERIES else {}
    return {"name": name, "in": "query", **required, "schema": schema}


def _with_default_currency(schemas: dict[str, Any], currency: str) -> None:
    """Add the default, which the type of a request cannot know: it is the catalogue's."""
    for name in ("CheckoutRequest", "MembershipRequest"):
        schemas[name]["properties"]["currency"]["default"] = currency


def _require_sent_fields(schemas: dict[str, Any], kinds: Iterable[type[msgspec.Struct] | None]) -> None:
    """Require each field of a response that is sent with its default, too."""
    for kind in kinds:
        if kind and not kind.__struct_config__.omit_defaults:
            schemas[kind.__name__]["required"] = list(schemas[kind.__name__].get("properties", ()))


def _content(kind: type[msgspec.Struct], media_type: str = "application/json") -> dict[str, object]:
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}},
    }
