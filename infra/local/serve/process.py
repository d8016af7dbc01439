"""The server process: threads speak HTTP, and the main thread calls the Chalice handler, one request at a time.

The handler runs in the main thread, so that `breakpoint()` and debuggers have the terminal and no second request.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from infra.local.facts import StackFacts, aws_session
from infra.local.serve.gateway import MAX_BODY_BYTES, Gateway, HttpRequest, HttpResponse, packaged_responses

if TYPE_CHECKING:
    from chalice.app import Chalice

Handle = Callable[[dict[str, Any]], Mapping[str, Any]]

_FUNCTION = "APIHandler"
_IDLE_SECONDS = 10
_REMOTE_VARIABLES = ("AWS_PROFILE", "AWS_SESSION_TOKEN")


class RequestQueue:
    """Requests of many threads, handled by the one thread that calls `run`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._waiting: SimpleQueue[tuple[dict[str, Any], Future[Mapping[str, Any]]] | None] = SimpleQueue()

    def call(self, event: dict[str, Any]) -> Mapping[str, Any]:
        """Wait for the event's turn, and return the handler's result or raise its error."""
        future: Future[Mapping[str, Any]] = Future()
        self._waiting.put((event, future))
        return future.result()

    def run(self) -> None:
        """Handle events until `stop` is called."""
        while (taken := self._waiting.get()) is not None:
            event, future = taken
            try:
                future.set_result(self._handle(event))
            except Exception as error:  # noqa: BLE001  # raised in the thread that waits for the result
                future.set_exception(error)

    def stop(self) -> None:
        self._waiting.put(None)


def make_server(gateway: Gateway, requests: RequestQueue, listener: socket.socket) -> ThreadingHTTPServer:
    """Build the HTTP server on a bound socket. It answers 502 if the handler fails, as API Gateway does."""

    class Handler(BaseHTTPRequestHandler):
        # The port stays open while the server process is replaced, so a kept connection would end in an error.
        protocol_version = "HTTP/1.0"
        timeout = _IDLE_SECONDS

        def _serve(self) -> None:
            started = time.monotonic()
            if "Transfer-Encoding" in self.headers:
                self.send_error(411)
                return
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES + 1))
            request = HttpRequest(self.command, self.path, self.headers.items(), body, self.client_address[0])
            response = _respond(gateway, requests, request)
            self.send_response_only(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            path = self.path.partition("?")[0]
            print(f"{self.command} {path} {response.status} {(time.monotonic() - started) * 1000:.0f} ms", flush=True)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named so by http.server
            """Drop messages about malformed requests."""

    server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    return server


def serve(listener: socket.socket, directory: Path) -> None:
    """Serve the API of this project against the stack in `directory`, until SIGTERM or Ctrl-C."""
    facts = StackFacts.read(directory)
    if facts is None:
        return
    api = load_api(facts)
    requests = RequestQueue(lambda event: api(event, None))
    server = make_server(gateway_of(api), requests, listener)
    Thread(target=server.serve_forever, daemon=True).start()
    print("Ready.", flush=True)
    with suppress(KeyboardInterrupt):
        requests.run()


def load_api(facts: StackFacts) -> "Chalice":
    """Import the application with the settings of the stack's functions. It cannot be done for a second stack."""
    for name in _REMOTE_VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(function_environment(facts))
    import app  # only now: it reads the environment
    from chalicelib.adapters.catalogue_files import load_file
    from chalicelib.services import services

    if facts.catalogue_file:
        services.catalogue = load_file(Path(facts.catalogue_file))
    # The server prints a line of its own for each request, which a person can read.
    logging.getLogger("coinpurse.requests").setLevel(logging.WARNING)
    return app.app


def gateway_of(api: "Chalice") -> Gateway:
    """Build the gateway of the application's routes."""
    paths = {path: list(methods) for path, methods in api.routes.items()}
    return Gateway(paths, api.api.binary_types, packaged_responses())


def function_environment(facts: StackFacts) -> dict[str, str]:
    """Return the environment variables of the deployed API function, and those that lead to the local cloud."""
    session = aws_session(facts.aws_region)
    stack = session.client("cloudformation", endpoint_url=facts.aws_endpoint_url)
    resource = stack.describe_stack_resource(StackName="coinpurse", LogicalResourceId=_FUNCTION)
    client = session.client("lambda", endpoint_url=facts.aws_endpoint_url)
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    return {
        **client.get_function_configuration(FunctionName=name)["Environment"]["Variables"],
        "AWS_ENDPOINT_URL": facts.aws_endpoint_url,
        "AWS_REGION": facts.aws_region,
        "AWS_DEFAULT_REGION": facts.aws_region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _respond(gateway: Gateway, requests: RequestQueue, request: HttpRequest) -> HttpResponse:
    event = gateway.event_of(request)
    if isinstance(event, HttpResponse):
        return event
    try:
        return gateway.response_of(requests.call(event))
    except Exception as error:  # noqa: BLE001  # a response in any case, as at API Gateway
        print(f"{type(error).__name__}: {error}", flush=True)
        return HttpResponse(502, [("Content-Type", "application/json")], b'{"message": "Internal server error"}')
