"""The Flask application: the API, the hosted pages and the control API."""

from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from .api import Api, ApiRequest
from .connections import IS_REUSED, drop
from .control import Control, control_blueprint
from .errors import ApiError
from .idempotency import ApiResponse
from .pay_page import pages_blueprint
from .portal_page import portal_blueprint

if TYPE_CHECKING:
    import socket

FORM_TYPE = "application/x-www-form-urlencoded"


def build_app(api: Api, control: Control) -> Flask:
    """Build the application."""
    app = Flask(__name__)
    app.register_blueprint(pages_blueprint(api.store))
    app.register_blueprint(portal_blueprint(api.store))
    app.register_blueprint(control_blueprint(control))

    @app.route("/v1/<path:_rest>", methods=["GET", "POST", "DELETE"])
    def serve_api(_rest: str) -> Response:
        connection = cast("socket.socket", request.environ["werkzeug.socket"])
        if request.environ[IS_REUSED] and api.finds_connection_dead():
            drop(connection)
            return Response()
        try:
            incoming = _read_request()
        except ApiError as error:
            return _respond(ApiResponse(error.status, error.to_json()))
        response = api.serve(incoming)
        if api.drops_response(incoming):
            drop(connection)
        return _respond(response)

    @app.errorhandler(ApiError)
    def show_api_error(error: ApiError) -> Response:
        return _respond(ApiResponse(error.status, error.to_json()))

    @app.errorhandler(HTTPException)
    def show_http_error(error: HTTPException) -> Response:
        return _respond(ApiResponse(error.code or 500, {"error": {"message": error.name}}))

    return app


def _read_request() -> ApiRequest:
    body = request.get_data()
    if body and request.mimetype != FORM_TYPE:
        raise ApiError(f"Invalid request (check that your POST content type is {FORM_TYPE}).")
    try:
        texts = (request.query_string.decode("ascii"), body.decode("ascii"))
        pairs = tuple(pair for text in texts for pair in parse_qsl(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise ApiError("Invalid UTF-8 in the request.") from None
    headers = {name.lower(): value for name, value in request.headers.items()}
    return ApiRequest(request.method, request.path, headers, pairs)


def _respond(response: ApiResponse) -> Response:
    written = jsonify(response.body)
    written.status_code = response.status
    written.headers.update(response.headers)
    return written
