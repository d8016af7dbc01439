"""A fan looks at his limits, and at what is left of them."""

from dataclasses import replace

from chalicelib.domain.budgets import renewed
from chalicelib.domain.ledger import Wallet
from chalicelib.ports import Clock, Ledger


def read_budget(user_id: str, *, ledger: Ledger, clock: Clock) -> Wallet:
    """The wallet as it is now: whatever of its budget is still to be written, and without an exclusion that is over.

    Raises:
        TryAgain: the ledger did not answer.
    """
    wallet, now = ledger.read_wallet(user_id), clock.now()
    until = wallet.excluded_until
    return replace(
        wallet,
        budget=renewed(wallet.budget, now) if wallet.budget else None,
        excluded_until=until if until and until > now else None,
    )
