"""OpenAPI document, generated from the registered routes and their types."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from chalicelib import VERSION
from chalicelib.domain.top_up import MAX_TOP_UP
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
    _with_default_currency(schemas, currency)
    paths: dict[str, dict[str, object]] = {}
    for operation in documented:
        if operation.response_model:
            described = _operation(operation, operation.response_model, currency)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Coinpurse", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


_QUERY: Final[dict[str, dict[str, object]]] = {
    "channel": {"type": "string", "default": "web"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    "cursor": {"type": "string"},
    "month": {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"},
    "/v1/gift-catalogue?currency": {"type": "string"},
    "/v1/offers/verify?channel": {"type": "string"},
    "url": {"type": "string"},
    "jws": {"type": "string"},
    "coins": {"type": "integer", "minimum": 1},
    "amount_minor": {"type": "integer", "minimum": 1},
    "for": {"type": "integer", "minimum": 1, "maximum": MAX_TOP_UP},
}


def _operation(operation: Operation, response_model: type[msgspec.Struct], currency: str) -> dict[str, object]:
    responses = {"200": _content(response_model), "default": _content(Problem, "application/problem+json")}
    described: dict[str, object] = {
        "summary": operation.summary,
        "operationId": re.sub(
            r"\W+", "_", f"{operation.method.lower()}_{operation.path.removeprefix('/v1').strip('/.')}"
        ).strip("_"),
        "parameters": _parameters(operation, currency),
        "responses": responses,
    }
    if operation.request_model:
        described["requestBody"] = {"required": True, **_content(operation.request_model)}
    if operation.request_model and operation.method == "POST":
        described["responses"] = {"201": _content(response_model)} | responses
    if operation.auth == "required":
        described["security"] = [{"bearer": []}]
    return described


def _parameters(operation: Operation, currency: str) -> list[dict[str, object]]:
    text = {"type": "string"}
    parameters: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "schema": _query(operation.path, name, currency)}
        for name in operation.query or ()
    ]
    if operation.request_model and operation.method == "POST":
        parameters.append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": text | {"format": "uuid"}}
        )
    return parameters


def _query(path: str, name: str, currency: str) -> dict[str, object]:
    specific = _QUERY.get(f"{path}?{name}")
    if specific is None and name == "currency":
        return {"type": "string", "default": currency}
    return specific or _QUERY[name]


def _with_default_currency(schemas: dict[str, Any], currency: str) -> None:
    """Add the default, which the type of a request cannot know: it is the catalogue's."""
    for name in ("CheckoutRequest", "MembershipRequest"):
        schemas[name]["properties"]["currency"]["default"] = currency


def _content(kind: type[msgspec.Struct], media_type: str = "application/json") -> dict[str, object]:
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}},
    }
