"""Results of conditional writes.

A write is committed whole or changes nothing. `Posted` says that this call committed it; every other variant says which
condition failed, and carries the items that the failed condition returned. Use cases match on the variants.
"""

from msgspec import Struct

from chalicelib.domain.entries import Entry
from chalicelib.domain.memberships import Membership
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reviews import Review
from chalicelib.domain.wallets import Wallet


class Posted(Struct, frozen=True, kw_only=True):
    """The write was committed by this call."""


class Repeated(Struct, frozen=True, kw_only=True):
    """An earlier call committed the same write."""


class Stale(Struct, frozen=True, kw_only=True):
    """The item is no longer as it was read (optimistic lock)."""


class AlreadyExists(Struct, frozen=True, kw_only=True):
    """The id already names an entry. `wallet` is set when the wallet's condition failed as well."""

    entry: Entry
    wallet: Wallet | None = None


class MembershipExists(Struct, frozen=True, kw_only=True):
    """The id already names a membership. `wallet` is set when the wallet's condition failed as well."""

    membership: Membership
    wallet: Wallet | None = None


class Rejected(Struct, frozen=True, kw_only=True):
    """The wallet does not allow the write; None when there is no wallet."""

    wallet: Wallet | None


class Unchanged(Struct, frozen=True, kw_only=True):
    """The purchase is posted, differs from what was paid, or has a status that the write does not start from."""

    purchase: Purchase


class Asking(Struct, frozen=True, kw_only=True):
    """This call alone may ask the provider about the checkout, which comes back to `return_url`."""

    return_url: str | None


class Unmatched(Struct, frozen=True, kw_only=True):
    """The stored quote of the membership differs from what was paid; None when there is no such membership."""

    membership: Membership | None


class AlreadyReversed(Struct, frozen=True, kw_only=True):
    """The gift was reversed before, by the entry `reversed_by`."""

    reversed_by: str


class AlreadySettled(Struct, frozen=True, kw_only=True):
    """The review was settled before."""

    review: Review


class Conflict(Struct, frozen=True, kw_only=True):
    """The id names something else, or the target is missing or of another kind."""
