"""The API itself: its health and its description."""

from chalice.app import Blueprint

from chalicelib import VERSION, services
from chalicelib.http import openapi, routing
from chalicelib.http.responses import Answer
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import common

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/health", gives=common.HealthAnswer, auth="none")
def get_health(_ask: Ask[None]) -> Answer:
    """Report version and stage."""
    return Answer(body=common.HealthAnswer(status="ok", version=VERSION, stage=services.settings().stage))


@api.route("GET", "/v1/openapi.json", auth="none")
def get_openapi(_ask: Ask[None]) -> Answer:
    """This API, described."""
    return Answer(body=openapi.describe(api.root.operations), cacheable=True)
