"""Checks that an address, a price or a signed bundle is an offer of this shop."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.addresses import OddAddress, Oddity, Origin, origin_of
from chalicelib.domain.catalogue import CHANNELS, Catalogue, Offer
from chalicelib.domain.ladder import custom_range, offer_for

OFFER_LIFE: Final = timedelta(hours=24)
"""Validity of a signed bundle, unless its price changes before."""
CLOCK_SKEW: Final = timedelta(minutes=1)
"""Difference between the clocks of the functions that sign and that check."""

_PAYMENT_HOST: Final = "stripe.com"

_OFFICIAL: Final = "official"
_DETAILS: Final = {
    Oddity.LOOK_ALIKE: "The address has letters that can look like others. The shop's own has none.",
    Oddity.ODD_CHARACTERS: "The address has characters that can hide where it leads. The shop's own has none.",
    Oddity.NO_WEB_ADDRESS: "This is no complete web address that begins with https://.",
    Oddity.USER_NAME: "The address has a name before an @, to hide where it leads. The shop's own has none.",
    "payment_page": "Anybody can have a payment page there. Begin in the shop: it leads you to the right one.",
    "not_https": "It begins with http://, so anybody in between can change what you see. The shop's does not.",
    "other_port": "The shop's host, but something else answers at this port.",
    "other_site": "This is not the shop's address.",
    "no_such_bundle": "The shop sells no bundle of exactly so many coins in this currency.",
    "too_cheap": "The shop does not sell so many coins for so little. Nobody else can sell them at all.",
    "too_dear": "The shop sells these coins for less.",
    "not_signed": "The shop did not sign this.",
    "other_shop": "This was signed for another shop, or for one where no real money moves.",
    "expired": "This offer is over. The shop has newer ones.",
    "not_on_sale": "The shop does not sell this bundle any more.",
    "price_changed": "The shop now sells this bundle for another price, or with other coins.",
}


class Verdict(Struct, frozen=True, kw_only=True):
    """The result of a check. `reason` is one stable word, `detail` a sentence for the user.

    `offer` is the offer on sale that the claim was compared with, if there is one.
    """

    is_official: bool
    reason: str
    detail: str
    offer: Offer | None = None


class SignedOffer(Struct, frozen=True, kw_only=True):
    """The signed claim that the shop sells a bundle at a price until `expires_at`. Times in whole seconds.

    `issuer` is the shop's origin; `coins` the total, bonus included; `is_live` false where no real money moves.
    """

    issuer: str
    issued_at: datetime
    expires_at: datetime
    bundle_id: str
    coins: int
    bonus_coins: int
    amount_minor: int
    currency: str
    channel: str
    is_live: bool


def check_address(address: str, shop: Collection[Origin]) -> Verdict:
    """Check that an address belongs to the shop.

    Args:
        address: the address to check, as received.
        shop: origins of the pages that fans return to after paying.
    """
    try:
        origin = origin_of(address)
    except OddAddress as odd:
        return _not_official(odd.oddity)
    if origin in shop:
        return Verdict(is_official=True, reason=_OFFICIAL, detail=f"This address is in the shop, {origin.url}.")
    return _not_official(_mismatch_reason(origin, shop))


def _mismatch_reason(origin: Origin, shop: Collection[Origin]) -> str:
    if f".{origin.host}".endswith(f".{_PAYMENT_HOST}"):
        return "payment_page"
    if origin.is_punycode:
        return Oddity.LOOK_ALIKE
    if origin.host not in {ours.host for ours in shop}:
        return Oddity.ODD_CHARACTERS if origin.is_ipv6 else "other_site"
    return "other_port" if origin.scheme in {ours.scheme for ours in shop} else "not_https"


def check_price(
    catalogue: Catalogue, coins: int, amount_minor: int, currency: str, channel: str | None = None
) -> Verdict:
    """Check that the shop sells exactly these coins, bonus included, for exactly this price.

    Args:
        catalogue: what is on sale.
        coins: the claimed coins, of a bundle or of a custom amount.
        amount_minor: its claimed price, in the minor unit of `currency`.
        currency: lowercase ISO 4217.
        channel: its claimed channel; any if None.
    """
    offers = [
        offer for each in ([channel] if channel else CHANNELS) for offer in _offers_of(catalogue, coins, currency, each)
    ]
    if not offers:
        return _not_official("no_such_bundle")
    for offer in offers:
        if offer.amount_minor == amount_minor:
            return _official(offer)
    cheapest = min(offers, key=lambda offer: (offer.amount_minor, offer.bundle.bundle_id))
    return _not_official("too_cheap" if amount_minor < cheapest.amount_minor else "too_dear", cheapest)


def _offers_of(catalogue: Catalogue, coins: int, currency: str, channel: str) -> Sequence[Offer]:
    bundles = [offer for offer in catalogue.offers(currency, channel) if offer.coins == coins]
    limits = custom_range(catalogue, currency, channel)
    if bundles or limits is None or not limits[0] <= coins <= limits[1]:
        return bundles
    custom = offer_for(catalogue, coins, currency)
    return [custom] if custom.coins == coins else []


def to_sign(offer: Offer, *, issuer: str, is_live: bool, now: datetime) -> SignedOffer:
    """Build the claim to sign for an offer."""
    at = now.replace(microsecond=0)
    return SignedOffer(
        issuer=issuer,
        issued_at=at,
        expires_at=at + OFFER_LIFE,
        bundle_id=offer.bundle.bundle_id,
        coins=offer.bundle.coins,
        bonus_coins=offer.bundle.bonus_coins,
        amount_minor=offer.amount_minor,
        currency=offer.currency,
        channel=offer.channel,
        is_live=is_live,
    )


def check_signed(
    signed: SignedOffer | None, catalogue: Catalogue, *, issuer: str, is_live: bool, now: datetime
) -> Verdict:
    """Check that a signed bundle is still on sale unchanged.

    Args:
        signed: the signed claim; None when the signature is not valid. This shop signs no claim for longer than
            OFFER_LIFE, and none ahead of time: another one was made with its key and not by it.
        catalogue: what is on sale now.
        issuer, is_live: the values that this shop signs.
        now: the time.
    """
    if signed is None or not _has_possible_times(signed, now):
        return _not_official("not_signed")
    if (signed.issuer, signed.is_live) != (issuer, is_live):
        return _not_official("other_shop")
    if signed.expires_at <= now:
        return _not_official("expired")
    for offer in catalogue.offers(signed.currency, signed.channel):
        if offer.bundle.bundle_id == signed.bundle_id:
            promised = signed.coins, signed.bonus_coins, signed.amount_minor
            is_kept = promised == (offer.bundle.coins, offer.bundle.bonus_coins, offer.amount_minor)
            return _official(offer) if is_kept else _not_official("price_changed", offer)
    return _not_official("not_on_sale")


def _has_possible_times(signed: SignedOffer, now: datetime) -> bool:
    life = signed.expires_at - signed.issued_at
    return timedelta(0) < life <= OFFER_LIFE and signed.issued_at <= now + CLOCK_SKEW


def _official(offer: Offer) -> Verdict:
    where = ", in its app only" if offer.channel == "in_app" else ""
    detail = f"The shop sells {offer.coins} coins for this price{where}."
    return Verdict(is_official=True, reason=_OFFICIAL, detail=detail, offer=offer)


def _not_official(reason: str, offer: Offer | None = None) -> Verdict:
    return Verdict(is_official=False, reason=str(reason), detail=_DETAILS[reason], offer=offer)
