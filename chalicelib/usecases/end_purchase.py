"""A purchase ends unpaid: its price no longer counts against the fan's budget."""

from collections.abc import Sequence

from chalicelib.domain.budgets import BudgetChange, given_back
from chalicelib.domain.ledger import Purchase, Status
from chalicelib.domain.payments import CheckoutSession, Claim
from chalicelib.ports import Clock, Ledger


def end_purchase(
    session: CheckoutSession, to: Status, allowed: Sequence[Status], *, ledger: Ledger, clock: Clock
) -> Purchase | None:
    """Set the status, and give the price back to those periods that the purchase was opened in, in one transaction.

    Once a purchase: one that is given back, and moves on after all, is not given back again; if it is posted in the
    end, it counts again, in the periods of that moment. Fans without a budget cost a read, and no more.

    Returns:
        None when it was done; else the purchase as it is, untouched.

    Raises:
        NotFound: there is no such purchase.
        TryAgain: the outcome is not known, or the budget was changed meanwhile.
    """
    assert session.claim is not None, "strangers' sessions are not ours to end"
    return ledger.move_purchase(session, to, allowed, _change(session.claim, ledger, clock))


def _change(claim: Claim, ledger: Ledger, clock: Clock) -> BudgetChange | None:
    seen = ledger.read_wallet(claim.user_id).budget
    if seen is None:
        return None
    purchase = ledger.find_entry(claim.user_id, claim.purchase_id)
    if not isinstance(purchase, Purchase) or purchase.is_given_back:
        return None
    budget = given_back(seen, purchase.amount_minor, purchase.currency, purchase.created_at, clock.now())
    return BudgetChange(seen=seen, budget=budget) if budget else None
