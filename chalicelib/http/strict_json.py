"""Strict decoding of JSON bodies."""

import json
import re
from typing import Final, NoReturn, TypeVar

import msgspec

from chalicelib.errors import InvalidField, InvalidJson, UnknownField

Body = TypeVar("Body")

_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.(.*)`)?", re.DOTALL)
_MISSING_FIELD: Final = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.(.*)`)?", re.DOTALL)
_BAD_FIELD: Final = re.compile(r"(.*) - at `\$\.(.*)`", re.DOTALL)
_LONGEST_NAME: Final = 64
_TERMS: Final = {
    "int": "a whole number",
    "float": "a decimal number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_TYPE: Final = re.compile(rf"`({'|'.join(_TERMS)})( \| null)?`")


def decode_strictly(raw: bytes, kind: type[Body]) -> Body:
    """Decode the body in `raw`.

    Raises:
        InvalidJson: not one JSON object in UTF-8, or a duplicate name.
        UnknownField: a field that `kind` lacks.
        InvalidField: a missing field or another type; nothing is coerced.
    """
    try:
        body = msgspec.json.decode(raw, type=kind)
        # msgspec keeps the last of two equal names; a proxy may have read the first.
        json.loads(raw, object_pairs_hook=_without_duplicates)
    except msgspec.ValidationError as error:
        _raise_in_our_words(error)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidJson("Send one JSON object in UTF-8.") from error
    return body


def in_json_terms(message: str) -> str:
    """Replace Python's types in a message of msgspec: "Expected a whole number, got a text"."""
    return _TYPE.sub(lambda found: _TERMS[found[1]] + (found[2] or "").replace("|", "or"), message)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _raise_in_our_words(error: msgspec.ValidationError) -> NoReturn:
    message = str(error)
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        raise UnknownField(_inside(unknown)[:_LONGEST_NAME]) from error
    if missing := _MISSING_FIELD.fullmatch(message):
        raise InvalidField(_inside(missing), "required") from error
    if bad := _BAD_FIELD.fullmatch(message):
        raise InvalidField(bad[2][:_LONGEST_NAME], in_json_terms(bad[1]).replace("`", "").lower()) from error
    raise InvalidJson("Send one JSON object.") from error


def _inside(found: re.Match[str]) -> str:
    """Return the field's path."""
    return ".".join(name for name in (found[2], found[1]) if name is not None)
