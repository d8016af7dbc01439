"""What an operator asks for. Every act has a key, which is its idempotency key, a reason and an actor."""

from typing import Final, Literal

from msgspec import Struct

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.ids import require_party_id
from chalicelib.errors import InvalidField

MAX_GRANT_COINS: Final = 1_000_000
"""More than this at once is a slip of the finger."""
MAX_REASON_BYTES: Final = 200
"""In UTF-8. Keeps every act below one kilobyte, beyond which every write would cost double."""

Decision = Literal["credit", "refuse"]


class Act(Struct, frozen=True, kw_only=True):
    """Who does something, why, and under which key. Raises InvalidField when the reason is empty or too long.

    The key may be of any time: an act that is sent again next week must still be the act that was done.
    """

    key: str
    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.reason.isprintable() or len(self.reason.encode()) > MAX_REASON_BYTES:
            raise InvalidField("reason", f"1-{MAX_REASON_BYTES} bytes of text that say why")


class GrantOrder(Struct, frozen=True, kw_only=True):
    """Coins that an operator gives a fan, or takes when they are negative.

    Raises InvalidField when it is made with something that cannot be.
    """

    act: Act
    user_id: str
    coins: int

    def __post_init__(self) -> None:
        require_party_id("user_id", self.user_id)
        if not 1 <= abs(self.coins) <= MAX_GRANT_COINS:
            raise InvalidField("coins", f"a whole number, not 0, within ±{MAX_GRANT_COINS}")


def is_same_act(earlier: Adjustment, wanted: Adjustment) -> bool:
    """Whether an entry that was found under an act's key is what the act would have made."""
    return (earlier.kind, earlier.coins, earlier.about) == (wanted.kind, wanted.coins, wanted.about)


class Adjusted(Struct, frozen=True, kw_only=True):
    """What an act did. `is_repeat`: it had been done before, and was not done again."""

    adjustment: Adjustment
    is_repeat: bool
