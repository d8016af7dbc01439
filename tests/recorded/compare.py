"""Differences between the recording and the present, as sentences that name the place."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

_BUNDLES = "openapi/paths//v1/bundles/get/responses/200/content/application/json/schema"
_CHECKOUT = "openapi/paths//v1/checkout-sessions/post/requestBody/content/application/json/schema"
_MEMBERSHIP = "openapi/paths//v1/memberships/post/requestBody/content/application/json/schema"
_VERIFY = "openapi/paths//v1/offers/verify/get/responses/200/content/application/json/schema"
_TOP_UP = "openapi/paths//v1/top-up/get/responses/200/content/application/json/schema"
_GIFTS = "openapi/paths//v1/gift-catalogue/get/responses/200/content/application/json/schema"
_ECONOMY = "openapi/paths//v1/economy/get/responses/200/content/application/json/schema"
_WALLET = "openapi/paths//v1/wallet/get/responses/200/content/application/json/schema"
_REVIEWS = "openapi/paths//v1/operator/reviews/get/responses/200/content/application/json/schema"
_SETTLED = "openapi/paths//v1/operator/settlements/post/responses/20[01]/content/application/json/schema"
_GIFT = "openapi/paths//v1/gifts/post/requestBody/content/application/json/schema"
_EXCLUDED = "openapi/paths//v1/self-exclusions/post/responses/20[01]/content/application/json/schema"
_LEFT_OPEN = ("checkouts_closed", "checkouts_open", "open_until", "membership")
_PARTS = ("properties", "required")
_REVIEW = ("opened_at", "money_gone")
_SHOWN = ("image", "animation", "category", "featured")

_DESCRIBED = (
    *("enum", "pattern", "format", "minimum", "maximum", "minLength", "maxLength", "not"),
    *("tags", "servers", "security"),
)
"""Keywords of the OpenAPI document that describe what the code did already in the first release."""

ALLOWED_ADDITIONS: tuple[str, ...] = (
    *(f"openapi/*/{keyword}" for keyword in _DESCRIBED),
    "openapi/servers",
    "rows/*/key_form",
    "rows/*/by",
    "rows/S:RELAYED#*",
    "rows/S:WORKER#sweep *",
    "rows/*OPEN#*",
    "rows/*CUSTOMER",
    "rows/*MEMBERSHIPS",
    f"{_CHECKOUT}/oneOf",
    f"{_GIFT}/oneOf",
    "openapi/paths//v1/webhooks/stripe/post/requestBody",
    "openapi/components/securitySchemes/signature",
    "openapi/tags",
    "openapi/paths//v1/top-up/get/parameters/0/required",
    "openapi/paths//v1/worth/get/parameters/0/required",
    # Sent always, as before: null once there is no page to pay at.
    *(
        f"openapi/paths//v1/checkout-sessions{path}/responses/{status}/content/application/json/schema/required/url"
        for path, status in (("/post", 200), ("/post", 201), ("/{id}/get", 200))
    ),
    "answers/*/answer/custom",
    "answers/*/answer/checkout",
    "answers/*/answer/channel",
    f"{_BUNDLES}/properties/custom",
    f"{_BUNDLES}/required/custom",
    f"{_CHECKOUT}/properties/coins",
    f"{_CHECKOUT}/properties/quantity",
    f"{_CHECKOUT}/properties/bundle_id/default",
    f"{_CHECKOUT}/properties/return_url",
    f"{_MEMBERSHIP}/properties/return_url",
    f"{_VERIFY}/properties/channel",
    f"{_VERIFY}/required/channel",
    f"{_TOP_UP}/properties/checkout",
    f"{_TOP_UP}/required/checkout",
    # Problem documents about the Idempotency-Key have field and rule, as all about bad input.
    "answers/141/answer/field",
    "answers/141/answer/rule",
    "answers/148/answer/field",
    "answers/148/answer/rule",
    "answers/*/answer/bundles/*/image",
    "answers/*/answer/bundles/*/featured",
    "answers/*/answer/gifts/*/image",
    "answers/*/answer/gifts/*/animation",
    "answers/*/answer/gifts/*/category",
    "answers/*/answer/gifts/*/featured",
    "answers/*/answer/unit",
    "answers/*/answer/next_cursor",
    *(f"answers/*/answer/{place}{name}" for place in ("", "reviews/*/") for name in _REVIEW),
    *(f"{_REVIEWS}/{part}/next_cursor" for part in _PARTS),
    *(f"{_REVIEWS}/properties/reviews/items/{part}/{name}" for part in _PARTS for name in _REVIEW),
    *(f"{_SETTLED}/{part}/{name}" for part in _PARTS for name in _REVIEW),
    *(f"{_BUNDLES}/properties/bundles/items/{part}/{name}" for part in _PARTS for name in ("image", "featured")),
    *(f"{_GIFTS}/properties/gifts/items/{part}/{name}" for part in _PARTS for name in _SHOWN),
    *(f"{_ECONOMY}/{part}/unit" for part in _PARTS),
    # The wallet says why it is frozen, and a clawback how many of its coins were spent.
    "answers/*/answer/freeze_reasons",
    *(f"{_WALLET}/{part}/freeze_reasons" for part in _PARTS),
    "answers/82/answer/reason",
    "events/*/body/data/coins_spent",
    "rows/*/coins_spent",
    "rows/*/d",
    # Payments of a purchase whose money went back.
    "rows/*/returned",
    # A self-exclusion says what can still be paid.
    *(f"answers/*/answer/{name}" for name in _LEFT_OPEN[:3]),
    "answers/110/answer/membership",
    *(f"{_EXCLUDED}/{part}/{name}" for part in _PARTS for name in _LEFT_OPEN),
    # The windows of open checkouts and memberships.
    "rows/*WALLET/o_until",
    "rows/*WALLET/o_n",
    "rows/*WALLET/o_mu",
    "rows/*WALLET/o_m",
    # The coins of a creator's shard after each of its entries.
    "rows/*GIFT#*/total",
    "rows/S:WORKER#reconcile *",
    "rows/S:LOOKED#*",
    # Positions of the audit, and the sums that it has checked.
    "rows/*WORKER#audit*",
    "rows/*SUM#*",
)
"""Attributes of rows, events and answers that were added on purpose: patterns of places, as `rows/*/new_attribute`."""

NO_LONGER_REQUIRED: tuple[str, ...] = (f"{_CHECKOUT}/required/bundle_id",)
"""Fields that requests had to have in the first release, and may now leave out: their places."""

NO_LONGER_DEFAULT: tuple[str, ...] = tuple(
    f"{_GIFT}/properties/{field}/default" for field in ("item_id", "quantity", "coins", "streak_id")
)
"""Fields that a client must not fill in: those of other kinds of gifts are refused. Nothing changes for requests
without them."""


NO_LONGER_DONE: tuple[str, ...] = ("answers/172/result/repeated", "rows/S:WATERMARK#reconcile | S:WATERMARK")
"""Results and rows of workers: reconcile does nothing twice any more, and its position is in its WORKER row."""
_GONE = {*NO_LONGER_REQUIRED, *NO_LONGER_DEFAULT, *NO_LONGER_DONE}


def differences(recorded: Any, present: Any, place: str, allowed: Sequence[str] = ALLOWED_ADDITIONS) -> list[str]:
    """Compare two JSON values.

    Args:
        recorded: the value of the first release.
        present: the value now.
        place: the path of both, as it appears in the result.
        allowed: patterns of paths that may exist now without having been recorded.
    """
    if isinstance(recorded, Mapping) and isinstance(present, Mapping):
        missing = [f"{place}/{key}" for key in recorded if key not in present]
        gone = [f"{path}: is missing" for path in missing if path not in _GONE]
        new = [f"{place}/{key}" for key in present if key not in recorded]
        added = [f"{path}: was added" for path in new if not any(fnmatchcase(path, each) for each in allowed)]
        common = [key for key in recorded if key in present]
        return (
            gone
            + added
            + [line for key in common for line in differences(recorded[key], present[key], f"{place}/{key}", allowed)]
        )
    if isinstance(recorded, list) and isinstance(present, list):
        pairs = zip(recorded, present, strict=False)
        found = [
            line
            for number, (old, new_one) in enumerate(pairs)
            for line in differences(old, new_one, f"{place}/{number}", allowed)
        ]
        lengths = (len(recorded), len(present))
        return found + ([f"{place}: had {lengths[0]} elements, has {lengths[1]}"] if len(set(lengths)) > 1 else [])
    if type(recorded) is not type(present) or recorded != present:
        return [f"{place}: was {recorded!r}, is {present!r}"]
    return []
