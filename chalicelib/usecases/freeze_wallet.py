"""An operator stops a wallet from spending, or lets it spend again."""

from chalicelib.domain.ids import require_party_id
from chalicelib.domain.operators import Act
from chalicelib.domain.reviews import Freeze
from chalicelib.ports import Clock, OperatorDesk


def freeze_wallet(user_id: str, act: Act, *, is_frozen: bool, desk: OperatorDesk, clock: Clock) -> None:
    """Freeze or unfreeze the wallet, and keep who said so and why. What is frozen can be frozen again.

    Raises:
        IdempotencyConflict: the key names another wallet, or the other wish.
        TryAgain: the outcome is not known.
    """
    desk.freeze(
        Freeze(
            key=act.key,
            user_id=require_party_id("user_id", user_id),
            is_frozen=is_frozen,
            reason=act.reason,
            actor=act.actor,
            at=clock.now(),
        )
    )
