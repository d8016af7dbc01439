"""The API's description as a page: Swagger UI, from the package swagger-ui-py, on the API's own OpenAPI document."""

from importlib.util import find_spec
from pathlib import Path

from flask import Flask, Response, send_from_directory

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coinpurse API</title>
<link rel="icon" href="/assets/coin.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="docs"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#docs",
  validatorUrl: null,
  deepLinking: true,
  persistAuthorization: false,
});
"""

_FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
_HEADERS = {
    # Swagger UI sets styles on elements, and has its pictures as data.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def add_docs(app: Flask) -> None:
    """Add `/docs` and its files to the front door."""

    @app.get("/docs")
    def show_docs() -> Response:
        return Response(_PAGE, 200, {"Content-Type": "text/html; charset=utf-8", **_HEADERS})

    @app.get("/docs/start.js")
    def show_start() -> Response:
        return Response(_START, 200, {"Content-Type": "text/javascript; charset=utf-8", **_HEADERS})

    @app.get("/docs/<name>")
    def show_file(name: str) -> Response:
        if name not in _FILES:
            return Response("There is no such file.", 404)
        return send_from_directory(_folder(), name)


def _folder() -> Path:
    """Return the folder of the package's files. The package itself is not imported."""
    spec = find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise RuntimeError("swagger-ui-py is not installed: run make again.")
    return Path(spec.origin).parent / "static"
