"""Wire types of prices."""

from msgspec import Struct
from msgspec.structs import asdict

from chalicelib.domain.catalogue import Catalogue, Offer
from chalicelib.domain.prices import CostBasis
from chalicelib.domain.reference_rates import ReferenceRates, compare
from chalicelib.domain.top_up import TopUp
from chalicelib.http.schemas import common
from chalicelib.http.schemas.common import Price, price_of


class WorthPrice(Price, kw_only=True):
    """Worth in money, rounded up. `basis`: price per coin that the caller `paid`, else the `list` price."""

    basis: str


class WorthResponse(Struct, kw_only=True):
    """Worth of a number of coins."""

    coins: int
    price: WorthPrice


class GiftItemResponse(common.GiftItemResponse, kw_only=True, omit_defaults=True):
    """Gift of the catalogue with its worth in the requested currency."""

    price: WorthPrice | None = None


class GiftCatalogueResponse(Struct, kw_only=True):
    """Gifts of the catalogue, cheapest first."""

    gifts: list[GiftItemResponse]


class ComparedBundleResponse(Struct, kw_only=True):
    """Bundle compared with its price in the base currency.

    `base_price_per_coin`: price per coin converted into the base currency. `difference_permille`: surcharge against
    the base price in tenths of a percent, negative if cheaper. Null without a base price.
    """

    bundle_id: str
    coins: int
    price: Price
    price_per_coin: str
    base_price_per_coin: str | None
    difference_permille: int | None


class CurrencyResponse(Struct, kw_only=True):
    """Currency of sale. `rate`: its units per unit of the base currency; `as_of`: date of the rate."""

    currency: str
    rate: str | None
    as_of: str | None
    bundles: list[ComparedBundleResponse]


class PricesResponse(Struct, kw_only=True):
    """Bundles in every currency with the operator's dated reference rate, which is never used to charge."""

    base: str
    source: str
    currencies: list[CurrencyResponse]


class TopUpLineResponse(Struct, kw_only=True):
    """Number of one bundle, each a checkout. `coins` and `price` are the sums."""

    bundle_id: str
    quantity: int
    coins: int
    price: Price


class SingleCheckoutResponse(Struct, kw_only=True):
    """Single checkout with enough coins. `bundle_id` is `custom` for an amount that is no bundle."""

    bundle_id: str
    coins: int
    spare_coins: int
    price: Price


class TopUpResponse(Struct, kw_only=True, rename={"needed": "for"}):
    """Cheapest bundles with at least `for` coins, largest first. `spare_coins` is the excess.

    `checkout` is the cheapest single checkout, null in the app and above the largest amount for sale.
    """

    needed: int
    coins: int
    spare_coins: int
    price: Price
    bundles: list[TopUpLineResponse]
    checkout: SingleCheckoutResponse | None


def gift_catalogue(
    unpriced: common.GiftCatalogueResponse, cost_basis: CostBasis | None = None
) -> GiftCatalogueResponse:
    """Convert the gift catalogue, with worths if there is a cost basis."""
    return GiftCatalogueResponse(
        gifts=[
            GiftItemResponse(**asdict(gift), price=_worth(gift.coins, cost_basis) if cost_basis else None)
            for gift in unpriced.gifts
        ]
    )


def worth(coins: int, cost_basis: CostBasis) -> WorthResponse:
    """Convert the worth of a number of coins."""
    return WorthResponse(coins=coins, price=_worth(coins, cost_basis))


def _worth(coins: int, cost_basis: CostBasis) -> WorthPrice:
    price = price_of(cost_basis.price_minor(coins), cost_basis.currency)
    return WorthPrice(**asdict(price), basis=cost_basis.basis)


def top_up(found: TopUp, checkout: Offer | None, currency: str) -> TopUpResponse:
    """Convert a top-up and the single checkout beside it."""
    return TopUpResponse(
        needed=found.needed,
        coins=found.coins,
        spare_coins=found.spare_coins,
        price=price_of(found.amount_minor, currency),
        bundles=[
            TopUpLineResponse(
                bundle_id=line.offer.bundle.bundle_id,
                quantity=line.quantity,
                coins=line.coins,
                price=price_of(line.amount_minor, currency),
            )
            for line in found.lines
        ],
        checkout=SingleCheckoutResponse(
            bundle_id=checkout.bundle.bundle_id,
            coins=checkout.coins,
            spare_coins=checkout.coins - found.needed,
            price=price_of(checkout.amount_minor, currency),
        )
        if checkout
        else None,
    )


def prices(catalogue: Catalogue, rates: ReferenceRates, channel: str) -> PricesResponse:
    """Convert all prices of a channel."""
    return PricesResponse(
        base=rates.base,
        source=rates.source,
        currencies=[_currency(catalogue, rates, currency, channel) for currency in catalogue.currencies(channel)],
    )


def _currency(catalogue: Catalogue, rates: ReferenceRates, currency: str, channel: str) -> CurrencyResponse:
    rate = rates.rate(currency)
    return CurrencyResponse(
        currency=currency,
        rate=rate,
        as_of=rates.as_of.isoformat() if rate else None,
        bundles=[
            ComparedBundleResponse(
                bundle_id=each.offer.bundle.bundle_id,
                coins=each.offer.bundle.coins,
                price=price_of(each.offer.amount_minor, currency),
                price_per_coin=each.offer.price_per_coin,
                base_price_per_coin=each.base_price_per_coin,
                difference_permille=each.difference_permille,
            )
            for each in compare(catalogue, rates, currency, channel)
        ],
    )
