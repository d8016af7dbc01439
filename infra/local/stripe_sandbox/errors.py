"""Error responses in Stripe's shape.

ApiError
└── ParamError      the parameters did not pass validation, so no idempotent result is kept
"""

from dataclasses import dataclass, field

JsonObject = dict[str, object]


@dataclass(eq=False)
class ApiError(Exception):
    """An error response: `{"error": {"type", "message", "code"?, "param"?, ...}}`."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    details: JsonObject = field(default_factory=dict)
    """More keys of the error, such as `payment_intent` for a declined card."""

    def to_json(self) -> JsonObject:
        """Render the body. As at Stripe, empty keys are left out."""
        error: JsonObject = {"type": self.type, "message": self.message}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error | self.details}


@dataclass(eq=False)
class ParamError(ApiError):
    """A parameter is unknown, missing, of the wrong type or outside its enum."""


def no_such(kind: str, object_id: str, param: str = "id", *, status: int = 404) -> ApiError:
    """Build the error for an unknown id: 404 for an id in the path, 400 for one in a parameter."""
    return ApiError(f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param)
