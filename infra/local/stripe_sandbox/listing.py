"""Stripe's pagination (newest first, cursors, `has_more`) and `expand[]`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypedDict, cast

from .errors import ApiError, JsonObject, ParamError, no_such
from .store import Store


class Listed(Protocol):
    """An element of a list."""

    @property
    def id(self) -> str:
        """The pagination cursor."""

    def to_json(self) -> JsonObject: ...


class Created(Protocol):
    """An object that can be filtered by its creation time."""

    created: int


class PageParams(TypedDict, total=False):
    """The pagination parameters of every list."""

    limit: int
    starting_after: str
    ending_before: str


def page(elements: Sequence[Listed], params: Mapping[str, object], url: str) -> JsonObject:
    """Return one page of `elements`, which are in list order.

    Raises:
        ApiError: the limit or a cursor is invalid.
    """
    cursors = cast("PageParams", params)
    limit = cursors.get("limit", 10)
    if not 1 <= limit <= 100:
        raise ParamError(f"Invalid limit: {limit} must be between 1 and 100.", param="limit")
    if "starting_after" in cursors and "ending_before" in cursors:
        raise ParamError("You may only provide one of these parameters: starting_after, ending_before.")
    if "ending_before" in cursors:
        before = elements[: _position(elements, cursors["ending_before"], "ending_before")]
        chosen, has_more = before[-limit:], len(before) > limit
    else:
        after = cursors.get("starting_after")
        start = 0 if after is None else _position(elements, after, "starting_after") + 1
        chosen, has_more = elements[start : start + limit], len(elements) > start + limit
    return {"object": "list", "data": [listed.to_json() for listed in chosen], "has_more": has_more, "url": url}


def _position(elements: Sequence[Listed], cursor: str, param: str) -> int:
    for index, listed in enumerate(elements):
        if listed.id == cursor:
            return index
    raise no_such("object", cursor, param, status=400)


def is_within(listed: Created, created: object) -> bool:
    """Check if the creation time matches a `created` filter: an int or `{gt, gte, lt, lte}`."""
    if created is None or isinstance(created, int):
        return created in (None, listed.created)
    bounds = cast("dict[str, int]", created)
    at = listed.created
    above = at > bounds.get("gt", at - 1) and at >= bounds.get("gte", at)
    return above and at < bounds.get("lt", at + 1) and at <= bounds.get("lte", at)


def expand(store: Store, body: JsonObject, paths: Iterable[str]) -> JsonObject:
    """Replace ids by their objects, along paths such as `data.payment_intent.latest_charge`.

    Raises:
        ApiError: a path is too deep or not expandable.
    """
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
        listed = store.find(value)
        if listed is None:
            raise _not_expandable(path)
        value = body[name] = listed.to_json()
    if isinstance(value, dict):
        _expand_step(store, value, rest, path)


def _included(store: Store, body: JsonObject, name: str, path: str) -> JsonObject:
    """Return a list that an object only includes when expanded."""
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
