"""Lists as Stripe pages them (newest first, cursors, `has_more`) and `expand[]`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypedDict, cast

from .errors import ApiError, JsonObject, ParamError, no_such
from .store import Store


class Listed(Protocol):
    """What can stand in a list."""

    @property
    def id(self) -> str:
        """The cursor."""

    def to_json(self) -> JsonObject:
        """The element."""


class Created(Protocol):
    """What can be filtered by time."""

    created: int


class PageParams(TypedDict, total=False):
    """The parameters every list takes."""

    limit: int
    starting_after: str
    ending_before: str


def page(things: Sequence[Listed], params: Mapping[str, object], url: str) -> JsonObject:
    """Cut one page out of `things`, which stand in the order they are listed in; raises ApiError."""
    cursors = cast("PageParams", params)
    limit = cursors.get("limit", 10)
    if not 1 <= limit <= 100:
        raise ParamError(f"Invalid limit: {limit} must be between 1 and 100.", param="limit")
    if "starting_after" in cursors and "ending_before" in cursors:
        raise ParamError("You may only provide one of these parameters: starting_after, ending_before.")
    if "ending_before" in cursors:
        before = things[: _position(things, cursors["ending_before"], "ending_before")]
        chosen, has_more = before[-limit:], len(before) > limit
    else:
        start = _position(things, cursors["starting_after"], "starting_after") + 1 if "starting_after" in cursors else 0
        chosen, has_more = things[start : start + limit], len(things) > start + limit
    return {"object": "list", "data": [thing.to_json() for thing in chosen], "has_more": has_more, "url": url}


def _position(things: Sequence[Listed], cursor: str, param: str) -> int:
    for index, thing in enumerate(things):
        if thing.id == cursor:
            return index
    raise no_such("object", cursor, param, status=400)


def is_within(thing: Created, created: object) -> bool:
    """Tell whether a `created` filter, an int or `{gt, gte, lt, lte}`, lets the thing through."""
    if created is None or isinstance(created, int):
        return created in (None, thing.created)
    bounds = cast("dict[str, int]", created)
    at = thing.created
    above = at > bounds.get("gt", at - 1) and at >= bounds.get("gte", at)
    return above and at < bounds.get("lt", at + 1) and at <= bounds.get("lte", at)


def expand(store: Store, body: JsonObject, paths: Iterable[str]) -> JsonObject:
    """Put whole objects in the place of ids, along paths such as `data.payment_intent.latest_charge`."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4 + (steps[0] == "data"):
            raise ApiError(f"You cannot expand more than 4 levels of a property ({path}).", param="expand")
        _expand_step(store, body, steps, path)
    return body


def _expand_step(store: Store, body: JsonObject, steps: Sequence[str], path: str) -> None:
    if not steps:
        return
    name, rest = steps[0], steps[1:]
    elements = body.get("data")
    if name == "data" and isinstance(elements, list):
        for element in elements:
            _expand_step(store, element, rest, path)
        return
    if name not in body:
        body |= _included(store, body, name, path)
    value = body[name]
    if isinstance(value, str):
        thing = store.find(value)
        if thing is None:
            raise _not_expandable(path)
        value = body[name] = thing.to_json()
    if isinstance(value, dict):
        _expand_step(store, value, rest, path)


def _included(store: Store, body: JsonObject, name: str, path: str) -> JsonObject:
    """Fetch the lists an object carries only when they are asked for."""
    object_id = str(body.get("id"))
    if name == "line_items" and object_id in store.sessions:
        items = store.sessions[object_id].line_items
        return {name: page(items, {}, f"/v1/checkout/sessions/{object_id}/line_items")}
    if name == "refunds" and object_id in store.charges:
        refunds = [refund for refund in reversed(store.refunds.values()) if refund.charge == object_id]
        return {name: page(refunds, {}, f"/v1/charges/{object_id}/refunds")}
    if name == "payments" and object_id in store.invoices:
        payments = [payment for payment in store.invoice_payments.values() if payment.invoice == object_id]
        return {name: page(payments, {}, "/v1/invoice_payments")}
    raise _not_expandable(path)


def _not_expandable(path: str) -> ApiError:
    return ApiError(f"This property cannot be expanded ({path}).", param="expand")
