"""Gifts: order, price and shard."""

import zlib
from collections.abc import Collection
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import force_setattr

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.economy import MAX_QUANTITY, CoinRules, Economy, GiftKind, Text, Tier
from chalicelib.domain.ids import is_uuid7, require_party_id, require_tag
from chalicelib.domain.messages import MAX_CHARACTERS, MAX_NAME_BYTES, MAX_NAME_CHARACTERS, cleaned, count_emoji
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.posting import Posting
from chalicelib.errors import CoinsOutOfRange, IdempotencyConflict, InvalidField, MessageTooLong, NotOffered, SelfGift


class Gift(Struct, frozen=True, kw_only=True):
    """A gift of coins from a fan to a creator. `price_coins` > 0 is the debit; `shard` is the receiving shard.

    Only the kind `gift` has an `item_id`, only a super chat a `color` and `pin_seconds`. `message` may be empty.
    `streak_id` is the id of the first gift of the streak that this one belongs to.
    """

    gift_id: str
    user_id: str
    event_id: str
    creator_id: str
    shard: int
    item_id: str | None
    quantity: int
    price_coins: int
    posted_at: datetime
    kind: GiftKind = GiftKind.GIFT
    message: str = ""
    anonymous: bool = False
    sender_name: str | None = None
    stream_id: str | None = None
    streak_id: str | None = None
    color: str | None = None
    pin_seconds: int = 0

    @property
    def entry_id(self) -> str:
        """The id of the ledger entry."""
        return self.gift_id

    @property
    def creator_coins(self) -> int:
        """The change of the creator's total."""
        return self.price_coins

    @property
    def begins_streak(self) -> bool:
        """True for the first gift of a streak, whose id is the streak's."""
        return self.streak_id == self.gift_id


_KINDS: Final = tuple(kind.value for kind in GiftKind)
_NOT_OF_GIFTS: Final = {"coins": "only where the kind is cheer or super_chat: a gift costs what its item costs"}
_ONLY_OF_GIFTS: Final = dict.fromkeys(("item_id", "quantity", "streak_id"), "only where the kind is gift")
_ABSENT: Final = {"coins": 0, "item_id": None, "quantity": 1, "streak_id": None}
"""Fields of single kinds, with the values that stand for none."""


def require_fields_of(kind: str, sent: Collection[str]) -> None:
    """Raise InvalidField if one of the fields `sent` belongs to another kind of gift, whatever its value."""
    if kind not in _KINDS:
        raise InvalidField("kind", f"one of {', '.join(_KINDS)}")
    for field, rule in (_NOT_OF_GIFTS if kind == GiftKind.GIFT else _ONLY_OF_GIFTS).items():
        if field in sent:
            raise InvalidField(field, rule)


class GiftOrder(Struct, frozen=True, kw_only=True):
    """A request to send a gift. Fields are validated on creation; `message` and `sender_name` are cleaned.

    A gift names an item; cheers and super chats name their coins. `streak_id` is the id of the streak's first
    gift, which may be this one.

    Raises:
        InvalidField: names the field and its rule.
        SelfGift: the sender is the creator.
    """

    gift_id: str
    user_id: str
    creator_id: str
    kind: str = GiftKind.GIFT
    item_id: str | None = None
    quantity: int = 1
    coins: int = 0
    message: str = ""
    anonymous: bool = False
    sender_name: str | None = None
    stream_id: str | None = None
    streak_id: str | None = None

    def __post_init__(self) -> None:
        require_party_id("creator_id", self.creator_id)
        force_setattr(self, "streak_id", self.streak_id or None)
        require_fields_of(self.kind, [name for name, absent in _ABSENT.items() if getattr(self, name) != absent])
        (_check_gift if self.kind == GiftKind.GIFT else _check_coins)(self)
        if self.stream_id is not None:
            require_tag("stream_id", self.stream_id)
        force_setattr(self, "message", cleaned(self.message))
        if self.sender_name is not None:
            force_setattr(self, "sender_name", cleaned(self.sender_name) or None)
        if len(self.message) > MAX_CHARACTERS:
            raise InvalidField("message", f"at most {MAX_CHARACTERS} characters")
        name = self.sender_name or ""
        if len(name) > MAX_NAME_CHARACTERS or len(name.encode()) > MAX_NAME_BYTES:
            raise InvalidField("sender_name", f"at most {MAX_NAME_CHARACTERS} characters and {MAX_NAME_BYTES} bytes")
        if self.creator_id == self.user_id:
            raise SelfGift("Choose another creator.")


def price_gift(order: GiftOrder, catalogue: Catalogue, posting: Posting, creator_shards: int) -> Gift:
    """Build the gift of an order by the rules of the economy.

    Raises:
        UnknownItem: it is not in the catalogue.
        NotOffered: the economy does not offer this gift.
        CoinsOutOfRange: the coins are outside the limits of this kind of gift.
        MessageTooLong: `coins_needed` is the amount that allows the message, if any does.
    """
    tier = _tier(order, catalogue.economy)
    coins = order.coins
    if order.item_id is not None:
        coins = catalogue.gift(order.item_id).coins * order.quantity
    return Gift(
        gift_id=order.gift_id,
        user_id=order.user_id,
        event_id=posting.event_id,
        creator_id=order.creator_id,
        # All gifts of a streak go to one shard, which counts them.
        shard=shard_of(order.streak_id or posting.event_id, creator_shards),
        item_id=order.item_id,
        quantity=order.quantity,
        price_coins=coins,
        posted_at=posting.posted_at,
        kind=GiftKind(order.kind),
        message=order.message,
        anonymous=order.anonymous,
        sender_name=order.sender_name,
        stream_id=order.stream_id,
        streak_id=order.streak_id,
        color=tier.color if tier else None,
        pin_seconds=tier.pin_seconds if tier else 0,
    )


def shard_of(name: str, creator_shards: int) -> int:
    """Return the receiving shard, 0 to `creator_shards` - 1, by a hash that is the same in every process."""
    return zlib.crc32(name.encode()) % creator_shards


def require_same_request(entry: object, order: GiftOrder) -> Gift:
    """Return the stored gift of the order. Raises IdempotencyConflict when the entry is something else."""
    if isinstance(entry, Gift) and _request_of(entry, entry.price_coins) == _request_of(order, order.coins):
        return entry
    raise IdempotencyConflict("Use a new key for a new gift.")


def _request_of(gift: Gift | GiftOrder, coins: int) -> tuple[object, ...]:
    named = gift.quantity if gift.kind == GiftKind.GIFT else coins
    texts = gift.message, gift.anonymous, gift.sender_name
    return gift.kind, gift.creator_id, gift.item_id, named, *texts, gift.stream_id, gift.streak_id


def _check_gift(order: GiftOrder) -> None:
    require_tag("item_id", order.item_id)
    if not 1 <= order.quantity <= MAX_QUANTITY:
        raise InvalidField("quantity", f"a whole number from 1 to {MAX_QUANTITY}")
    # Later gifts of a streak need not sort after its id: the clock of the fan's device may have been set back.
    if order.streak_id is not None and not is_uuid7(order.streak_id):
        raise InvalidField("streak_id", "the Idempotency-Key of the streak's first gift, this one or an earlier one")


def _check_coins(order: GiftOrder) -> None:
    if not 1 <= order.coins <= MAX_AMOUNT:
        raise InvalidField("coins", f"a whole number from 1 to {MAX_AMOUNT}")


def _tier(order: GiftOrder, economy: Economy) -> Tier | None:
    """Return the tier that the coins reach; None for a catalogue item. Raises as price_gift does."""
    rules = economy.rules(GiftKind(order.kind))
    if rules is None:
        raise NotOffered(f"{economy.name} has no {order.kind}.", what=order.kind)
    if order.anonymous and not rules.allows_anonymous:
        raise NotOffered(f"{economy.name} has no anonymous {order.kind}.", what="anonymous")
    if isinstance(rules, CoinRules):
        return _reached(order, rules)
    if order.streak_id and not rules.streak_seconds:
        raise NotOffered(f"{economy.name} has no streaks.", what="streak")
    if order.quantity > rules.max_quantity:
        raise NotOffered(f"At most {rules.max_quantity} at once.", what="quantity", max_quantity=rules.max_quantity)
    if not _fits(order, rules.text):
        raise _too_long(rules.text, None)
    return None


def _reached(order: GiftOrder, rules: CoinRules) -> Tier:
    tier = rules.tier(order.coins)
    if tier is None or order.coins > rules.max_coins:
        least, most = rules.tiers[0].min_coins, rules.max_coins
        raise CoinsOutOfRange(f"{least} to {most} coins.", min_coins=least, max_coins=most)
    if not _fits(order, tier.text):
        higher = (other for other in rules.tiers if other.min_coins > order.coins)
        raise _too_long(tier.text, next((other.min_coins for other in higher if _fits(order, other.text)), None))
    return tier


def _fits(order: GiftOrder, text: Text) -> bool:
    size = len(order.message.encode()) + len((order.sender_name or "").encode())
    is_short = len(order.message) <= text.max_characters and size <= text.max_bytes
    return is_short and (text.max_emoji is None or count_emoji(order.message) <= text.max_emoji)


def _too_long(text: Text, enough: int | None) -> MessageTooLong:
    emoji = "" if text.max_emoji is None else f" and {text.max_emoji} emoji"
    limits = {"max_characters": text.max_characters, "max_bytes": text.max_bytes}
    if enough is None:
        return MessageTooLong(f"At most {text.max_characters} characters{emoji}.", **limits)
    detail = f"At most {text.max_characters} characters{emoji} for these coins; send {enough} coins or shorten it."
    return MessageTooLong(detail, **limits, coins_needed=enough)
