"""The Idempotency-Key header."""

import re
from typing import Final

from chalicelib.domain.ids import is_uuid7
from chalicelib.errors import MissingIdempotencyKey

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NO_KEY: Final = "Send an Idempotency-Key header: a UUIDv7 in lowercase, made before the request and kept for repeats."
_REMEDY: Final = (
    "Version 7 begins with the time, which tells a new request from a late repeat. Most libraries have a function of "
    "its own for it (uuid7, NewV7); crypto.randomUUID() and uuid4() make version 4."
)


def require_key(header: str) -> str:
    """Return the key. Raises MissingIdempotencyKey, with the remedy, unless it is a lowercase UUIDv7."""
    if is_uuid7(header):
        return header
    uuid = _UUID.fullmatch(header)
    if uuid is None:
        detail = _NO_KEY
    elif is_uuid7(header.lower()):
        detail = "Send this Idempotency-Key in lowercase."
    elif uuid[1] == "7":
        detail = "This Idempotency-Key is no UUID of RFC 9562: after the third hyphen must follow 8, 9, a or b."
    else:
        detail = f"This Idempotency-Key is a UUID of version {int(uuid[1], 16)}, and must be of version 7. {_REMEDY}"
    raise MissingIdempotencyKey(detail, field="Idempotency-Key", rule="a UUIDv7 in lowercase")
