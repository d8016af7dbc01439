"""Operators' requests. Each has an idempotency key, a reason and an actor."""

from typing import Final, Literal

from msgspec import Struct

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.ids import require_party_id
from chalicelib.errors import InvalidField

MAX_GRANT_COINS: Final = 1_000_000
"""Largest single grant: a larger one is most likely a typing error."""
MAX_REASON_BYTES: Final = 200
"""In UTF-8. Keeps the item below 1 KB, so that its write costs one unit."""

Decision = Literal["credit", "refuse"]


class Act(Struct, frozen=True, kw_only=True):
    """The key, actor and reason of an operator's request. Raises InvalidField when the reason is empty or too long.

    The key's age is not checked: a repeat a week later must still find the first request.
    """

    key: str
    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.reason.isprintable() or len(self.reason.encode()) > MAX_REASON_BYTES:
            raise InvalidField("reason", f"1-{MAX_REASON_BYTES} bytes of text that say why")


class GrantOrder(Struct, frozen=True, kw_only=True):
    """A request to grant a fan coins, or to take them if `coins` is negative. Raises InvalidField."""

    act: Act
    user_id: str
    coins: int

    def __post_init__(self) -> None:
        require_party_id("user_id", self.user_id)
        if not 1 <= abs(self.coins) <= MAX_GRANT_COINS:
            raise InvalidField("coins", f"a whole number, not 0, within ±{MAX_GRANT_COINS}")


def is_same_act(earlier: Adjustment, wanted: Adjustment) -> bool:
    """Return True when the entry stored under an act's key is the one that the act would write."""
    return (earlier.kind, earlier.coins, earlier.about) == (wanted.kind, wanted.coins, wanted.about)


class Adjusted(Struct, frozen=True, kw_only=True):
    """The result of an act. `is_repeat`: an earlier request with the same key made the adjustment."""

    adjustment: Adjustment
    is_repeat: bool
