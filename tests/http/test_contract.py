"""The OpenAPI document against the responses to generated requests, valid and invalid (schemathesis)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    ChecksConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app
from infra.local.serve.gateway import Gateway, HttpRequest, HttpResponse
from tests.http.api import Api, put_in_place, token_of
from tests.http.events import event_for

pytestmark = pytest.mark.untraced

EXAMPLES = 6
ALWAYS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OF_VALID = [*ALWAYS, positive_data_acceptance]
OF_INVALID = [*ALWAYS, negative_data_rejection]
ACCEPTED = ["2xx", "402", "403", "404", "409", "422"]
"""Statuses of responses to valid requests: also what is not there, not affordable, or against a limit."""

STEADY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
NOT_FOUND = {
    "StatusCode": 404,
    "ResponseParameters": {"Headers": {"Content-Type": "'application/problem+json'"}},
    "ResponseTemplates": {
        "application/json": '{"type": "urn:x", "title": "", "status": 404, "detail": "", "code": "", "request_id": ""}'
    },
}
GATEWAY = Gateway(app.app.routes, app.app.api.binary_types, {"MISSING_AUTHENTICATION_TOKEN": NOT_FOUND})


def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a WSGI request as API Gateway and the function do."""
    raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = [(name[5:].replace("_", "-"), text) for name, text in environ.items() if name.startswith("HTTP_")]
    headers.append(("Content-Type", environ.get("CONTENT_TYPE", "")))
    target = environ["REQUEST_URI"].partition("?")[0] + "?" + environ["QUERY_STRING"]
    event = GATEWAY.event_of(HttpRequest(environ["REQUEST_METHOD"], target, headers, raw))
    response = event if isinstance(event, HttpResponse) else GATEWAY.response_of(app.app(event, None))
    start_response(f"{response.status} {response.status}", list(response.headers))
    return [response.body]


def configuration() -> SchemathesisConfig:
    checks = ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=ACCEPTED))
    return SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(checks=checks)))


@pytest.fixture(scope="module")
def module_api() -> Iterator[Api]:
    """One API for all examples of an operation."""
    with pytest.MonkeyPatch.context() as patch:
        api = Api()
        put_in_place(api, patch)
        yield api


def load(document: dict[str, Any]) -> BaseSchema:
    document.pop("servers")  # relative to the document's address, and here it has none
    loaded = schemathesis.openapi.from_dict(document, config=configuration())
    loaded.app = serve
    return loaded


@pytest.fixture(scope="module")
def schema(module_api: Api) -> BaseSchema:
    return load(module_api.get("/v1/openapi.json", fan=None).json)


DOCUMENTED = [operation for operation in app.api.operations if operation.response_model]
IGNORES_SOME = "/v1/offers/verify"
"""Which of its query parameters are read depends on the others, so that an invalid one may be ignored."""
TAKES_INPUT = [
    operation
    for operation in DOCUMENTED
    if operation.path != IGNORES_SOME and (operation.query or operation.request_model or "{" in operation.path)
]
CASES = [
    *[(operation.method, operation.path, GenerationMode.POSITIVE) for operation in DOCUMENTED],
    *[(operation.method, operation.path, GenerationMode.NEGATIVE) for operation in TAKES_INPUT],
]


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_generated_requests_are_answered_as_described(
    module_api: Api, schema: BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    play(schema, method, path, mode, module_api)


def play(schema: BaseSchema, method: str, path: str, mode: GenerationMode, api: Api) -> None:
    """Send generated requests to an operation, and validate the responses."""
    checks = OF_VALID if mode is GenerationMode.POSITIVE else OF_INVALID

    @STEADY
    @given(schema[path][method].as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        case.headers["Authorization"] = f"Bearer {token_of('ann', 'operator creator')}"
        if mode is GenerationMode.POSITIVE:
            complete(case, api)
        case.call_and_validate(checks=checks)

    api.fund()
    check()


WRONG: dict[str, tuple[str, str, GenerationMode, str, dict[str, Any]]] = {
    "a response that breaks its schema": ("GET", "/v1/wallet", GenerationMode.POSITIVE, "owed", {"minimum": 1}),
    "a bound that is too high": ("POST", "/v1/self-exclusions", GenerationMode.POSITIVE, "days", {"minimum": 5_000}),
    "an enum that lacks a value": ("GET", "/v1/worth", GenerationMode.POSITIVE, "basis", {"enum": ["paid"]}),
}
"""Rules that contradict the code: operation, mode, field and rule."""


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rule_is_found(module_api: Api, name: str) -> None:
    method, path, mode, field, rule = WRONG[name]
    document = module_api.get("/v1/openapi.json", fan=None).json
    for schema in document["components"]["schemas"].values():
        if field in schema["properties"]:
            schema["properties"][field] = {"type": schema["properties"][field]["type"], "maximum": 10_000, **rule}
    with pytest.raises(FailureGroup):
        play(load(document), method, path, mode, module_api)


def complete(case: Case[Any], api: Api) -> None:
    """Keep the rules that JSON Schema cannot express, or a generator cannot keep."""
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = api.clock.new_id()
    if case.path == "/v1/webhooks/stripe":
        case.headers["Stripe-Signature"] = "signed"
        case.body = api.gateway.sign(event_for(api)).decode()
    case.query.pop("cursor", None)  # opaque: a valid one is in an earlier response only
    if case.path == "/v1/offers/verify":
        kept = next((name for name in ("url", "jws") if case.query.get(name)), None)
        case.query = {kept: case.query[kept]} if kept else {"coins": 70, "amount_minor": 74}
    if isinstance(case.body, dict):
        body = {field: _completed(field, value, case) for field, value in case.body.items()}
        if case.path == "/v1/budgets":
            limits = body.get("money", {}).values()
            body["currency"] = "usd" if any(limit is not None for limit in limits) else None
        case.body = body


def _completed(field: str, value: Any, case: Case[Any]) -> Any:
    match field:
        case "zone":
            return "Europe/Berlin"
        case "return_url" if value:
            return f"https://shop.example/{len(value)}"
        case "reason":
            return "asked to"
        case "review_id":
            return "2026-11.pi_1"
        case "sender_name":
            return value[:12]  # limited in bytes, too
        case "streak_id" if value:
            return case.headers["Idempotency-Key"]
    return _without_floats(value)


def _without_floats(value: Any) -> Any:
    """Convert 1.0 to 1: JSON Schema takes it for an integer, but the API converts no number."""
    if isinstance(value, dict):
        return {name: _without_floats(inner) for name, inner in value.items()}
    return int(value) if isinstance(value, float) else value
