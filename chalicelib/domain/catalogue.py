"""Catalogue of bundles, gifts and memberships, validated as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, TypeVar

from msgspec import Struct, field

from chalicelib.domain.display import Display, UnitNames, check_display, check_image_origins, check_unit
from chalicelib.domain.economy import MAX_QUANTITY, CatalogueError, Economy, require_whole
from chalicelib.domain.ids import is_tag
from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT, as_decimal, max_charge_minor, smallest_step_minor
from chalicelib.domain.plans import Plan
from chalicelib.errors import UnknownBundle, UnknownItem, UnknownPlan

CHANNELS: Final = ("web", "in_app")
CUSTOM: Final = "custom"
"""`bundle_id` of an amount of coins that is no bundle of the catalogue."""
_PRICE_DIGITS: Final = 6


Thing = TypeVar("Thing", bound="Bundle | GiftItem | Plan")


class Bundle(Struct, frozen=True, kw_only=True):
    """A coin bundle. `coins` is the total, `bonus_coins` included; `prices[channel][currency]` in minor units."""

    bundle_id: str
    coins: int
    bonus_coins: int
    prices: Mapping[str, Mapping[str, int]]
    display: Display = Display()


class GiftItem(Struct, frozen=True, kw_only=True):
    """A gift of the catalogue, for `coins` each."""

    item_id: str
    name: str
    coins: int
    display: Display = Display()


class Offer(Struct, frozen=True, kw_only=True):
    """A bundle in one currency and channel, with figures for comparison.

    `price_per_coin` is in major units, rounded half up to six digits. `discount_percent` compares the price per coin
    with the smallest bundle's, `web_saving_percent` the price with the same bundle's in the app (None where the app
    does not sell it); both are rounded down, so that a discount is never overstated.
    """

    bundle: Bundle
    currency: str
    channel: str
    amount_minor: int
    price_per_coin: str
    discount_percent: int
    web_saving_percent: int | None

    @property
    def coins(self) -> int:
        """The coins of the bundle, bonus included."""
        return self.bundle.coins

    def price_minor(self, coins: int) -> int:
        """Price a number of coins at this price per coin, rounded up to the currency's smallest step."""
        step = smallest_step_minor(self.currency)
        return -(-coins * self.amount_minor // (self.coins * step)) * step


class Catalogue(Struct, frozen=True, kw_only=True):
    """The bundles, gifts and memberships of one economy, validated on creation.

    `custom_max_coins` is the largest amount of coins that a fan may choose freely; None: bundles only.
    `image_origins` are the https origins that pictures may come from, beside the assets.
    `freeze_on_dispute`: a dispute that moved money freezes the fan's wallet.

    Raises:
        CatalogueError: a field breaks its rule.
    """

    economy: Economy
    bundles: Mapping[str, Bundle]
    gifts: Mapping[str, GiftItem]
    memberships: Mapping[str, Plan] = field(default_factory=dict)
    custom_max_coins: int | None = None
    unit: UnitNames = UnitNames()
    image_origins: Sequence[str] = ()
    freeze_on_dispute: bool = True

    def __post_init__(self) -> None:
        for bundle in self.bundles.values():
            _check_bundle(bundle)
        for gift in self.gifts.values():
            _check_gift(gift)
        for plan in self.memberships.values():
            _check_plan(plan)
        _check_shown(self)
        _check_whole(self)
        for currency in self.currencies("web"):
            _check_ladder(self._on_sale(currency, "web"), currency, self.custom_max_coins)

    def offer(self, bundle_id: str, currency: str, channel: str) -> Offer:
        """Return the offer of a bundle. Raises UnknownBundle when it is not on sale there."""
        for offer in self.offers(currency, channel):
            if offer.bundle.bundle_id == bundle_id:
                return offer
        raise UnknownBundle(f"No bundle {bundle_id} is on sale in {currency} for {channel}.")

    def gift(self, item_id: str) -> GiftItem:
        """Return the gift. Raises UnknownItem."""
        if item_id not in self.gifts:
            raise UnknownItem(f"The gift catalogue has no {item_id}.")
        return self.gifts[item_id]

    def plan(self, plan_id: str, currency: str) -> tuple[Plan, int]:
        """Return a plan and its monthly price. Raises UnknownPlan when it is not on sale there."""
        plan = self.memberships.get(plan_id)
        if plan is None or currency not in plan.prices:
            raise UnknownPlan(f"No membership {plan_id} is on sale in {currency}.")
        return plan, plan.prices[currency]

    def plans(self, currency: str) -> list[Plan]:
        """Return the plans on sale in a currency, smallest first."""
        on_sale = [plan for plan in self.memberships.values() if currency in plan.prices]
        return sorted(on_sale, key=lambda plan: (plan.coins, plan.plan_id))

    def default_currency(self) -> str:
        """Return the currency of requests that name none: usd where it is on sale, else the first of the file."""
        listed = [code for bundle in self.bundles.values() for prices in bundle.prices.values() for code in prices]
        return "usd" if "usd" in listed else listed[0]

    def currencies(self, channel: str) -> list[str]:
        """Return the currencies of the bundles of a channel, sorted."""
        return sorted({currency for bundle in self.bundles.values() for currency in bundle.prices.get(channel, {})})

    def offers(self, currency: str, channel: str) -> list[Offer]:
        """Return the bundles on sale in a currency and channel, smallest first."""
        on_sale = self._on_sale(currency, channel)
        return [offer_of(bundle, on_sale[0], currency, channel) for bundle in on_sale]

    def _on_sale(self, currency: str, channel: str) -> list[Bundle]:
        on_sale = [bundle for bundle in self.bundles.values() if currency in bundle.prices.get(channel, {})]
        return sorted(on_sale, key=lambda bundle: bundle.coins)


def offer_of(bundle: Bundle, smallest: Bundle, currency: str, channel: str) -> Offer:
    """Build the offer of a bundle, compared with the smallest one on sale there."""
    amount = bundle.prices[channel][currency]
    per_coin = Fraction(amount, bundle.coins)
    in_app = bundle.prices.get("in_app", {}).get(currency)
    return Offer(
        bundle=bundle,
        currency=currency,
        channel=channel,
        amount_minor=amount,
        price_per_coin=_decimal_per_coin(per_coin, EXPONENTS[currency]),
        discount_percent=_saved_percent(per_coin, Fraction(smallest.prices[channel][currency], smallest.coins)),
        web_saving_percent=None if in_app is None or channel != "web" else _saved_percent(amount, in_app),
    )


def _decimal_per_coin(per_coin_minor: Fraction, exponent: int) -> str:
    scaled = per_coin_minor * 10 ** (_PRICE_DIGITS - exponent)
    return as_decimal(int(scaled + Fraction(1, 2)), _PRICE_DIGITS)


def _saved_percent(price: Fraction | int, compared_to: Fraction | int) -> int:
    return max(0, int(100 * (1 - Fraction(price) / Fraction(compared_to))))


def _check_bundle(bundle: Bundle) -> None:
    where = ("bundles", bundle.bundle_id)
    if not is_tag(bundle.bundle_id) or bundle.bundle_id == CUSTOM:
        raise CatalogueError([*where, "bundle_id"], f"1-64 characters of A-Z a-z 0-9 _ -, and not {CUSTOM}")
    require_whole([*where, "coins"], bundle.coins - bundle.bonus_coins)
    require_whole([*where, "bonus_coins"], bundle.bonus_coins, 0)
    require_whole([*where, "coins"], bundle.coins)
    if not any(bundle.prices.values()):
        raise CatalogueError([*where, "prices"], "at least one channel with one currency")
    for channel, prices in bundle.prices.items():
        if channel not in CHANNELS:
            raise CatalogueError([*where, "prices", channel], f"a channel is one of {', '.join(CHANNELS)}")
        for currency, amount in prices.items():
            _check_price([*where, "prices", channel, currency], currency, amount)
    for currency, amount in bundle.prices.get("web", {}).items():
        if amount > bundle.prices.get("in_app", {}).get(currency, amount):
            raise CatalogueError([*where, "prices", "web", currency], "no dearer than in the app")


def _check_price(where: Sequence[str | int], currency: str, amount: int) -> None:
    if currency not in EXPONENTS:
        raise CatalogueError(where, "a lowercase ISO 4217 code that the payment provider takes")
    require_whole(where, amount)
    step = smallest_step_minor(currency)
    if amount % step:
        raise CatalogueError(where, f"a multiple of {step} in this currency")


def _check_gift(gift: GiftItem) -> None:
    where = ("gifts", gift.item_id)
    if not is_tag(gift.item_id):
        raise CatalogueError([*where, "item_id"], "1-64 characters of A-Z a-z 0-9 _ -")
    if not gift.name.strip():
        raise CatalogueError([*where, "name"], "not empty")
    require_whole([*where, "coins"], gift.coins, 1, MAX_AMOUNT // MAX_QUANTITY)


def _check_plan(plan: Plan) -> None:
    where = ("memberships", plan.plan_id)
    if not is_tag(plan.plan_id):
        raise CatalogueError([*where, "plan_id"], "1-64 characters of A-Z a-z 0-9 _ -")
    if not plan.name.strip():
        raise CatalogueError([*where, "name"], "not empty")
    require_whole([*where, "coins"], plan.coins)
    if not plan.prices:
        raise CatalogueError([*where, "prices"], "at least one currency")
    for currency, amount in plan.prices.items():
        _check_price([*where, "prices", currency], currency, amount)


def _check_shown(catalogue: Catalogue) -> None:
    origins = catalogue.image_origins
    check_image_origins(origins)
    check_unit(catalogue.unit, origins)
    for bundle in catalogue.bundles.values():
        check_display(("bundles", bundle.bundle_id), bundle.display, origins)
    for gift in catalogue.gifts.values():
        check_display(("gifts", gift.item_id), gift.display, origins)


def _check_whole(catalogue: Catalogue) -> None:
    if not catalogue.bundles:
        raise CatalogueError(["bundles"], "at least one")
    if bool(catalogue.gifts) is not (catalogue.economy.gift is not None):
        raise CatalogueError(["gifts"], "at least one where there is the kind gift, and none where there is not")
    smallest = min(bundle.coins for bundle in catalogue.bundles.values())
    if catalogue.gifts and 2 * min(gift.coins for gift in catalogue.gifts.values()) > smallest:
        raise CatalogueError(["gifts"], "the cheapest gift, sent twice, costs no more than the smallest bundle")


def _check_ladder(bundles: Sequence[Bundle], currency: str, custom_max_coins: int | None) -> None:
    """Check the web prices of a currency: a rising price per coin would make several payments cheaper than one.

    It compares prices and builds no offers, because every function loads a catalogue at its cold start.
    """
    steps = sorted((bundle.coins, bundle.prices["web"][currency], bundle.bundle_id) for bundle in bundles)
    for (coins, amount_minor, smaller), (more_coins, larger_minor, larger) in pairwise(steps):
        if larger_minor * coins > amount_minor * more_coins:
            raise CatalogueError(
                ["bundles", larger, "prices", "web", currency],
                f"no more per coin than {smaller}, even during its promotion",
            )
    if custom_max_coins is not None:
        largest = offer_of(bundles[-1], bundles[-1], currency, "web")
        require_whole(["custom", "max_coins"], custom_max_coins, largest.coins)
        if largest.price_minor(custom_max_coins) > (most := max_charge_minor(currency)):
            raise CatalogueError(["custom", "max_coins"], f"coins for {most} {currency}, one payment's maximum")


def unique(things: Iterable[Thing], where: str, id_field: str) -> dict[str, Thing]:
    """Index the bundles, gifts or plans by id. Raises CatalogueError for a duplicate id."""
    found: dict[str, Thing] = {}
    for thing in things:
        thing_id: str = getattr(thing, id_field)
        if thing_id in found:
            raise CatalogueError([where, thing_id, id_field], "used once")
        found[thing_id] = thing
    return found
