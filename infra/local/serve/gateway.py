"""Events and responses as API Gateway makes them for a REST API with Lambda proxy integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from infra.local.api_gateway import RENAMED_HEADERS
from infra.local.deployment import STAGE
from infra.package import ROOT

MAX_BODY_BYTES = 10 * 1024 * 1024
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it arrived. `target` is path and query, percent-encoded."""

    method: str
    target: str
    headers: Headers
    body: bytes
    client: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Headers
    body: bytes


class Gateway:
    """The routes of an API, and its responses to requests that reach no function.

    Args:
        paths: the API's resources, such as `/v1/gifts/{id}`, with their methods.
        binary_types: media types of bodies that travel in base64.
        gateway_responses: `GatewayResponses` of the API in the template.
    """

    def __init__(
        self, paths: Mapping[str, Iterable[str]], binary_types: Iterable[str], gateway_responses: Mapping[str, Any]
    ) -> None:
        self._methods = {path: frozenset(methods) for path, methods in paths.items()}
        self._binary_types = frozenset(binary_types)
        self._responses = gateway_responses

    def event_of(self, request: HttpRequest) -> dict[str, Any] | HttpResponse:
        """Build the event of a request, or the gateway's own response if no route serves it."""
        request_id = str(uuid4())
        path, _, query = request.target.partition("?")
        if len(request.body) > MAX_BODY_BYTES:
            return self._own_response("REQUEST_TOO_LARGE", request_id)
        found = self._resource_of(path)
        if found is None or request.method not in self._methods[found[0]]:
            return self._own_response("MISSING_AUTHENTICATION_TOKEN", request_id)
        resource, path_parameters = found
        parameters = parse_qs(query, keep_blank_values=True)
        body, is_base64 = self._body_of(request)
        # The names keep their case. Of a repeated header or parameter, the single value is the last one.
        listed: dict[str, list[str]] = {}
        for name, value in request.headers:
            listed.setdefault(name, []).append(value)
        return {
            "resource": resource,
            "path": path,
            "httpMethod": request.method,
            "headers": {name: values[-1] for name, values in listed.items()},
            "multiValueHeaders": listed,
            "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
            "multiValueQueryStringParameters": parameters or None,
            "pathParameters": path_parameters or None,
            "stageVariables": None,
            "requestContext": _context(request, resource, path, request_id, listed),
            "body": body,
            "isBase64Encoded": is_base64,
        }

    def response_of(self, result: Mapping[str, Any]) -> HttpResponse:
        """Convert a function's result to the response that the gateway sends."""
        several = {name.lower(): (name, values) for name, values in (result.get("multiValueHeaders") or {}).items()}
        single = {name.lower(): (name, [value]) for name, value in (result.get("headers") or {}).items()}
        headers = [
            (RENAMED_HEADERS.get(key, name), str(value))
            for key, (name, values) in (single | several).items()
            for value in values
        ]
        body = str(result.get("body") or "")
        return HttpResponse(
            int(result["statusCode"]), headers, b64decode(body) if result.get("isBase64Encoded") else body.encode()
        )

    def _resource_of(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Find the resource of a path. One without parameters goes first; parameters stay percent-encoded."""
        for resource, pattern in self._patterns:
            if found := pattern.fullmatch(path):
                return resource, found.groupdict()
        return None

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        ordered = sorted(self._methods, key=lambda resource: ("{" in resource, resource))
        return [(each, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(each)))) for each in ordered]

    def _body_of(self, request: HttpRequest) -> tuple[str | None, bool]:
        media_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
        if media_type.partition(";")[0].strip().lower() in self._binary_types:
            return b64encode(request.body).decode(), True
        return request.body.decode("utf-8", "replace") or None, False

    def _own_response(self, kind: str, request_id: str) -> HttpResponse:
        """Render a gateway response of the template; values are quoted texts or `context.requestId`."""
        described = self._responses[kind]
        headers = [
            (name, request_id if value == "context.requestId" else value.strip("'"))
            for name, value in described["ResponseParameters"]["Headers"].items()
        ]
        body = described["ResponseTemplates"]["application/json"].replace("$context.requestId", request_id)
        return HttpResponse(int(described["StatusCode"]), headers, body.encode())


def packaged_responses(template: Path = ROOT / "build" / STAGE / "sam.json") -> Mapping[str, Any]:
    """Read the gateway responses of the packaged template."""
    found: Mapping[str, Any] = json.loads(template.read_text())["Resources"]["RestAPI"]["Properties"][
        "GatewayResponses"
    ]
    return found


def _context(
    request: HttpRequest, resource: str, path: str, request_id: str, headers: Mapping[str, list[str]]
) -> dict[str, Any]:
    now = time.time()
    agent = next((values[-1] for name, values in headers.items() if name.lower() == "user-agent"), None)
    return {
        "accountId": "000000000000",
        "apiId": "serve",
        "domainName": "127.0.0.1",
        "extendedRequestId": request_id,
        "httpMethod": request.method,
        "identity": {"sourceIp": request.client, "userAgent": agent},
        "path": f"/{STAGE}{path}",
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": resource,
        "resourcePath": resource,
        "stage": STAGE,
    }
