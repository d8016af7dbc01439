"""What the routes about offers give, as types."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, convert

from chalicelib.domain.catalogue import Offer
from chalicelib.domain.offers import Verdict
from chalicelib.http.schemas.common import Price, price_of


class OfferResponse(Struct, kw_only=True):
    """A bundle on sale. `jws` says the same, signed, for a day: check it with the keys of `/.well-known/jwks.json`."""

    bundle_id: str
    coins: int
    price: Price
    jws: str


class OffersResponse(Struct, kw_only=True):
    """The bundles on sale, smallest first, signed."""

    offers: list[OfferResponse]


class VerdictResponse(Struct, kw_only=True):
    """Whether it is official. `reason` is a stable word, `detail` a sentence for a person.

    `bundle_id` and `official_price` are those of the bundle that it was held against; null where there is none.
    """

    official: bool
    reason: str
    detail: str
    bundle_id: str | None
    official_price: Price | None


class KeyResponse(Struct, kw_only=True):
    """A public key (RFC 7517). `kid` is its thumbprint (RFC 7638)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class KeySetResponse(Struct, kw_only=True):
    """The keys that signatures can be checked with; the first one signs."""

    keys: list[KeyResponse]


def offers(signed: Sequence[tuple[Offer, str]]) -> OffersResponse:
    """Signed offers as the API shows them."""
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
    """A verdict as the API shows it."""
    offer = verdict.offer
    return VerdictResponse(
        official=verdict.is_official,
        reason=verdict.reason,
        detail=verdict.detail,
        bundle_id=offer.bundle.bundle_id if offer else None,
        official_price=price_of(offer.amount_minor, offer.currency) if offer else None,
    )


def key_set(public_keys: Sequence[Mapping[str, str]]) -> KeySetResponse:
    """Public keys as the API shows them: these members, and never another."""
    return KeySetResponse(keys=convert(public_keys, list[KeyResponse]))
