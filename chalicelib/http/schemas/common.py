"""Wire types of bundles, checkouts, wallet and statement."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType, to_builtins

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.catalogue import Catalogue, GiftItem, Offer
from chalicelib.domain.display import is_asset
from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import iso
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.domain.wallets import FreezeReason, Wallet


class CheckoutRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Coins to buy: a `quantity` of the bundle `bundle_id`, or an amount of `coins`.

    `return_url` is the page to come back to, in one of the operator's origins.
    """

    bundle_id: str = ""
    quantity: int = 1
    coins: int = 0
    currency: str | UnsetType = UNSET
    channel: str = "web"
    return_url: str = ""


class Price(Struct, kw_only=True):
    """Money: `amount_minor` / 10^`exponent` in `currency`, tax included."""

    amount_minor: int
    currency: str
    exponent: int


class BundleResponse(Struct, kw_only=True):
    """Bundle on sale. `coins` is the total credited, including `bonus_coins`. `image` is relative to the API."""

    bundle_id: str
    coins: int
    bonus_coins: int
    price: Price
    price_per_coin: str
    discount_percent: int
    web_saving_percent: int | None
    image: str | None
    featured: bool


class CustomResponse(Struct, kw_only=True):
    """Limits of custom amounts of coins."""

    min_coins: int
    max_coins: int


class BundlesResponse(Struct, kw_only=True):
    """Bundles on sale, smallest first. `custom` is null where only bundles are for sale."""

    bundles: list[BundleResponse]
    custom: CustomResponse | None


class CheckoutResponse(Struct, kw_only=True):
    """Checkout. `url` is the payment page, null when nothing is left to pay. `posted` means credited.

    `bundle_id` is `custom` for an amount of coins that is no bundle.
    """

    id: str
    status: str
    bundle_id: str
    coins: int
    price: Price
    expires_at: str
    url: str | None = None


FreezeReasonName = Literal["operator", "dispute"]
_FREEZE_REASONS: Final[Mapping[FreezeReason, FreezeReasonName]] = {
    FreezeReason.OPERATOR: "operator",
    FreezeReason.DISPUTE: "dispute",
}


class WalletResponse(Struct, kw_only=True):
    """Spendable `coins`; `owed` is a debt after a clawback, paid off by the next purchase.

    A wallet that is `frozen` neither spends nor buys. `freeze_reasons` says why: `operator`, or `dispute` while the
    money of a disputed payment is out, and after a lost dispute while coins are owed.
    """

    coins: int
    owed: int
    frozen: bool
    freeze_reasons: Sequence[FreezeReasonName]


class EntryResponse(Struct, kw_only=True, omit_defaults=True):
    """Statement line. `coins` is its signed effect on the balance once posted."""

    id: str
    kind: str
    status: str
    coins: int
    created_at: str
    posted_at: str | None = None
    bundle_id: str | None = None
    price: Price | None = None
    creator_id: str | None = None
    item_id: str | None = None
    quantity: int | None = None
    about: str | None = None


class EntriesResponse(Struct, kw_only=True):
    """Page of the statement, newest first. `next_cursor` is null on the last page."""

    entries: list[EntryResponse]
    next_cursor: str | None


class GiftItemResponse(Struct, kw_only=True):
    """Gift of the catalogue. `image` and `animation` are relative to the API's address, or absolute."""

    item_id: str
    name: str
    coins: int
    image: str | None
    animation: str | None
    category: str | None
    featured: bool


class GiftCatalogueResponse(Struct, kw_only=True):
    """Gifts of the catalogue, cheapest first."""

    gifts: list[GiftItemResponse]


class WebhookResponse(Struct, kw_only=True):
    """Outcome of the event."""

    outcome: str


class HealthResponse(Struct, kw_only=True):
    """Deployed version and stage."""

    status: str
    version: str
    stage: str


def bundles(offers: list[Offer], custom: tuple[int, int] | None) -> BundlesResponse:
    """Convert offers and the limits of custom amounts."""
    return BundlesResponse(
        custom=CustomResponse(min_coins=custom[0], max_coins=custom[1]) if custom else None,
        bundles=[
            BundleResponse(
                bundle_id=offer.bundle.bundle_id,
                coins=offer.bundle.coins,
                bonus_coins=offer.bundle.bonus_coins,
                price=price_of(offer.amount_minor, offer.currency),
                price_per_coin=offer.price_per_coin,
                discount_percent=offer.discount_percent,
                web_saving_percent=offer.web_saving_percent,
                image=address_of(offer.bundle.display.image),
                featured=offer.bundle.display.is_featured,
            )
            for offer in offers
        ],
    )


def plain(responses: Sequence[Struct]) -> list[dict[str, object]]:
    """Convert responses to JSON values."""
    return [to_builtins(response) for response in responses]


def checkout(purchase: Purchase, url: str | None = None) -> CheckoutResponse:
    """Convert a purchase."""
    return CheckoutResponse(
        id=purchase.purchase_id,
        status=purchase.status.value,
        bundle_id=purchase.bundle_id,
        coins=purchase.coins,
        price=price_of(purchase.amount_minor, purchase.currency),
        expires_at=iso(purchase.created_at + SESSION_LIFE),
        url=url,
    )


def wallet(wallet: Wallet) -> WalletResponse:
    """Convert a wallet."""
    reasons = [_FREEZE_REASONS[reason] for reason in wallet.freeze_reasons]
    return WalletResponse(
        coins=max(wallet.coins, 0), owed=max(-wallet.coins, 0), frozen=bool(reasons), freeze_reasons=reasons
    )


def entries(page: Sequence[Entry], next_cursor: str | None) -> EntriesResponse:
    """Convert a page of the statement."""
    return EntriesResponse(entries=[entry(line) for line in page], next_cursor=next_cursor)


def entry(entry: Entry) -> EntryResponse:
    """Convert an entry."""
    if isinstance(entry, Purchase):
        return EntryResponse(
            id=entry.purchase_id,
            kind="purchase",
            status=entry.status.value,
            coins=entry.coins,
            created_at=iso(entry.created_at),
            posted_at=iso(entry.posted_at) if entry.posted_at else None,
            bundle_id=entry.bundle_id,
            price=price_of(entry.amount_minor, entry.currency),
        )
    if isinstance(entry, Adjustment | NotificationEntry):
        return EntryResponse(
            id=entry.entry_id,
            kind=entry.kind.value,
            status="posted",
            coins=entry.coins,
            created_at=iso(entry.posted_at),
            posted_at=iso(entry.posted_at),
            about=None if isinstance(entry, NotificationEntry) else entry.about,
        )
    return EntryResponse(
        id=entry.gift_id,
        kind=entry.kind.value,
        status="posted",
        coins=-entry.price_coins,
        created_at=iso(entry.posted_at),
        posted_at=iso(entry.posted_at),
        creator_id=entry.creator_id,
        item_id=entry.item_id,
        quantity=entry.quantity if entry.item_id else None,
    )


def gift_catalogue(catalogue: Catalogue) -> GiftCatalogueResponse:
    """Convert the gift catalogue."""
    gifts: list[GiftItem] = sorted(catalogue.gifts.values(), key=lambda gift: (gift.coins, gift.item_id))
    return GiftCatalogueResponse(
        gifts=[
            GiftItemResponse(
                item_id=gift.item_id,
                name=gift.name,
                coins=gift.coins,
                image=address_of(gift.display.image),
                animation=address_of(gift.display.animation),
                category=gift.display.category or None,
                featured=gift.display.is_featured,
            )
            for gift in gifts
        ]
    )


def address_of(picture: str) -> str | None:
    """Convert a catalogue's picture: an asset's address is relative to the API's, because the API may have several."""
    return f"assets/{picture}" if is_asset(picture) else picture or None


def price_of(amount_minor: int, currency: str) -> Price:
    """Convert an amount."""
    # A purchase in a currency that left the table must still show; most have two digits.
    return Price(amount_minor=amount_minor, currency=currency, exponent=EXPONENTS.get(currency, 2))


def named_or(currency: str | UnsetType, default: str) -> str:
    """Return the currency of a request, or the catalogue's if it names none."""
    return default if isinstance(currency, UnsetType) else currency
