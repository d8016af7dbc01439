"""Causes of refusals, as logs name them."""

from typing import Final

_LONGEST: Final = 100


def cause_of(error: BaseException) -> str | None:
    """Return a name for the `__cause__` of an error, or None without one.

    The name is AWS's error code, an adapter's own message or the class: messages of other libraries can hold parts of
    a token or a body.
    """
    cause = error.__cause__
    if cause is None:
        return None
    if type(cause).__module__.startswith("chalicelib.adapters."):
        return str(cause)[:_LONGEST]
    return _aws_code(cause) or type(cause).__name__


def _aws_code(cause: BaseException) -> str | None:
    """Return the error code that boto3 or PynamoDB keeps, such as `ThrottlingException`."""
    response = getattr(cause, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    code = code or getattr(cause, "cause_response_code", None)
    return str(code)[:_LONGEST] if code else None
