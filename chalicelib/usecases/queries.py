"""Reads without side effects."""

from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.budgets import renewed
from chalicelib.domain.catalogue import Catalogue, Offer
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.memberships import Membership, present_membership
from chalicelib.domain.offers import to_sign
from chalicelib.domain.prices import CostBasis, listed, paid
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import NotFound
from chalicelib.ports.billing import OfferSigner
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships

_NEWEST: Final = 100


def read_cost_basis(user_id: str | None, currency: str, *, catalogue: Catalogue, ledger: Ledger) -> CostBasis:
    """Return the price per coin that the fan paid in `currency` within the newest 100 entries, or the list price.

    Raises:
        UnknownBundle: no purchase in the currency, and no bundle on sale in it on the web.
    """
    entries = ledger.list_entries(user_id, _NEWEST) if user_id else []
    return paid(entries, currency) or listed(catalogue, currency)


Wanted = TypeVar("Wanted", Purchase, Gift)


def read_entry(user_id: str, entry_id: str, kind: type[Wanted], *, ledger: Ledger) -> Wanted:
    """Return the fan's entry of that kind. Raises NotFound, also for an entry of another fan."""
    entry = ledger.find_entry(user_id, entry_id)
    if not isinstance(entry, kind):
        raise NotFound(f"You have no {kind.__name__.lower()} {entry_id}.")
    return entry


def read_membership(user_id: str, *, memberships: Memberships) -> Membership | None:
    """Return the fan's live membership, else the newest, else None."""
    return present_membership(memberships.list_memberships(user_id))


class Statement(Struct, frozen=True, kw_only=True):
    """A page of entries, newest first. `older_than` is the last entry id; None on the last page."""

    entries: Sequence[Entry]
    older_than: str | None


def read_statement(user_id: str, *, limit: int, before: str | None, ledger: Ledger) -> Statement:
    """Return at most `limit` of the fan's entries that are older than the entry id `before`."""
    entries = ledger.list_entries(user_id, limit + 1, before)
    page = entries[:limit]
    return Statement(entries=page, older_than=page[-1].entry_id if len(entries) > limit else None)


def read_budget(user_id: str, *, ledger: Ledger, clock: Clock) -> Wallet:
    """Return the wallet with its budget renewed to the present and without an expired self-exclusion."""
    wallet: Wallet = ledger.read_wallet(user_id)
    now = clock.now()
    until = wallet.excluded_until
    return replace(
        wallet,
        budget=renewed(wallet.budget, now) if wallet.budget else None,
        excluded_until=until if until and until > now else None,
    )


def sign_offers(
    offers: Sequence[Offer], *, issuer: str, is_live: bool, signer: OfferSigner, clock: Clock
) -> Sequence[tuple[Offer, str]]:
    """Sign each offer, valid for a day. `issuer` is the shop's origin, `is_live` false in test mode."""
    now = clock.now()
    return [(offer, signer.sign(to_sign(offer, issuer=issuer, is_live=is_live, now=now))) for offer in offers]
