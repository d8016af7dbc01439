import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.catalogue_files import FOLDER, PICTURES, BadCatalogue, load_catalogue
from chalicelib.adapters.rate_files import RATES
from chalicelib.domain.catalogue import Bundle, Catalogue, GiftItem
from chalicelib.domain.display import Display, UnitNames
from chalicelib.domain.economy import CoinRules, CreatorShare, Economy, GiftRules, Text, Tier
from chalicelib.domain.plans import Plan

KINDS: dict[str, Any] = {
    "gift": {
        "max_quantity": 99, "max_characters": 100, "max_bytes": 200, "allows_anonymous": True, "streak_seconds": 5
    },
    "cheer": {"min_coins": 2, "max_coins": 9, "max_characters": 50, "max_bytes": 60, "allows_anonymous": False},
    "super_chat": {
        "max_coins": 99,
        "allows_anonymous": False,
        "tiers": [
            {"min_coins": 1, "color": "blue", "pin_seconds": 0, "max_characters": 0},
            {"min_coins": 9, "color": "red", "pin_seconds": 30, "max_characters": 70, "max_emoji": 4},
        ],
    },
}  # fmt: skip
CREATOR: dict[str, Any] = {
    "unit": "diamond",
    "units": 1,
    "per_coins": 2,
    "worth_units": 200,
    "worth_minor": 100,
    "currency": "usd",
}
GOOD: dict[str, Any] = {
    "as_of": "2026-11",
    "source": "made up",
    "kinds": KINDS,
    "creator": CREATOR,
    "bundles": [{"bundle_id": "small", "coins": 70, "prices": {"web": {"usd": 74}}}],
    "gifts": [{"item_id": "rose", "name": "Rose", "coins": 1}],
}


def load(folder: Path, content: str | bytes | dict[str, Any]) -> Catalogue:
    text = json.dumps(content) if isinstance(content, dict) else content
    (folder / "shop.json").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_catalogue("shop", folder)


def changed(key: str, **changes: Any) -> dict[str, Any]:
    """Build a catalogue whose only bundle or gift has `changes`."""
    return GOOD | {key: [GOOD[key][0] | changes]}


def test_load_catalogue_reads_every_field(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == Catalogue(
        economy=Economy(
            name="shop",
            as_of="2026-11",
            source="made up",
            gift=GiftRules(
                max_quantity=99,
                text=Text(max_characters=100, max_bytes=200),
                allows_anonymous=True,
                streak_seconds=5,
            ),
            cheer=CoinRules(
                tiers=[Tier(min_coins=2, text=Text(max_characters=50, max_bytes=60))],
                max_coins=9,
                allows_anonymous=False,
            ),
            super_chat=CoinRules(
                tiers=[
                    Tier(min_coins=1, text=Text(max_characters=0, max_bytes=48), color="blue"),
                    Tier(
                        min_coins=9,
                        text=Text(max_characters=70, max_bytes=328, max_emoji=4),
                        color="red",
                        pin_seconds=30,
                    ),
                ],
                max_coins=99,
                allows_anonymous=False,
            ),
            share=CreatorShare(**CREATOR, least_units=0),
        ),
        bundles={"small": Bundle(bundle_id="small", coins=70, bonus_coins=0, prices={"web": {"usd": 74}})},
        gifts={"rose": GiftItem(item_id="rose", name="Rose", coins=1)},
    )


def test_load_catalogue_adds_bonus_coins_to_coins(tmp_path: Path) -> None:
    bundle = load(tmp_path, changed("bundles", coins=1400, bonus_coins=100)).bundles["small"]
    assert (bundle.coins, bundle.bonus_coins) == (1500, 100)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "truncated"),
        ("[]", "Expected `object`"),
        ("{", "truncated"),
        (b"\xff", "malformed"),
        (GOOD | {"bundles": []}, "bundles: at least one"),
        ({"bundles": GOOD["bundles"]}, "missing required field `as_of`"),
        (GOOD | {"gifts": []}, "gifts: at least one where there is the kind gift"),
        (GOOD | {"kinds": {}}, "kinds: at least one kind of giving"),
        (GOOD | {"kinds": {"raffle": {}}}, "unknown field `raffle`"),
        (GOOD | {"kinds": KINDS | {"cheer": KINDS["cheer"] | {"min_coins": 0}}}, "kinds.cheer.tiers.0.min_coins"),
        (GOOD | {"creator": CREATOR | {"per_coins": 0}}, "creator.per_coins"),
        (GOOD | {"coupons": []}, "unknown field `coupons`"),
        (changed("bundles", coins=70.5), "bundles"),
        (changed("bundles", coins="70"), "Expected `int`"),
        (changed("bundles", coins=True), "Expected `int`"),
        (changed("bundles", coins=0), "bundles.small.coins"),
        (changed("bundles", prize=1), "unknown field `prize`"),
        (changed("bundles", prices={"web": {"usd": 0.74}}), "Expected `int`"),
        (changed("bundles", prices={"web": {"xyz": 74}}), "bundles.small.prices.web.xyz"),
        (changed("gifts", name=""), "gifts.rose.name: not empty"),
        (changed("gifts", coins=36), "sent twice"),
        (GOOD | {"gifts": GOOD["gifts"] * 2}, "gifts.rose.item_id: used once"),
        (GOOD | {"bundles": GOOD["bundles"] * 2}, "bundles.small.bundle_id: used once"),
    ],
    ids=str,
)
def test_load_catalogue_invalid_file_error_names_file_and_field(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(BadCatalogue) as refused:
        load(tmp_path, content)
    assert str(refused.value).startswith("shop.json: ")
    assert words in str(refused.value)


def test_display_fields_of_a_file_are_read(tmp_path: Path) -> None:
    gift = GOOD["gifts"][0] | {"image": "rose.svg", "animation": "https://a.example/r.svg", "category": "Love"}
    bundle = GOOD["bundles"][0] | {"image": "coin_few.svg", "featured": True}
    unit = {"singular": "bit", "plural": "bits", "image": "bit.svg"}
    shown = {"gifts": [gift], "bundles": [bundle], "unit": unit, "image_origins": ["https://a.example"]}
    catalogue = load(tmp_path, GOOD | shown)
    assert catalogue.gifts["rose"].display == Display(
        image="rose.svg", animation="https://a.example/r.svg", category="Love"
    )
    assert catalogue.bundles["small"].display == Display(image="coin_few.svg", is_featured=True)
    assert catalogue.unit == UnitNames(singular="bit", plural="bits", image="bit.svg")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (changed("gifts", image="tulip.svg"), "gifts.rose.image"),
        (changed("gifts", animation="tulip.svg"), "gifts.rose.animation"),
        (changed("bundles", image="tulip.svg"), "bundles.small.image"),
        (GOOD | {"unit": {"singular": "bit", "plural": "bits", "image": "tulip.svg"}}, "unit.image"),
    ],
)
def test_picture_without_a_file_is_named(tmp_path: Path, content: dict[str, Any], place: str) -> None:
    with pytest.raises(BadCatalogue, match=f"{place}: a file of chalicelib/catalogues/pictures"):
        load(tmp_path, content)


@pytest.mark.parametrize("name", [path.stem for path in FOLDER.glob("*.json") if path != RATES])
def test_shipped_catalogue_shows_a_picture_of_everything(name: str) -> None:
    catalogue = load_catalogue(name)
    assert all(bundle.display.image for bundle in catalogue.bundles.values())
    assert all(gift.display.image for gift in catalogue.gifts.values())
    assert catalogue.unit.image


def test_every_picture_is_small_and_shown_by_a_catalogue() -> None:
    catalogues = "".join(path.read_text() for path in FOLDER.glob("*.json"))
    for path in PICTURES.iterdir():
        assert path.stat().st_size < 2_500
        assert f'"{path.name}"' in catalogues


PLAN: dict[str, Any] = {"plan_id": "club", "name": "Club", "coins": 500, "prices": {"usd": 499}}


def test_load_catalogue_reads_optional_memberships(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).memberships == {}
    plan = Plan(plan_id="club", name="Club", coins=500, prices={"usd": 499})
    assert load(tmp_path, GOOD | {"memberships": [PLAN]}).memberships == {"club": plan}


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        ([PLAN | {"coins": 0}], "a whole number from 1 to"),
        ([PLAN | {"coins": 1.5}], "Expected `int`"),
        ([PLAN | {"prices": {"web": {"usd": 499}}}], "Expected `int`"),
        ([PLAN | {"trial_days": 7}], "unknown field `trial_days`"),
        ([PLAN, PLAN], "used once"),
    ],
    ids=str,
)
def test_load_catalogue_invalid_membership_error_names_rule(tmp_path: Path, plans: Any, words: str) -> None:
    with pytest.raises(BadCatalogue, match=words):
        load(tmp_path, GOOD | {"memberships": plans})


def test_load_catalogue_missing_file_error_names_file(tmp_path: Path) -> None:
    with pytest.raises(BadCatalogue, match=r"^shop\.json: "):
        load_catalogue("shop", tmp_path)


@pytest.mark.parametrize("path", sorted(set(FOLDER.glob("*.json")) - {RATES}), ids=lambda path: path.stem)
def test_shipped_catalogue_larger_bundles_cost_less_per_coin(path: Path) -> None:
    catalogue = load_catalogue(path.stem)
    for currency in catalogue.currencies("web"):
        offers = catalogue.offers(currency, "web")
        per_coin = [offer.amount_minor * 10**9 // offer.bundle.coins for offer in offers]
        assert per_coin == sorted(per_coin, reverse=True), f"a larger bundle costs more per coin in {currency}"
        assert [offer.discount_percent for offer in offers] == sorted(offer.discount_percent for offer in offers)


def test_default_catalogue_sells_every_bundle_in_every_currency_and_channel() -> None:
    catalogue = load_catalogue("default")
    assert catalogue.currencies("web") == catalogue.currencies("in_app") == ["eur", "gbp", "jpy", "kwd", "usd"]
    for channel in ("web", "in_app"):
        for currency in catalogue.currencies(channel):
            assert len(catalogue.offers(currency, channel)) == len(catalogue.bundles)
