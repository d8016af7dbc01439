"""Every way a request can end badly.

CoinpurseError
├── BadRequest              400  the caller's words are off
│   ├── InvalidJson              the body is not one strict JSON object
│   ├── InvalidField             a field breaks its rule (names the field)
│   │   └── UnknownField         a field that no such request has
│   ├── MissingIdempotencyKey    no usable Idempotency-Key header
│   └── NotAuthentic             a webhook that the payment provider did not sign, or not a usable one
├── Unauthenticated         401  no valid bearer token
├── Forbidden               403  the token lacks a scope
├── NotFound                404  no such thing, or somebody else's
├── IdempotencyConflict     409  the key was used for another request
├── PayloadTooLarge         413
├── UnsupportedMediaType    415
├── Refusal                 422  understood, and not done
│   ├── KeyTooOld                the key's time is too far from ours
│   ├── UnknownBundle            not on sale in that currency and channel
│   ├── UnknownItem              not in the gift catalogue
│   ├── NotOffered               the economy has no such giving
│   ├── CoinsOutOfRange          fewer or more coins than it takes
│   ├── MessageTooLong           for so many coins
│   ├── StreakEnded              no such streak is under way
│   ├── UnknownPlan              no such membership in that currency
│   ├── AlreadyMember            the fan has a membership already
│   ├── SelfGift                 sender and creator are one
│   ├── InsufficientCoins   402  the wallet holds less
│   ├── WalletFrozen        403  an operator froze the wallet
│   ├── SelfExcluded        403  the fan excluded himself for a time
│   ├── BudgetReached            less is left of the fan's own budget
│   └── BudgetCurrency           the fan's budget is in another currency
└── TryAgain                503  nothing is decided: send the same request again

Each class has one stable `code`; the prose may change, the code may not.
"""

from typing import ClassVar


class CoinpurseError(Exception):
    """Something a caller is told about.

    Args:
        detail: one sentence for a person; never holds a secret, a token or a body.
        extensions: extra members of the problem document, JSON values (`field`, `rule`, `server_time` ...).
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", **extensions: str | int) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extensions = extensions


class BadRequest(CoinpurseError):
    """The caller's words are off; the same request can never succeed."""

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
    """The request has a field that no such request has."""

    code = "unknown_field"
    title = "A field is not known"

    def __init__(self, field: str) -> None:
        super().__init__(field, "no such field")


class MissingIdempotencyKey(BadRequest):
    """The Idempotency-Key header is missing or no lowercase UUIDv7."""

    code = "missing_idempotency_key"
    title = "An Idempotency-Key header is required"


class NotAuthentic(BadRequest):
    """A webhook that the payment provider did not sign for us, or that is no usable event."""

    code = "not_authentic"
    title = "Not an authentic webhook"


class Unauthenticated(CoinpurseError):
    """There is no valid bearer token."""

    code = "unauthenticated"
    title = "A valid bearer token is required"


class Forbidden(CoinpurseError):
    """The token does not carry the scope that this route asks for."""

    code = "forbidden"
    title = "Not allowed"


class NotFound(CoinpurseError):
    """There is no such thing, or it belongs to somebody else: the answer is the same."""

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
    """The request was understood and not done; nothing was written."""

    code = "refused"
    title = "Refused"


class KeyTooOld(Refusal):
    """The idempotency key's time is too far from ours, and nothing is known under it."""

    code = "key_too_old"
    title = "The Idempotency-Key is too old or too new"


class UnknownBundle(Refusal):
    """The bundle is not on sale in that currency and channel."""

    code = "unknown_bundle"
    title = "No such coin bundle"


class UnknownItem(Refusal):
    """The gift catalogue has no such item."""

    code = "unknown_item"
    title = "No such gift"


class NotOffered(Refusal):
    """The economy has no such giving: no such kind, none of it anonymously, no streaks, not so many at once."""

    code = "not_offered"
    title = "This cannot be given here"


class CoinsOutOfRange(Refusal):
    """Fewer or more coins than this kind of giving takes."""

    code = "coins_out_of_range"
    title = "Too few or too many coins"


class MessageTooLong(Refusal):
    """The message is longer than the coins allow."""

    code = "message_too_long"
    title = "The message is too long"


class StreakEnded(Refusal):
    """The streak is not under way: it has ended, or it is of another item, to another creator."""

    code = "streak_ended"
    title = "No such streak is under way"


class UnknownPlan(Refusal):
    """There is no such membership in that currency."""

    code = "unknown_plan"
    title = "No such membership"


class AlreadyMember(Refusal):
    """The fan has a membership already."""

    code = "already_member"
    title = "You are a member already"


class SelfGift(Refusal):
    """Sender and creator are one."""

    code = "self_gift"
    title = "You cannot send a gift to yourself"


class InsufficientCoins(Refusal):
    """The wallet holds fewer coins than the gift costs."""

    code = "insufficient_coins"
    title = "Not enough coins"


class WalletFrozen(Refusal):
    """An operator froze the wallet."""

    code = "wallet_frozen"
    title = "The wallet is frozen"


class SelfExcluded(Refusal):
    """The fan excluded himself from spending, and the time is not over."""

    code = "self_excluded"
    title = "You excluded yourself from spending"


class BudgetReached(Refusal):
    """Less is left of the fan's own budget than this takes."""

    code = "budget_reached"
    title = "Your budget does not allow it"


class BudgetCurrency(Refusal):
    """The fan's budget on money is in another currency, and so nothing can be bought in this one."""

    code = "budget_currency"
    title = "Your budget is in another currency"


class TryAgain(CoinpurseError):
    """Nothing is decided, or the outcome is unknown: the same request, with the same key, may be sent again."""

    code = "try_again"
    title = "Try again with the same Idempotency-Key"

    def __init__(self, detail: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds
