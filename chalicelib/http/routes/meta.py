"""Health and OpenAPI document."""

from chalice.app import Blueprint

from chalicelib import VERSION
from chalicelib.http import openapi, routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common
from chalicelib.services import services

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/health", response_model=common.HealthResponse, auth="none")
def get_health(_request: ApiRequest[None]) -> ApiResponse:
    """Report version and stage."""
    return ApiResponse(body=common.HealthResponse(status="ok", version=VERSION, stage=services.settings.stage))


@api.route("GET", "/v1/openapi.json", auth="none")
def get_openapi(_request: ApiRequest[None]) -> ApiResponse:
    """Return the OpenAPI document."""
    return ApiResponse(
        body=openapi.describe(api.root.operations, services.catalogue.default_currency()), cacheable=True
    )
