"""Errors that become problem documents. The `code` of a class never changes.

CoinpurseError
├── BadRequest              400  the request is malformed
│   ├── InvalidJson              the body is not one strict JSON object
│   ├── InvalidField             a field breaks its rule (names the field)
│   │   └── UnknownField, UnknownQuery: the request has no such field, the route no such query parameter
│   ├── MissingIdempotencyKey    no usable Idempotency-Key header
│   └── NotAuthentic             a webhook that the payment provider did not sign, or not a usable one
├── Unauthenticated         401  no valid bearer token
├── Forbidden               403  the token lacks a scope
├── NotFound                404  it does not exist, or belongs to another user
├── IdempotencyConflict     409  the key was used for another request
├── PayloadTooLarge         413
├── UnsupportedMediaType    415
├── Refusal                 422  understood, and not done
│   ├── KeyTooOld                the key's time is too far from ours
│   ├── UnknownBundle            not on sale in that currency and channel
│   ├── CoinsNotForSale          no checkout sells this number of coins
│   ├── UnknownItem              not in the gift catalogue
│   ├── NotOffered               the economy does not offer it
│   ├── CoinsOutOfRange          fewer or more coins than it takes
│   ├── MessageTooLong           longer than the coins allow
│   ├── StreakEnded              the streak is not active
│   ├── UnknownPlan              no such membership in that currency
│   ├── AlreadyMember            the fan has a membership already
│   ├── TooManyOpen              the fan has opened too many without paying
│   ├── PaymentUnavailable       the payment provider refuses it for good
│   ├── SelfGift                 the sender is the creator
│   ├── InsufficientCoins   402  the wallet holds less
│   ├── WalletFrozen        403  an operator or a dispute froze the wallet
│   ├── SelfExcluded        403  the fan is self-excluded
│   ├── BudgetReached            the fan's budget has less left
│   └── BudgetCurrency           the fan's budget is in another currency
└── TryAgain                503  the outcome is unknown: send the same request again
"""

from collections.abc import Collection
from typing import ClassVar


class CoinpurseError(Exception):
    """Base of all errors for the caller. `detail` is one sentence without secrets, `extensions` are further members."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", **extensions: str | int) -> None:
        super().__init__(detail or self.title)
        self.detail, self.extensions = detail or self.title, extensions


class BadRequest(CoinpurseError):
    """The request is malformed; repeating it cannot succeed."""

    code = "bad_request"
    title = "Bad request"


class InvalidJson(BadRequest):
    """The body is not one strict JSON object in UTF-8."""

    code = "invalid_json"
    title = "The body is not valid JSON"


class InvalidField(BadRequest):
    """A field breaks its rule."""

    code = "invalid_field"
    title = "A field is not valid"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}", field=field, rule=rule)


class UnknownField(InvalidField):
    """The request has a field that its schema does not know."""

    code = "unknown_field"
    title = "A field is not known"

    def __init__(self, field: str) -> None:
        super().__init__(field, "no such field")


class UnknownQuery(InvalidField):
    """The route has no such query parameter, so the response would not be what the caller asks for."""

    code = "unknown_query"
    title = "A query parameter is not known"

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(name, f"one of {', '.join(known)}" if known else "this route has no query parameters")


class MissingIdempotencyKey(BadRequest):
    """The Idempotency-Key header is missing or no lowercase UUIDv7."""

    code = "missing_idempotency_key"
    title = "An Idempotency-Key header is required"


class NotAuthentic(BadRequest):
    """The webhook is not signed with our secret, or its body is not a usable event."""

    code = "not_authentic"
    title = "Not an authentic webhook"


class Unauthenticated(CoinpurseError):
    """There is no valid bearer token. With `retry_after_seconds`, it may be valid then: keys are read again."""

    code = "unauthenticated"
    title = "A valid bearer token is required"

    def __init__(self, retry_after_seconds: int = 0) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Forbidden(CoinpurseError):
    """The token lacks the scope that the route requires."""

    code = "forbidden"
    title = "Not allowed"


class NotFound(CoinpurseError):
    """The object does not exist or belongs to another user; the response does not say which."""

    code = "not_found"
    title = "Not found"


class IdempotencyConflict(CoinpurseError):
    """The idempotency key already names another request."""

    code = "idempotency_conflict"
    title = "This Idempotency-Key was used for another request"


class PayloadTooLarge(CoinpurseError):
    """The body is larger than the route accepts."""

    code = "payload_too_large"
    title = "The body is too large"


class UnsupportedMediaType(CoinpurseError):
    """The body is not declared as application/json."""

    code = "unsupported_media_type"
    title = "Send application/json"


class Refusal(CoinpurseError):
    """The request was valid but refused; nothing was written."""

    code = "refused"
    title = "Refused"


class KeyTooOld(Refusal):
    """The idempotency key's time is more than 24 hours from the server's, and no entry has that key."""

    code = "key_too_old"
    title = "The Idempotency-Key is too old or too new"


class UnknownBundle(Refusal):
    """The bundle is not on sale in that currency and channel."""

    code = "unknown_bundle"
    title = "No such coin bundle"


class CoinsNotForSale(Refusal):
    """No checkout sells this number of coins. `nearest_below` and `nearest_above` are numbers that are for sale."""

    code = "coins_not_for_sale"
    title = "This number of coins is not for sale"


class UnknownItem(Refusal):
    """The gift catalogue has no such item."""

    code = "unknown_item"
    title = "No such gift"


class NotOffered(Refusal):
    """The economy does not offer this kind of gift, or not anonymously, as a streak, or in this quantity."""

    code = "not_offered"
    title = "This cannot be given here"


class CoinsOutOfRange(Refusal):
    """The coins are outside the limits of this kind of gift."""

    code = "coins_out_of_range"
    title = "Too few or too many coins"


class MessageTooLong(Refusal):
    """The message is longer than the coins allow."""

    code = "message_too_long"
    title = "The message is too long"


class StreakEnded(Refusal):
    """The streak is not active: it has ended, or it is for another item or creator."""

    code = "streak_ended"
    title = "The streak has ended"


class UnknownPlan(Refusal):
    """The membership is not on sale in that currency."""

    code = "unknown_plan"
    title = "No such membership"


class AlreadyMember(Refusal):
    """The fan has a membership already."""

    code = "already_member"
    title = "You are a member already"


class TooManyOpen(Refusal):
    """The fan has opened as many checkouts, or memberships, without paying as one window allows."""

    code = "too_many_open"
    title = "Too many payments are open"


class PaymentUnavailable(Refusal):
    """The payment provider refuses this payment for good: nothing is pending. A new key may be tried later."""

    code = "payment_unavailable"
    title = "This cannot be paid here at the moment"


class SelfGift(Refusal):
    """The sender is the creator."""

    code = "self_gift"
    title = "You cannot send a gift to yourself"


class InsufficientCoins(Refusal):
    """The wallet holds fewer coins than the gift costs."""

    code = "insufficient_coins"
    title = "Not enough coins"


class WalletFrozen(Refusal):
    """The wallet is frozen. `reason` is operator or dispute."""

    code = "wallet_frozen"
    title = "The wallet is frozen"


class SelfExcluded(Refusal):
    """The fan's self-exclusion from spending has not ended."""

    code = "self_excluded"
    title = "You excluded yourself from spending"


class BudgetReached(Refusal):
    """The fan's budget has less left than the request needs."""

    code = "budget_reached"
    title = "Your budget does not allow it"


class BudgetCurrency(Refusal):
    """The fan's money budget is in another currency, so purchases in this one are refused."""

    code = "budget_currency"
    title = "Your budget is in another currency"


class TryAgain(CoinpurseError):
    """The outcome is unknown: the same request, with the same key, may be sent again."""

    code = "try_again"
    title = "Try again with the same Idempotency-Key"

    def __init__(self, detail: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds
