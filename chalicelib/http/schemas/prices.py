"""What the routes about prices give, as types."""

from msgspec import Struct
from msgspec.structs import asdict

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.prices import CostBasis
from chalicelib.domain.reference_rates import ReferenceRates, compare
from chalicelib.domain.top_up import TopUp
from chalicelib.http.schemas import common
from chalicelib.http.schemas.common import Price, price_of


class WorthPrice(Price, kw_only=True):
    """Money, rounded up. Its `basis` is what the caller `paid` per coin in that currency, or else the `list` price."""

    basis: str


class WorthResponse(Struct, kw_only=True):
    """What so many coins are worth."""

    coins: int
    price: WorthPrice


class GiftItemResponse(common.GiftItemResponse, kw_only=True, omit_defaults=True):
    """A gift that can be sent, and what it is worth in the currency that was asked for."""

    price: WorthPrice | None = None


class GiftCatalogueResponse(Struct, kw_only=True):
    """The gifts that can be sent, cheapest first."""

    gifts: list[GiftItemResponse]


class ComparedBundleResponse(Struct, kw_only=True):
    """A bundle beside its price in the base currency.

    `base_price_per_coin` is the price per coin converted into the base currency. `difference_permille` is how much
    dearer than there, in tenths of a per cent; negative where cheaper. Null where there is nothing to compare with.
    """

    bundle_id: str
    coins: int
    price: Price
    price_per_coin: str
    base_price_per_coin: str | None
    difference_permille: int | None


class CurrencyResponse(Struct, kw_only=True):
    """A currency that bundles are on sale in. `rate` is its units per unit of the base, `as_of` the rate's date."""

    currency: str
    rate: str | None
    as_of: str | None
    bundles: list[ComparedBundleResponse]


class PricesResponse(Struct, kw_only=True):
    """The bundles in every currency, beside a dated reference rate of the operator's. Nothing is charged by it."""

    base: str
    source: str
    currencies: list[CurrencyResponse]


class TopUpLineResponse(Struct, kw_only=True):
    """So many of one bundle, each a checkout of its own. `coins` and `price` are those of all of them."""

    bundle_id: str
    quantity: int
    coins: int
    price: Price


class TopUpResponse(Struct, kw_only=True, rename={"needed": "for"}):
    """The cheapest bundles with at least `for` coins, largest first. `spare_coins` is what they hold beyond it."""

    needed: int
    coins: int
    spare_coins: int
    price: Price
    bundles: list[TopUpLineResponse]


def gift_catalogue(
    unpriced: common.GiftCatalogueResponse, cost_basis: CostBasis | None = None
) -> GiftCatalogueResponse:
    """The gift catalogue as the API shows it, with prices where there is something to base them on."""
    return GiftCatalogueResponse(
        gifts=[
            GiftItemResponse(**asdict(gift), price=_worth(gift.coins, cost_basis) if cost_basis else None)
            for gift in unpriced.gifts
        ]
    )


def worth(coins: int, cost_basis: CostBasis) -> WorthResponse:
    """What so many coins are worth, as the API shows it."""
    return WorthResponse(coins=coins, price=_worth(coins, cost_basis))


def _worth(coins: int, cost_basis: CostBasis) -> WorthPrice:
    price = price_of(cost_basis.price_minor(coins), cost_basis.currency)
    return WorthPrice(**asdict(price), basis=cost_basis.basis)


def top_up(found: TopUp, currency: str) -> TopUpResponse:
    """A top-up as the API shows it."""
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
    )


def prices(catalogue: Catalogue, rates: ReferenceRates, channel: str) -> PricesResponse:
    """All prices of a channel as the API shows them."""
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
