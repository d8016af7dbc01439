"""Rules that the OpenAPI document gives for the fields of requests and responses, beside their types.

They describe the checks in the domain, which decides; a test compares them with the API's responses to generated
requests. A key is `Schema.field`, or the name of a field that means the same in every schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.domain import ids
from chalicelib.domain.addresses import MAX_ADDRESS
from chalicelib.domain.adjustments import Kind as AdjustmentKind
from chalicelib.domain.budgets import MAX_DAYS
from chalicelib.domain.catalogue import CHANNELS
from chalicelib.domain.economy import MAX_QUANTITY, GiftKind
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.messages import MAX_CHARACTERS, MAX_NAME_CHARACTERS
from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.operators import MAX_GRANT_COINS, MAX_REASON_BYTES
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.purchases import MAX_BUNDLES, Status
from chalicelib.domain.reviews import SUPERSEDED
from chalicelib.domain.top_up import MAX_TOP_UP

Rule = Mapping[str, Any]

UUID7: Final[Rule] = {
    "format": "uuid",
    "pattern": f"^{ids.UUID7.pattern}$",
    "examples": ["01a2100d-c196-73ad-819b-5e30fdba19a8"],
}
MONTH: Final[Rule] = {"pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$", "examples": ["2026-11"]}

_TIME: Final[Rule] = {"format": "date-time", "examples": ["2026-11-25T00:14:27.933Z"]}
_PARTY: Final[Rule] = {"pattern": f"^{ids.PARTY.pattern}$", "examples": ["grace"]}
_TAG: Final[Rule] = {"pattern": f"^{ids.TAG.pattern}$"}
_TAG_OR_NONE: Final[Rule] = {"pattern": f"^({ids.TAG.pattern})?$"}
_CURRENCY: Final[Rule] = {"enum": sorted(EXPONENTS), "examples": ["usd"]}
_CHANNEL: Final[Rule] = {"enum": list(CHANNELS)}
_DECIMAL: Final[Rule] = {"pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["0.010571"]}
_REASON: Final[Rule] = {"minLength": 1, "maxLength": MAX_REASON_BYTES, "examples": ["asked to by e-mail"]}
_WHOLE: Final[Rule] = {"minimum": 0, "maximum": MAX_AMOUNT}
_MEMBERSHIP_STATUS: Final[Rule] = {"enum": [status.value for status in MembershipStatus]}
_URI: Final[Rule] = {"format": "uri"}

RULES: Final[Mapping[str, Rule]] = {
    "id": UUID7,
    "event_id": UUID7,
    "ReviewResponse.user_id": {},
    "ReviewResponse.id": {"pattern": r"^20[0-9]{2}-[0-9]{2}\..+$", "examples": ["2026-11.pi_3Qx"]},
    **dict.fromkeys(
        (
            "sent_at",
            "created_at",
            "posted_at",
            "expires_at",
            "paid_at",
            "opened_at",
            "settled_at",
            "resets_at",
            "applies_at",
        ),
        _TIME,
    ),
    **dict.fromkeys(("paid_until", "excluded_until", "open_until"), _TIME),
    **dict.fromkeys(("creator_id", "user_id"), _PARTY),
    **dict.fromkeys(("bundle_id", "plan_id", "item_id"), _TAG),
    "CheckoutRequest.bundle_id": {**_TAG_OR_NONE, "examples": ["coins_70"]},
    "CheckoutRequest.quantity": {"minimum": 1, "maximum": MAX_BUNDLES},
    "CheckoutRequest.coins": {**_WHOLE, "examples": [1500]},
    "MembershipRequest.plan_id": {**_TAG, "examples": ["coin_club"]},
    "GiftRequest.kind": {"enum": [kind.value for kind in GiftKind]},
    "GiftRequest.item_id": {**_TAG, "examples": ["rose"]},
    "GiftRequest.quantity": {"minimum": 1, "maximum": MAX_QUANTITY},
    "GiftRequest.coins": {"minimum": 1, "maximum": MAX_AMOUNT},
    "GiftRequest.message": {"maxLength": MAX_CHARACTERS, "examples": ["bravo"]},
    "GiftRequest.sender_name": {"maxLength": MAX_NAME_CHARACTERS},
    "GiftRequest.stream_id": _TAG_OR_NONE,
    "GiftRequest.streak_id": {"pattern": f"^({ids.UUID7.pattern})?$"},
    "GiftResponse.kind": {"enum": [kind.value for kind in GiftKind]},
    "GiftResponse.quantity": {"minimum": 1, "maximum": MAX_QUANTITY},
    "GiftResponse.message": {"maxLength": MAX_CHARACTERS},
    "GiftResponse.sender_name": {"maxLength": MAX_NAME_CHARACTERS},
    "return_url": {
        "maxLength": MAX_ADDRESS,
        "pattern": "^(https?://.+)?$",
        "examples": ["https://example.com/live/grace"],
    },
    "streak_id": UUID7,
    "stream_id": _TAG,
    "currency": _CURRENCY,
    # A purchase in a currency that is no longer on sale is still shown.
    "Price.currency": {"pattern": "^[a-z]{3}$", "examples": ["usd"]},
    "WorthPrice.currency": _CURRENCY,
    "channel": _CHANNEL,
    "exponent": {"minimum": 0, "maximum": 3},
    "amount_minor": _WHOLE,
    **dict.fromkeys(("price_per_coin", "base_price_per_coin", "rate"), _DECIMAL),
    "discount_percent": {"minimum": 0, "maximum": 100},
    "web_saving_percent": {"minimum": 0, "maximum": 100},
    "basis": {"enum": ["paid", "list"]},
    "owed": _WHOLE,
    "WalletResponse.coins": _WHOLE,
    "BundleResponse.coins": {"minimum": 1, "maximum": MAX_AMOUNT},
    "CheckoutResponse.status": {"enum": [status.value for status in Status]},
    "CheckoutResponse.url": _URI,
    "EntryResponse.status": {"enum": [status.value for status in Status]},
    "EntryResponse.kind": {
        "enum": ["purchase", *(kind.value for kinds in (GiftKind, AdjustmentKind, NotificationKind) for kind in kinds)]
    },
    **dict.fromkeys(("JoiningResponse.status", "MembershipResponse.status"), _MEMBERSHIP_STATUS),
    "JoiningResponse.url": _URI,
    "PortalResponse.url": _URI,
    "ExclusionRequest.days": {"minimum": 1, "maximum": MAX_DAYS, "examples": [7]},
    "BudgetRequest.zone": {"minLength": 1, "examples": ["Europe/Berlin"]},
    **dict.fromkeys((f"{name}Request.reason" for name in ("Settlement", "Freeze", "Grant", "Reversal")), _REASON),
    "GrantRequest.coins": {"minimum": -MAX_GRANT_COINS, "maximum": MAX_GRANT_COINS, "not": {"const": 0}},
    "ReversalRequest.gift_id": UUID7,
    "SettlementResponse.decision": {"enum": ["credit", "refuse", SUPERSEDED]},
    "WebhookResponse.outcome": {"enum": [outcome.value for outcome in Outcome]},
    "HealthResponse.status": {"enum": ["ok"]},
    "HealthResponse.stage": {"enum": ["local", "test", "prod"]},
    "PricesResponse.base": _CURRENCY,
    "Problem.status": {"minimum": 400, "maximum": 599},
    "Problem.type": _URI,
}

_ABSENT_TEXT: Final[Rule] = {"maxLength": 0}
_PRESENT_TEXT: Final[Rule] = {"minLength": 1}

SCHEMAS: Final[Mapping[str, Rule]] = {
    "CheckoutRequest": {
        "oneOf": [
            {"required": ["bundle_id"], "properties": {"bundle_id": _PRESENT_TEXT, "coins": {"const": 0}}},
            {
                "required": ["coins"],
                "properties": {"bundle_id": _ABSENT_TEXT, "coins": {"minimum": 1}, "quantity": {"const": 1}},
            },
        ]
    },
    "GiftRequest": {
        "oneOf": [
            {
                "required": ["item_id"],
                "properties": {"kind": {"const": "gift"}},
                "not": {"required": ["coins"]},
            },
            {
                "required": ["kind", "coins"],
                "properties": {"kind": {"enum": ["cheer", "super_chat"]}},
                "not": {"anyOf": [{"required": [field]} for field in ("item_id", "quantity", "streak_id")]},
            },
        ]
    },
}
"""Rules for fields together, by schema."""

QUERIES: Final[Mapping[str, Rule]] = {
    "currency": {"type": "string", **_CURRENCY},
    "channel": {"type": "string", "default": "web", **_CHANNEL},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    "/v1/operator/reviews?limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
    "cursor": {"type": "string"},
    "month": {"type": "string", **MONTH},
    "/v1/offers/verify?channel": {"type": "string", **_CHANNEL},
    "/v1/gift-catalogue?currency": {"type": "string", "enum": ["", *sorted(EXPONENTS)], "examples": ["usd"]},
    "url": {"type": "string"},
    "jws": {"type": "string"},
    "coins": {"type": "integer", "minimum": 1, "maximum": 10**9 - 1, "examples": [500]},
    "amount_minor": {"type": "integer", "minimum": 1, "maximum": 10**9 - 1},
    "for": {"type": "integer", "minimum": 1, "maximum": MAX_TOP_UP, "examples": [1570]},
}
"""Schemas of query parameters, by name or by path and name."""

REQUIRED_QUERIES: Final = frozenset({"/v1/top-up?for", "/v1/worth?coins"})


def add_rules(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Add the rules to the schemas of the wire types."""
    for _key, schema, rule in matches(schemas):
        kinds = schema.get("anyOf", [schema])
        kind = next(each for each in kinds if each.get("type") != "null")
        kind |= {keyword: value for keyword, value in rule.items() if keyword not in kind}
    for name, whole in SCHEMAS.items():
        schemas[name] |= whole


def matches(schemas: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], Rule]]:
    """Find the rule of each field that has one: key, schema of the field, and rule."""
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            for key in (f"{name}.{field}", field):
                if key in RULES:
                    yield key, described, RULES[key]
                    break
