"""Wire types of offers."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, convert

from chalicelib.domain.catalogue import Offer
from chalicelib.domain.offers import Verdict
from chalicelib.http.schemas.common import Price, price_of


class OfferResponse(Struct, kw_only=True):
    """Bundle on sale. `jws` is the same, signed for a day with a key of `/.well-known/jwks.json`."""

    bundle_id: str
    coins: int
    price: Price
    jws: str


class OffersResponse(Struct, kw_only=True):
    """Signed bundles on sale, smallest first."""

    offers: list[OfferResponse]


class VerdictResponse(Struct, kw_only=True):
    """Verdict on an offer. `reason` is a stable word, `detail` a sentence.

    `bundle_id`, `official_price` and `channel` are of the offer it was compared with; null without one. The price of an
    offer in the channel `in_app` is official in the app only.
    """

    official: bool
    reason: str
    detail: str
    bundle_id: str | None
    official_price: Price | None
    channel: str | None


class KeyResponse(Struct, kw_only=True):
    """Public key (RFC 7517). `kid` is its thumbprint (RFC 7638)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class KeySetResponse(Struct, kw_only=True):
    """Public keys of the signatures; the first one signs."""

    keys: list[KeyResponse]


def offers(signed: Sequence[tuple[Offer, str]]) -> OffersResponse:
    """Convert signed offers."""
    return OffersResponse(
        offers=[
            OfferResponse(
                bundle_id=offer.bundle.bundle_id,
                coins=offer.bundle.coins,
                price=price_of(offer.amount_minor, offer.currency),
                jws=jws,
            )
            for offer, jws in signed
        ]
    )


def verdict(verdict: Verdict) -> VerdictResponse:
    """Convert a verdict."""
    offer = verdict.offer
    return VerdictResponse(
        official=verdict.is_official,
        reason=verdict.reason,
        detail=verdict.detail,
        bundle_id=offer.bundle.bundle_id if offer else None,
        official_price=price_of(offer.amount_minor, offer.currency) if offer else None,
        channel=offer.channel if offer else None,
    )


def key_set(public_keys: Sequence[Mapping[str, str]]) -> KeySetResponse:
    """Convert public keys with exactly these members."""
    return KeySetResponse(keys=convert(public_keys, list[KeyResponse]))
