"""Replace what differs from run to run: ids by their order of appearance, times and signatures by their kind."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b(?:cs_test|bps|pi|re|du|in|sub|cus|evt|ch|price|prod|si|pm|txn)_[A-Za-z0-9]{8,}"
)
_SHAPES: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<server>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d#\d\d"), "<hour>"),
    (re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])\b(?!-)"), "<month>"),
    (re.compile(r"\b(?:1[6-9]|2\d)\d{8}(?:\d{3})?\b"), "<epoch>"),
    (re.compile(r"Etc/GMT[+-]\d+"), "<zone>"),
    (re.compile(r'"[0-9a-f]{32}"'), "<etag>"),
)
_JWS = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_HIDDEN = {"x": "<point>", "y": "<point>", "kid": "<kid>", "version": "<version>"}
_PROSE = frozenset({"title", "detail"})


class Ids:
    """Numbers ids by their first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def name(self, found: str) -> str:
        """Return the stable name of an id, a new one at its first appearance."""
        if found not in self._numbers:
            kind = found.rpartition("_")[0] or "id"
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbers[found] = f"<{kind} {self._counts[kind]}>"
        return self._numbers[found]

    def known(self, found: str) -> str:
        """Return the stable name of an id that appeared before, a blank for any other."""
        return self._numbers.get(found, "<new id>")


def text(value: str, name: Callable[[str], str]) -> Any:
    """Normalize one string. A signed token becomes its decoded header and claims."""
    if _JWS.fullmatch(value):
        parts = [json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in value.split(".")[:2]]
        return {"jws": [normalized(part, name) for part in parts]}
    value = _JWS.sub("<jws>", value)
    for pattern, shape in _SHAPES:
        value = pattern.sub(shape, value)
    return _ID.sub(lambda found: name(found[0]), value)


def normalized(value: Any, name: Callable[[str], str]) -> Any:
    """Normalize every string and number of a JSON value."""
    if isinstance(value, str):
        return text(value, name)
    if isinstance(value, Mapping):
        return {text(key, name): _member(key, each, name) for key, each in value.items()}
    if isinstance(value, list):
        return [normalized(each, name) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        shown = text(str(value), name)
        return value if shown == str(value) else shown
    return value


def _member(key: str, value: Any, name: Callable[[str], str]) -> Any:
    if key in _HIDDEN and isinstance(value, str):
        return _HIDDEN[key]
    if "cursor" in key and isinstance(value, str):
        return "<cursor>"
    return normalized(value, name)


def answer(step: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Normalize a recorded answer. Sentences for people are left out: they may be rewritten."""
    shown = dict(step)
    if isinstance(shown.get("request"), str):
        shown["request"] = re.sub(r"cursor=[^&]+", "cursor=<cursor>", shown["request"])
    if isinstance(shown.get("answer"), Mapping):
        shown["answer"] = {
            key: "<sentence>" if key in _PROSE and isinstance(each, str) else each
            for key, each in shown["answer"].items()
        }
    return {str(key): each for key, each in normalized(shown, ids.name).items()}


def events(published: Sequence[Mapping[str, Any]], ids: Ids) -> list[Any]:
    """Normalize published messages, in the order of publication."""
    return [normalized(each, ids.name) for each in published]


def rows(items: Sequence[Mapping[str, Any]], ids: Ids) -> dict[str, Any]:
    """Normalize the table's items, by their keys, each attribute with DynamoDB's type."""
    ordered = sorted(items, key=lambda item: json.dumps(normalized(item, ids.known), sort_keys=True))
    found: dict[str, Any] = {}
    for item in ordered:
        row = {name: _attribute(value, ids) for name, value in sorted(item.items())}
        key = f"{row.pop('PK')} | {row.pop('SK')}"
        found[key] = row
    return dict(sorted(found.items()))


def _attribute(value: Mapping[str, Any], ids: Ids) -> str:
    [(kind, content)] = value.items()
    shown = text(content if isinstance(content, str) else json.dumps(content, sort_keys=True), ids.name)
    return f"{kind}:{shown}"
