"""Request bodies: raw bytes of a webhook, or one JSON object."""

from typing import Final, TypeVar

import msgspec
from chalice.app import Request

from chalicelib import errors
from chalicelib.http.strict_json import decode_strictly

Body = TypeVar("Body")

MAX_BODY_BYTES: Final = 16 * 1024
MAX_WEBHOOK_BYTES: Final = 256 * 1024


def body_of(
    request: Request, model: type[msgspec.Struct] | None, raw_bytes: int | None
) -> bytes | msgspec.Struct | None:
    """Return up to `raw_bytes` bytes, or the JSON body decoded as `model`. None without either."""
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


def _json(request: Request, model: type[Body]) -> Body:
    media_type = str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise errors.UnsupportedMediaType("Send the body as application/json.")
    return decode_strictly(_raw(request, MAX_BODY_BYTES), model)
