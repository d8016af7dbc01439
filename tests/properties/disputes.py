"""The part of the reference model that predicts which wallets are frozen by disputes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

# Words of disputes that hold the wallet: until they are decided, or until the wallet owes nothing.
HOLDS = {"needs_response": "open", "under_review": "open", "invented": "open", "lost": "lost", "resolved": "lost"}


@dataclass
class Disputes:
    """The hold of each purchase, and how many lost disputes of each fan are known to be paid back."""

    holds: dict[tuple[str, str], str] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)

    def sync(self, name: tuple[str, str], statuses: Sequence[str], difference: int, coins: int) -> None:
        """Follow the disputes of a purchase, whose fan has `coins` before they move by `difference`."""
        found = [HOLDS.get(status, "none") for status in statuses]
        before, hold = self.holds.get(name, "none"), next((one for one in ("open", "lost") if one in found), "none")
        if before == "lost" and (hold != before or difference < 0):
            self.paid.pop(name[0], None)
        elif difference < 0:
            self.note_paid(name[0], coins)
        self.holds[name] = hold

    def note_paid(self, fan: str, coins: int) -> None:
        """Note that the coins of lost disputes are paid back if they are: the debt that follows is not theirs."""
        if self._count_unpaid(fan) > 0 and coins >= 0:
            self.paid[fan] = self._of(fan).count("lost")

    def freeze(self, fan: str, coins: int) -> bool:
        """Return True if disputes freeze the wallet."""
        return "open" in self._of(fan) or (self._count_unpaid(fan) > 0 and coins < 0)

    def _count_unpaid(self, fan: str) -> int:
        return self._of(fan).count("lost") - self.paid.get(fan, 0)

    def _of(self, fan: str) -> Sequence[str]:
        return [hold for name, hold in self.holds.items() if name[0] == fan]
