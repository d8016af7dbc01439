"""The errors the sandbox answers with, in Stripe's shape.

ApiError
└── ParamError      the parameters never passed validation, so no idempotent result is kept
"""

from dataclasses import dataclass, field

JsonObject = dict[str, object]


@dataclass(eq=False)
class ApiError(Exception):
    """An answer other than 200: `{"error": {"type", "message", "code"?, "param"?, ...}}`."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Render the body without the keys that say nothing, as Stripe does."""
        error: JsonObject = {"type": self.type, "message": self.message}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error}


@dataclass(eq=False)
class ParamError(ApiError):
    """A parameter is unknown, missing, of the wrong type or outside its enum."""


def no_such(kind: str, object_id: str, param: str = "id", *, status: int = 404) -> ApiError:
    """Say that an id names nothing: 404 when it stood in the path, 400 when in a parameter."""
    return ApiError(f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param)
