import pytest

from chalicelib.domain.catalogue import Bundle, Catalogue, GiftItem, unique
from chalicelib.domain.economy import MAX_QUANTITY, CatalogueError, Economy
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.errors import UnknownBundle, UnknownItem
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item, an_economy

DEAREST_GIFT = MAX_AMOUNT // MAX_QUANTITY


def at(**prices: int) -> dict[str, dict[str, int]]:
    """Build the prices of a bundle sold on the web only."""
    return {"web": prices}


@pytest.mark.parametrize(
    "thing",
    [
        a_bundle("x" * 64),
        a_bundle(coins=2),
        a_bundle(coins=MAX_AMOUNT),
        a_bundle(coins=MAX_AMOUNT, bonus_coins=MAX_AMOUNT - 1),
        a_bundle(prices=at(usd=1)),
        a_bundle(prices=at(usd=MAX_AMOUNT)),
        a_bundle(prices={"in_app": {"usd": 99}}),
        a_bundle(prices={"web": {"usd": 99}, "in_app": {"usd": 99}}),
        a_bundle(prices={"web": {"usd": 99}, "in_app": {"eur": 1}}),
        a_bundle(prices={"web": {"usd": 99}, "in_app": {}}),
        a_bundle(prices=at(kwd=10)),
        a_bundle(prices=at(isk=100)),
        a_bundle(prices=at(ugx=200)),
        a_bundle(prices=at(jpy=1)),
        a_gift_item(coins=35),
    ],
)
def test_catalogue_accepts_valid_bundles_and_gifts(thing: Bundle | GiftItem) -> None:
    things = [thing] if isinstance(thing, Bundle) else [thing, a_bundle()]
    catalogue = a_catalogue(*things)
    assert thing in [*catalogue.bundles.values(), *catalogue.gifts.values()]


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (a_bundle("a b"), "bundles.a b.bundle_id: "),
        (a_bundle("x" * 65), ".bundle_id: "),
        (a_bundle("custom"), "bundles.custom.bundle_id: 1-64 characters of A-Z a-z 0-9 _ -, and not custom"),
        (a_bundle(coins=0), "coins: a whole number from 1 to"),
        (a_bundle(coins=10, bonus_coins=10), "coins: a whole number from 1 to"),
        (a_bundle(coins=10, bonus_coins=-1), "bonus_coins: a whole number from 0 to"),
        (a_bundle(coins=MAX_AMOUNT + 1, bonus_coins=1), f"coins: a whole number from 1 to {MAX_AMOUNT}"),
        (a_bundle(prices={}), "prices: at least one channel with one currency"),
        (a_bundle(prices={"web": {}}), "prices: at least one channel with one currency"),
        (a_bundle(prices={"kiosk": {"usd": 1}}), "prices.kiosk: a channel is one of web, in_app"),
        (a_bundle(prices=at(xyz=1)), "prices.web.xyz: a lowercase ISO 4217 code"),
        (a_bundle(prices=at(USD=1)), "prices.web.USD: a lowercase ISO 4217 code"),
        (a_bundle(prices=at(usd=0)), "prices.web.usd: a whole number from 1 to"),
        (a_bundle(prices=at(usd=-1)), "prices.web.usd: a whole number from 1 to"),
        (a_bundle(prices=at(usd=MAX_AMOUNT + 1)), "prices.web.usd: a whole number from 1 to"),
        (a_bundle(prices=at(kwd=9)), "prices.web.kwd: a multiple of 10"),
        (a_bundle(prices=at(kwd=11)), "prices.web.kwd: a multiple of 10"),
        (a_bundle(prices=at(isk=150)), "prices.web.isk: a multiple of 100"),
        (a_bundle(prices=at(ugx=99)), "prices.web.ugx: a multiple of 100"),
        (a_bundle(prices={"in_app": {"kwd": 5}}), "prices.in_app.kwd: a multiple of 10"),
        (a_bundle(prices={"web": {"usd": 100}, "in_app": {"usd": 99}}), "prices.web.usd: no dearer than in the app"),
        (a_gift_item("a b"), "gifts.a b.item_id: "),
        (a_gift_item("x" * 65), ".item_id: "),
        (a_gift_item(name=""), "gifts.rose.name: not empty"),
        (a_gift_item(name=" \t"), "gifts.rose.name: not empty"),
        (a_gift_item(coins=0), "gifts.rose.coins: a whole number from 1 to"),
        (a_gift_item(coins=-1), "gifts.rose.coins: a whole number from 1 to"),
        (a_gift_item(coins=DEAREST_GIFT + 1), f"gifts.rose.coins: a whole number from 1 to {DEAREST_GIFT}"),
        (a_gift_item(coins=36), "gifts: the cheapest gift, sent twice, costs no more than"),
    ],
)
def test_catalogue_names_the_broken_rule(thing: Bundle | GiftItem, words: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        a_catalogue(thing)
    assert words in str(refused.value)


def test_catalogue_accepts_the_dearest_gift_in_the_largest_quantity() -> None:
    a_catalogue(a_gift_item(), a_gift_item("planet", DEAREST_GIFT))
    assert DEAREST_GIFT * MAX_QUANTITY <= MAX_AMOUNT


@pytest.mark.parametrize(
    ("economy", "bundles", "gifts", "words"),
    [
        (an_economy(), {}, {"rose": a_gift_item()}, "bundles: at least one"),
        (an_economy(), {"coins_70": a_bundle()}, {}, "gifts: at least one where there is the kind gift"),
        (an_economy(gift=None), {"coins_70": a_bundle()}, {"rose": a_gift_item()}, "none where there is not"),
    ],
)
def test_catalogue_without_bundles_or_needed_gifts_is_refused(
    economy: Economy, bundles: dict[str, Bundle], gifts: dict[str, GiftItem], words: str
) -> None:
    with pytest.raises(CatalogueError, match=words):
        Catalogue(economy=economy, bundles=bundles, gifts=gifts)


def test_catalogue_freezes_on_disputes_unless_it_says_otherwise() -> None:
    catalogue = Catalogue(economy=an_economy(), bundles={"coins_70": a_bundle()}, gifts={"rose": a_gift_item()})
    assert catalogue.freeze_on_dispute is True


def test_catalogue_of_an_economy_without_gifts_needs_none() -> None:
    catalogue = Catalogue(economy=an_economy(gift=None), bundles={"coins_70": a_bundle()}, gifts={})
    assert catalogue.gifts == {}


def test_unique_indexes_by_id() -> None:
    small, large = a_bundle(), a_bundle("coins_700", 700)
    assert unique([small, large], "bundles", "bundle_id") == {"coins_70": small, "coins_700": large}


def test_unique_refuses_a_repeated_id() -> None:
    with pytest.raises(CatalogueError, match=r"gifts\.rose\.item_id: used once"):
        unique([a_gift_item(), a_gift_item(coins=2)], "gifts", "item_id")


def test_catalogue_offer_has_a_price_per_currency_and_channel() -> None:
    catalogue = a_catalogue()
    assert catalogue.offer("coins_70", "usd", "web").amount_minor == 74
    assert catalogue.offer("coins_70", "usd", "in_app").amount_minor == 99


@pytest.mark.parametrize(
    ("bundle_id", "currency", "channel"),
    [("coins_71", "usd", "web"), ("coins_70", "eur", "web"), ("coins_70", "usd", "kiosk"), ("", "", "")],
)
def test_catalogue_offer_outside_its_markets_raises_unknown_bundle(bundle_id: str, currency: str, channel: str) -> None:
    with pytest.raises(UnknownBundle):
        a_catalogue().offer(bundle_id, currency, channel)


def test_catalogue_gift_is_found_by_exact_id() -> None:
    assert a_catalogue().gift("rose") == a_gift_item()
    with pytest.raises(UnknownItem):
        a_catalogue().gift("Rose")


def test_catalogue_currencies_lists_those_of_a_channel() -> None:
    catalogue = a_catalogue(a_bundle(prices=at(usd=1, eur=1)), a_bundle("other", prices={"in_app": {"jpy": 1}}))
    assert catalogue.currencies("web") == ["eur", "usd"]
    assert catalogue.currencies("in_app") == ["jpy"]
    assert catalogue.currencies("kiosk") == []


@pytest.mark.parametrize(
    "bundles",
    [
        [a_bundle("small", 70, prices=at(usd=74)), a_bundle("large", 350, prices=at(usd=371))],
        [a_bundle("small", 70, prices=at(usd=50)), a_bundle("large", 350, prices=at(usd=370))],  # a promotion
        [a_bundle("small", 70, prices=at(usd=74)), a_bundle("large", 70, prices=at(usd=75))],
        [a_bundle("small", 70, prices=at(eur=1, usd=74)), a_bundle("large", 350, prices=at(eur=1, usd=371))],
        [
            a_bundle("small", 350, bonus_coins=50, prices=at(usd=100)),
            a_bundle("tiny", 70, prices=at(usd=74)),
            a_bundle("large", 700, prices=at(usd=300)),
        ],
    ],
    ids=str,
)
def test_catalogue_with_a_rising_web_price_per_coin_names_both_bundles(bundles: list[Bundle]) -> None:
    with pytest.raises(CatalogueError) as refused:
        a_catalogue(*bundles)
    assert str(refused.value) == (
        "bundles.large.prices.web.usd: no more per coin than small, even during its promotion"
    )


def test_catalogue_accepts_a_level_web_ladder_and_any_in_the_app() -> None:
    level = [a_bundle(f"b{coins}", coins, prices=at(usd=2 * coins)) for coins in (5, 10, 70, 70 * 70)]
    twins = [a_bundle(name, 70, prices=at(usd=74)) for name in ("left", "right")]
    rising = [a_bundle(f"b{coins}", coins, prices={"in_app": {"usd": coins**2}}) for coins in (5, 10, 70)]
    for bundles in (level, twins, rising):
        assert len(a_catalogue(*bundles).bundles) == len(bundles)


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (699, f"custom.max_coins: a whole number from 700 to {MAX_AMOUNT}"),
        (MAX_AMOUNT + 1, f"custom.max_coins: a whole number from 700 to {MAX_AMOUNT}"),
        (100_000_000, "custom.max_coins: coins for 99999999 usd, one payment's maximum"),
    ],
)
def test_catalogue_names_the_wrong_limit_of_custom_amounts(most: int, words: str) -> None:
    with pytest.raises(CatalogueError, match=words):
        a_catalogue(a_bundle("coins_700", 700, prices=at(usd=700)), custom_max_coins=most)


def test_catalogue_accepts_custom_amounts_up_to_one_payments_maximum() -> None:
    large = a_bundle("coins_700", 700, prices=at(usd=700, idr=700))
    assert a_catalogue(large, custom_max_coins=700).custom_max_coins == 700
    assert a_catalogue(large, custom_max_coins=99_999_999).custom_max_coins == 99_999_999
    rupiahs = a_bundle("coins_700", 700, prices=at(idr=700))
    assert a_catalogue(rupiahs, custom_max_coins=100_000_000).custom_max_coins == 100_000_000


@pytest.mark.parametrize(
    ("prices", "currency"),
    [
        ({"web": {"usd": 99}}, "usd"),
        ({"web": {"eur": 99, "usd": 99}}, "usd"),
        ({"web": {"jpy": 99, "eur": 99}}, "jpy"),
        ({"in_app": {"eur": 99}}, "eur"),
    ],
)
def test_currency_is_usd_or_the_first_of_the_file(prices: dict[str, dict[str, int]], currency: str) -> None:
    assert a_catalogue(a_bundle(prices=prices)).default_currency() == currency
