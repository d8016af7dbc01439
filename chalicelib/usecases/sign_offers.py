"""Bundles that anybody can show, and anybody can check."""

from collections.abc import Sequence

from chalicelib.domain.catalogue import Offer
from chalicelib.domain.offers import to_sign
from chalicelib.ports import Clock, OfferSigner


def sign_offers(
    offers: Sequence[Offer], *, issuer: str, is_live: bool, signer: OfferSigner, clock: Clock
) -> Sequence[tuple[Offer, str]]:
    """Each offer with its signature, good for a day from now.

    Args:
        offers: what is on sale.
        issuer: the shop's origin.
        is_live: whether real money moves.
        signer: signs.
        clock: tells from when.
    """
    now = clock.now()
    return [(offer, signer.sign(to_sign(offer, issuer=issuer, is_live=is_live, now=now))) for offer in offers]
