"""Routing: authentication, strict JSON bodies, uniform responses.

One decorator registers every route: it verifies the caller, decodes the body, runs the route and converts every error
to a problem document (RFC 9457). It adds HEAD to each GET and OPTIONS to each path; Chalice's `cors=` would write a
constant into the template. The registered routes are also the source of the OpenAPI document.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

import msgspec
from chalice.app import Blueprint, CaseInsensitiveMapping, Chalice, Request, Response

from chalicelib import errors, telemetry
from chalicelib.domain.identity import Caller
from chalicelib.domain.ids import is_uuid7
from chalicelib.domain.purchases import require_market
from chalicelib.http.bodies import body_of
from chalicelib.http.cors import Sharing, preflight_headers, shared_headers
from chalicelib.http.idempotency_keys import require_key
from chalicelib.http.responses import ApiResponse, problem_of, problem_page_of, request_id_of, response_of
from chalicelib.ports.tokens import TokenVerifier

Auth = Literal["required", "optional", "none"]
Body = TypeVar("Body")

MAX_QUERY_CHARACTERS: Final = 512
_LONGEST_NAME: Final = 64
_UNKNOWN_OUTCOME: Final = "The outcome is not known. The same request, with the same key, may be sent again."


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
    def is_speculative(self) -> bool:
        """True for HEAD and for a prefetch, which a browser sends before its user wants the answer."""
        return str(self._request.method) == "HEAD" or "prefetch" in self.header("sec-purpose") + self.header("purpose")

    @property
    def idempotency_key(self) -> str:
        """Idempotency key. Raises MissingIdempotencyKey unless it is a lowercase UUIDv7."""
        return require_key(self.header("idempotency-key"))

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

    def market(self, default_currency: str) -> tuple[str, str]:
        """Return the query's currency and channel. Raises InvalidField for an unknown one."""
        return require_market(self.query("currency", default_currency), self.query("channel", "web"))

    def cursor(self, is_position: Callable[[str], bool] = is_uuid7) -> str | None:
        """Decode the pagination cursor, an entry id or another position. Raises InvalidField for any other text."""
        text = self.query("cursor", "")
        if not text:
            return None
        try:
            position = urlsafe_b64decode(text.encode("ascii")).decode("ascii")
        except ValueError:
            position = ""
        if not is_position(position):
            raise errors.InvalidField("cursor", "a next_cursor of an earlier response")
        return position

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        return str(self._request.headers.get(name, ""))


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A registered route, as `Api.route` describes it."""

    method: str
    path: str
    summary: str
    tag: str
    request_model: type[msgspec.Struct] | None
    response_model: type[msgspec.Struct] | None
    auth: Auth
    query: Sequence[str] | None
    sharing: Sharing
    scope: str | None
    raw_bytes: int | None
    is_page: bool


View = Callable[[ApiRequest[Any]], ApiResponse]


class RouterServices(Protocol):
    """Services of the router itself."""

    @property
    def tokens(self) -> TokenVerifier:
        """Verifier of the platform's tokens."""

    @property
    def allowed_origins(self) -> Sequence[str]:
        """Origins whose pages may read responses; `*` for any."""

    def pseudonym(self, user_id: str) -> str:
        """Hash a user id for logs."""


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
        query: Sequence[str] | None = (),
        scope: str | None = None,
        raw_bytes: int | None = None,
        sharing: Sharing = "allowed",
        is_page: bool = False,
    ) -> Callable[[View], Callable[..., Response]]:
        """Register a function for a method and path.

        Args:
            method, path: as in Chalice.
            request_model, response_model: types of the JSON bodies; None for no body.
            auth: `required`, `optional` (a token is verified if sent) or `none` (tokens are ignored).
            query: names of the query parameters; None for any.
            scope: required entry of the token's `scope`.
            raw_bytes: pass up to this many raw bytes as `body` instead of JSON.
            sharing: origins whose pages may read the responses.
            is_page: errors are shown as HTML, and other query parameters are ignored.
        """
        describe = partial(Operation, method=method, path=path, auth=auth, query=query, sharing=sharing, scope=scope)
        describe = partial(describe, request_model=request_model, response_model=response_model, raw_bytes=raw_bytes)

        def decorate(view: View) -> Callable[..., Response]:
            summary, module = (view.__doc__ or "").partition("\n")[0], view.__module__.rpartition(".")[2]
            operation = describe(summary=summary, tag=module, is_page=is_page)
            self._record(operation)
            run = partial(self._run, operation, view)
            # Chalice passes path parameters as keywords; the view reads them from the request.
            register = self.app.route(path, methods=_with_head([method]), content_types=[])
            return register(wraps(view)(lambda **_path: self._answer(operation, run)))  # type: ignore[no-any-return]

        return decorate

    def _record(self, operation: Operation) -> None:
        """Add an operation to the document, and OPTIONS to its path."""
        if all(known.path != operation.path for known in self.operations):
            self._add_options(operation)
        self.operations.append(operation)

    def _add_options(self, operation: Operation) -> None:
        """Register OPTIONS for an operation's path. A preflight has no token, and needs no adapter."""

        def preflight(request: Request) -> ApiResponse:
            methods = _with_head([known.method for known in self.operations if known.path == operation.path])
            headers = preflight_headers([*methods, "OPTIONS"], self._shared(request, operation.sharing))
            return ApiResponse(body="", status=204, headers=headers)

        def options(**_path: str) -> Response:
            return self._answer(operation, preflight)

        self.app.route(operation.path, methods=["OPTIONS"], content_types=[])(options)

    def _run(self, operation: Operation, view: View, request: Request) -> ApiResponse:
        caller = self._caller(request, operation.auth, operation.scope)
        if operation.query is not None and not operation.is_page:
            _require_known_query(request, operation.query)
        return view(ApiRequest(request, body_of(request, operation.request_model, operation.raw_bytes), caller))

    def _shared(self, request: Request, sharing: Sharing) -> dict[str, str]:
        origin = str(request.headers.get("origin", ""))
        return shared_headers(origin, sharing, self._services.allowed_origins)

    def _answer(self, operation: Operation, run: Callable[[Request], ApiResponse]) -> Response:
        """Run a route for the current request; every error becomes a problem document, or a page."""
        began, request = time.monotonic(), self.app.current_request
        if request is None:
            raise RuntimeError("Chalice sets the request before it calls a route.")
        # Chalice fails on a non-text header only after the view has run.
        texts = {name: value for name, value in request.headers.items() if isinstance(value, str)}
        request.headers = CaseInsensitiveMapping(texts)
        problem = problem_page_of if operation.is_page else problem_of
        shared: dict[str, str] = {}
        with telemetry.invocation(request_id_of(request)):
            try:
                shared = self._shared(request, operation.sharing)
                response = response_of(run(request), request)
            except errors.CoinpurseError as error:
                response = problem(error, request)
            except Exception:  # noqa: BLE001  # every failure becomes a problem document
                telemetry.log.exception("unforeseen", extra={"path": request.path})
                telemetry.count("Unforeseen")
                response = problem(errors.CoinpurseError(_UNKNOWN_OUTCOME), request)
            telemetry.answered(str(request.method), operation.path, response.status_code, began)
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
        telemetry.identify(self._services.pseudonym(caller.user_id))
        if scope and scope not in caller.scopes:
            raise errors.Forbidden(f"The token lacks the scope {scope}.")
        return caller


def _require_known_query(request: Request, known: Sequence[str]) -> None:
    """Raise UnknownQuery for a query parameter that the route does not have."""
    for name in request.query_params or ():
        if name not in known:
            raise errors.UnknownQuery(name[:_LONGEST_NAME], known)


def _with_head(methods: list[str]) -> list[str]:
    """Add HEAD to GET. The server that sends a response to HEAD omits its body, and keeps the length of GET's."""
    return [*methods, "HEAD"] if "GET" in methods else methods


def _add_headers(response: Response, added: Mapping[str, str]) -> None:
    """Add headers to a response. `Vary` is a list, and keeps what it has."""
    own = response.headers.get("Vary")
    response.headers |= added
    if own and "Vary" in added:
        response.headers["Vary"] = f"{own}, {added['Vary']}"
