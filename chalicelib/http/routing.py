"""Routing: authentication, strict JSON bodies, uniform responses.

One decorator registers every route: it verifies the caller, decodes the body, runs the route and converts every error
to a problem document (RFC 9457). It adds HEAD to each GET and OPTIONS to each path; Chalice's `cors=` would write a
constant into the template. The registered routes are also the source of the OpenAPI document.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

import msgspec
from chalice.app import Blueprint, CaseInsensitiveMapping, Chalice, Request, Response

from chalicelib import errors, telemetry
from chalicelib.domain.identity import Caller
from chalicelib.domain.ids import is_uuid7
from chalicelib.http.cors import Sharing, preflight_headers, shared_headers
from chalicelib.http.responses import ApiResponse, problem_of, request_id_of, response_of
from chalicelib.http.strict_json import decode_strictly
from chalicelib.ports.tokens import TokenVerifier

Auth = Literal["required", "optional", "none"]
Body = TypeVar("Body")

MAX_BODY_BYTES: Final = 16 * 1024
MAX_WEBHOOK_BYTES: Final = 256 * 1024
MAX_QUERY_CHARACTERS: Final = 512


class ApiRequest(Generic[Body]):
    """A request with its decoded body and caller."""

    def __init__(self, request: Request, body: Body, caller: Caller | None) -> None:
        self._request = request
        self._caller = caller
        self.body: Body = body

    @property
    def user_id(self) -> str:
        """User id of the caller, a fan or an operator."""
        if self._caller is None:
            raise errors.Unauthenticated
        return self._caller.user_id

    @property
    def optional_user_id(self) -> str | None:
        """User id of the caller, None without a token."""
        return self._caller.user_id if self._caller else None

    @property
    def idempotency_key(self) -> str:
        """Idempotency key. Raises MissingIdempotencyKey unless it is a lowercase UUIDv7."""
        key = str(self._request.headers.get("idempotency-key", ""))
        if not is_uuid7(key):
            raise errors.MissingIdempotencyKey("Send an Idempotency-Key header: a UUIDv7 in lowercase.")
        return key

    @property
    def path_id(self) -> str:
        """Id in the path. Raises NotFound unless it is a UUIDv7."""
        path_id = self.path("id")
        if not is_uuid7(path_id):
            raise errors.NotFound
        return path_id

    def path(self, name: str) -> str:
        """Return a path parameter, undecoded."""
        return str((self._request.uri_params or {}).get(name, ""))

    def query(self, name: str, default: str, longest: int = MAX_QUERY_CHARACTERS) -> str:
        """Return a query parameter, the last of several. Raises InvalidField above `longest` characters."""
        parameters = self._request.query_params
        value = str(parameters.get(name, default)) if parameters else default
        if len(value) > longest:
            raise errors.InvalidField(name, f"at most {longest} characters")
        return value

    def query_int(self, name: str, default: int, low: int, high: int) -> int:
        """Return an integer query parameter. Raises InvalidField outside `low` to `high`."""
        text = self.query(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            raise errors.InvalidField(name, f"a whole number from {low} to {high}")
        return int(text)

    def cursor(self) -> str | None:
        """Decode the pagination cursor to an entry id. Raises InvalidField for any other text."""
        text = self.query("cursor", "")
        if not text:
            return None
        try:
            entry_id = urlsafe_b64decode(text.encode("ascii")).decode("ascii")
        except ValueError:
            entry_id = ""
        if not is_uuid7(entry_id):
            raise errors.InvalidField("cursor", "a next_cursor of an earlier answer")
        return entry_id

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        return str(self._request.headers.get(name, ""))


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A registered route, as the OpenAPI document needs it."""

    method: str
    path: str
    summary: str
    request_model: type[msgspec.Struct] | None
    response_model: type[msgspec.Struct] | None
    auth: Auth
    query: Sequence[str]
    sharing: Sharing


class RouterServices(Protocol):
    """Services of the router itself."""

    @property
    def tokens(self) -> TokenVerifier:
        """Verifier of the platform's tokens."""
        ...

    @property
    def allowed_origins(self) -> Sequence[str]:
        """Origins whose pages may read responses; `*` for any."""
        ...


class Api:
    """Routes of a Chalice app or blueprint.

    Args:
        app: the app or blueprint.
        services: verifies bearer tokens, and knows the allowed origins.
    """

    def __init__(self, app: Chalice | Blueprint, services: RouterServices) -> None:
        self.app = app
        self._services = services
        self.operations: list[Operation] = []
        self.root = self

    def mount(self, *others: "Api") -> None:
        """Register the routes of blueprints."""
        for other in others:
            if not (isinstance(self.app, Chalice) and isinstance(other.app, Blueprint)):
                raise TypeError("Only blueprints can be mounted, and only on the app.")
            self.app.register_blueprint(other.app)
            other.root = self
            self.operations += other.operations

    def route(
        self,
        method: str,
        path: str,
        *,
        request_model: type[msgspec.Struct] | None = None,
        response_model: type[msgspec.Struct] | None = None,
        auth: Auth = "required",
        query: Sequence[str] = (),
        scope: str | None = None,
        raw_bytes: int | None = None,
        sharing: Sharing = "allowed",
    ) -> Callable[[Callable[[ApiRequest[Any]], ApiResponse]], Callable[..., Response]]:
        """Register a function for a method and path.

        Args:
            method, path: as in Chalice.
            request_model, response_model: types of the JSON bodies; None for no body.
            auth: `required`, `optional` (a token is verified if sent) or `none` (tokens are ignored).
            query: names of the query parameters.
            scope: required entry of the token's `scope`.
            raw_bytes: pass up to this many raw bytes as `body` instead of JSON.
            sharing: origins whose pages may read the responses.
        """
        operation = partial(Operation, method=method, path=path, auth=auth, query=query, sharing=sharing)

        def decorate(view: Callable[[ApiRequest[Any]], ApiResponse]) -> Callable[..., Response]:
            summary = (view.__doc__ or "").partition("\n")[0]
            self._record(operation(summary=summary, request_model=request_model, response_model=response_model))

            def run(request: Request) -> ApiResponse:
                caller = self._caller(request, auth, scope)
                return view(ApiRequest(request, _body(request, request_model, raw_bytes), caller))

            # Chalice passes path parameters as keywords; the view reads them from the request.
            register = self.app.route(path, methods=_with_head([method]), content_types=[])
            return register(wraps(view)(lambda **_path: self._answer(run, sharing)))  # type: ignore[no-any-return]

        return decorate

    def _record(self, operation: Operation) -> None:
        """Add an operation to the document, and OPTIONS to its path."""
        if all(known.path != operation.path for known in self.operations):
            self._add_options(operation.path, operation.sharing)
        self.operations.append(operation)

    def _add_options(self, path: str, sharing: Sharing) -> None:
        """Register OPTIONS for a path. A preflight has no token, and needs no adapter."""

        def preflight(request: Request) -> ApiResponse:
            methods = _with_head([known.method for known in self.operations if known.path == path])
            headers = preflight_headers([*methods, "OPTIONS"], self._shared(request, sharing))
            return ApiResponse(body="", status=204, headers=headers)

        def options(**_path: str) -> Response:
            return self._answer(preflight, sharing)

        self.app.route(path, methods=["OPTIONS"], content_types=[])(options)

    def _shared(self, request: Request, sharing: Sharing) -> dict[str, str]:
        origin = str(request.headers.get("origin", ""))
        return shared_headers(origin, sharing, self._services.allowed_origins)

    def _answer(self, run: Callable[[Request], ApiResponse], sharing: Sharing) -> Response:
        """Run a route for the current request; every error becomes a problem document."""
        request = self.app.current_request
        if request is None:
            raise RuntimeError("Chalice sets the request before it calls a route.")
        # Chalice fails on a non-text header only after the view has run.
        texts = {name: value for name, value in request.headers.items() if isinstance(value, str)}
        request.headers = CaseInsensitiveMapping(texts)
        shared: dict[str, str] = {}
        with telemetry.invocation(request_id_of(request)):
            try:
                shared = self._shared(request, sharing)
                response = response_of(run(request), request)
            except errors.CoinpurseError as error:
                response = problem_of(error, request)
            except Exception:  # noqa: BLE001  # every failure becomes a problem document
                telemetry.log.exception("unforeseen", extra={"path": request.path})
                telemetry.count("Unforeseen")
                response = problem_of(errors.CoinpurseError(_UNKNOWN_OUTCOME), request)
        _add_headers(response, shared)
        return response

    def _caller(self, request: Request, auth: Auth, scope: str | None) -> Caller | None:
        if auth == "none":
            return None
        scheme, _, token = str(request.headers.get("authorization", "")).partition(" ")
        try:
            if scheme.lower() != "bearer" or not token or not token.isascii():
                raise errors.Unauthenticated
            caller = self._services.tokens.verify(token.strip())
        except errors.Unauthenticated:
            if auth == "optional":
                return None
            raise
        if scope and scope not in caller.scopes:
            raise errors.Forbidden(f"The token lacks the scope {scope}.")
        return caller


def _with_head(methods: list[str]) -> list[str]:
    """Add HEAD to GET. The server that sends a response to HEAD omits its body, and keeps the length of GET's."""
    return [*methods, "HEAD"] if "GET" in methods else methods


def _add_headers(response: Response, added: Mapping[str, str]) -> None:
    """Add headers to a response. `Vary` is a list, and keeps what it has."""
    own = response.headers.get("Vary")
    response.headers |= added
    if own and "Vary" in added:
        response.headers["Vary"] = f"{own}, {added['Vary']}"


_UNKNOWN_OUTCOME: Final = "The outcome is not known. The same request, with the same key, may be sent again."


def _body(request: Request, model: type[msgspec.Struct] | None, raw_bytes: int | None) -> bytes | msgspec.Struct | None:
    if raw_bytes:
        return _raw(request, raw_bytes)
    return _json(request, model) if model else None


def _raw(request: Request, limit: int) -> bytes:
    try:
        raw = request.raw_body
    except ValueError as error:
        raise errors.InvalidJson("Send one JSON object in UTF-8.") from error
    raw = raw.encode() if isinstance(raw, str) else raw
    if len(raw) > limit:
        raise errors.PayloadTooLarge(f"At most {limit} bytes.")
    return raw


def _json(request: Request, request_model: type[Body]) -> Body:
    media_type = str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise errors.UnsupportedMediaType("Send the body as application/json.")
    return decode_strictly(_raw(request, MAX_BODY_BYTES), request_model)
