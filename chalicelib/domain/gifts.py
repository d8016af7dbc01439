"""What a fan may send, and what it costs."""

import unicodedata
import zlib
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.catalogue import MAX_QUANTITY, Catalogue
from chalicelib.domain.ids import require_party_id, require_tag
from chalicelib.domain.ledger import Entry, Gift, Posting
from chalicelib.errors import IdempotencyConflict, InvalidField, SelfGift

MAX_MESSAGE_CHARACTERS: Final = 200
MAX_MESSAGE_BYTES: Final = 224
"""In UTF-8. Keeps an entry below one kilobyte, beyond which every write would cost double."""

_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNFIT_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
"""Controls, halves of characters, private ones, ends of lines. Not the unassigned: this year's emoji are among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftOrder:
    """What a fan asks to send. Each field is checked when it is made.

    Raises:
        InvalidField: names the field and its rule.
        SelfGift: sender and creator are one.
    """

    gift_id: str
    user_id: str
    creator_id: str
    item_id: str
    quantity: int = 1
    message: str = ""
    anonymous: bool = False
    stream_id: str = ""

    def __post_init__(self) -> None:
        require_party_id("creator_id", self.creator_id)
        require_tag("item_id", self.item_id)
        if self.stream_id:
            require_tag("stream_id", self.stream_id)
        if not 1 <= self.quantity <= MAX_QUANTITY:
            raise InvalidField("quantity", f"a whole number from 1 to {MAX_QUANTITY}")
        _check_message(self.message)
        if self.creator_id == self.user_id:
            raise SelfGift("A gift goes to somebody else.")


def price_gift(order: GiftOrder, catalogue: Catalogue, posting: Posting, creator_lanes: int) -> Gift:
    """The gift that the order becomes. Raises UnknownItem."""
    return Gift(
        gift_id=order.gift_id,
        user_id=order.user_id,
        event_id=posting.event_id,
        creator_id=order.creator_id,
        lane=lane_of(posting.event_id, creator_lanes),
        item_id=order.item_id,
        quantity=order.quantity,
        price_coins=catalogue.gift(order.item_id).coins * order.quantity,
        posted_at=posting.posted_at,
        message=order.message,
        anonymous=order.anonymous,
        stream_id=order.stream_id,
    )


def lane_of(event_id: str, creator_lanes: int) -> int:
    """The lane, 0 to creator_lanes - 1, that a gift is received in: spreads by a hash that is the same everywhere."""
    return zlib.crc32(event_id.encode()) % creator_lanes


def same_gift(entry: Entry, order: GiftOrder) -> Gift:
    """The gift that the order already became. Raises IdempotencyConflict when its id names something else."""
    if isinstance(entry, Gift) and _wish(entry) == _wish(order):
        return entry
    raise IdempotencyConflict("Use a new key for a new gift.")


def _wish(gift: Gift | GiftOrder) -> tuple[object, ...]:
    return gift.creator_id, gift.item_id, gift.quantity, gift.message, gift.anonymous, gift.stream_id


def _check_message(message: str) -> None:
    # Half a character has no bytes to count, so what is unfit goes first.
    if any(_is_unfit(char) for char in message):
        raise InvalidField("message", "no control characters, line breaks or overrides of the writing direction")
    if len(message) > MAX_MESSAGE_CHARACTERS or len(message.encode()) > MAX_MESSAGE_BYTES:
        raise InvalidField("message", f"at most {MAX_MESSAGE_CHARACTERS} characters and {MAX_MESSAGE_BYTES} bytes")


def _is_unfit(char: str) -> bool:
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE  # queues refuse U+FFFE and U+FFFF
    return is_noncharacter or char in _BIDI_CONTROLS or unicodedata.category(char) in _UNFIT_CATEGORIES
