"""Responses, and problem documents for errors."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from chalice.app import Request, Response
from msgspec import Struct, field

from chalicelib import errors, telemetry
from chalicelib.http import pages
from chalicelib.http.causes import cause_of

STATUS: Final[Mapping[type[Exception], int]] = {
    errors.InsufficientCoins: 402,
    errors.WalletFrozen: 403,
    errors.SelfExcluded: 403,
    errors.Refusal: 422,
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.IdempotencyConflict: 409,
    errors.PayloadTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.TryAgain: 503,
    errors.CoinpurseError: 500,
}


class ApiResponse(Struct, frozen=True, kw_only=True):
    """A route's result: a Struct sent as JSON, or text. `cacheable` adds an ETag."""

    body: msgspec.Struct | dict[str, object] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cacheable: bool = False


def created(body: msgspec.Struct, *, is_repeat: bool) -> ApiResponse:
    """Return 201 for a new resource, or 200 with the same body for a repeat."""
    if is_repeat:
        return ApiResponse(body=body, headers={"Idempotent-Replayed": "true"})
    return ApiResponse(body=body, status=201)


def cursor(position: str | None) -> str | None:
    """Encode the last entry id, or another position, as an opaque pagination cursor."""
    return None if position is None else urlsafe_b64encode(position.encode()).decode()


def response_of(response: ApiResponse, request: Request) -> Response:
    """Convert to a Chalice response; 304 without a body if the ETag matches."""
    body, headers = (
        response.body,
        {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **response.headers},
    )
    if not isinstance(body, str):
        body = msgspec.json.encode(body).decode()
        headers.setdefault("Content-Type", "application/json")
    if response.cacheable:
        etag = f'"{sha256(body.encode()).hexdigest()[:32]}"'
        headers |= {"ETag": etag, "Cache-Control": "public, max-age=60"}
        if etag in str(request.headers.get("if-none-match", "")):
            headers.pop("Content-Type", None)
            return Response("", {**headers, "X-Request-Id": request_id_of(request)}, 304)
    return Response(body, {**headers, "X-Request-Id": request_id_of(request)}, response.status)


def problem_of(error: errors.CoinpurseError, request: Request) -> Response:
    """Convert an error to a problem document."""
    status = _log_refusal(error, request)
    document = {
        "type": f"urn:coinpurse:problem:{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id_of(request),
        **error.extensions,
    }
    headers: dict[str, str | list[str]] = {
        "Content-Type": "application/problem+json",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        **_refusal_headers(error, request),
    }
    return Response(msgspec.json.encode(document).decode(), headers, status)


def problem_page_of(error: errors.CoinpurseError, request: Request) -> Response:
    """Convert an error on a page to a page."""
    status = _log_refusal(error, request)
    text = error.detail if isinstance(error, errors.BadRequest) else "Please try again in a moment."
    headers: dict[str, str | list[str]] = {**pages.headers(), **_refusal_headers(error, request)}
    return Response(pages.problem(text), headers, status)


def _log_refusal(error: errors.CoinpurseError, request: Request) -> int:
    """Log the error. Returns its status: that of the nearest class in STATUS."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    cause = cause_of(error)
    fields = {"code": error.code, "status": status, "path": request.path, **({"cause": cause} if cause else {})}
    telemetry.log.info("refused", extra=fields)
    return status


def _refusal_headers(error: errors.CoinpurseError, request: Request) -> dict[str, str]:
    headers = {"X-Request-Id": request_id_of(request)}
    if isinstance(error, errors.TryAgain | errors.Unauthenticated) and error.retry_after_seconds:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def request_id_of(request: Request) -> str:
    """Return API Gateway's request id."""
    return str(request.context.get("requestId", ""))
