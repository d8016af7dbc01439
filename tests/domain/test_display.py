"""Pictures, categories and names of the unit, as a catalogue declares them."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.display import Display, UnitNames
from chalicelib.domain.economy import CatalogueError
from tests.domain.builders import a_bundle, a_gift_item, an_economy

CDN = "https://cdn.example"
NOTHING = Display()


def a_shown_catalogue(
    gift: Display = NOTHING,
    bundle: Display = NOTHING,
    unit: UnitNames = UnitNames(),  # noqa: B008  # frozen
    image_origins: Sequence[str] = (CDN,),
) -> Catalogue:
    return Catalogue(
        economy=an_economy(),
        bundles={"coins_70": a_bundle(display=bundle)},
        gifts={"rose": replace(a_gift_item(), display=gift)},
        unit=unit,
        image_origins=image_origins,
    )


def test_catalogue_with_pictures_of_assets_and_allowed_origins_is_valid() -> None:
    gift = Display(image="rose.svg", animation=f"{CDN}/rose.svg?v=2", category="Für dich", is_featured=True)
    unit = UnitNames(singular="bit", plural="bits", image=f"{CDN}/bit.svg")
    assert a_shown_catalogue(gift, Display(image="coin_2.svg"), unit).gifts["rose"].display == gift


def test_catalogue_without_display_shows_coins() -> None:
    catalogue = a_shown_catalogue()
    assert (catalogue.unit.singular, catalogue.unit.plural) == ("coin", "coins")
    assert list(catalogue.gifts["rose"].display.pictures()) == []
    assert catalogue.gifts["rose"].display.is_featured is False


@pytest.mark.parametrize(
    "picture",
    [
        "rose.png",
        "ROSE.svg",
        "../rose.svg",
        "a/rose.svg",
        ".svg",
        "rose.svg\n",
        "//cdn.example/rose.svg",
        "http://cdn.example/rose.svg",
        "https://cdn.example.evil.example/rose.svg",
        "https://cdn.example@evil.example/rose.svg",
        "https://cdn.example:444/rose.svg",
        "https://other.example/rose.svg",
        "javascript:alert(1)",
        f"{CDN}/" + "x" * (512 - len(CDN)),
    ],
)
def test_picture_from_elsewhere_is_refused_with_its_place(picture: str) -> None:
    rule = "the name of an .svg file, or an https address in one of image_origins"
    with pytest.raises(CatalogueError, match=f"^gifts.rose.animation: {rule}"):
        a_shown_catalogue(gift=Display(animation=picture))
    with pytest.raises(CatalogueError, match=f"^bundles.coins_70.image: {rule}"):
        a_shown_catalogue(bundle=Display(image=picture))
    with pytest.raises(CatalogueError, match=f"^unit.image: {rule}"):
        a_shown_catalogue(unit=UnitNames(image=picture))


@pytest.mark.parametrize(
    "origin",
    ["", "cdn.example", "http://cdn.example", "https://cdn.example/", "https://CDN.example", "https://cdn.example:443"],
)
def test_image_origin_that_is_no_https_origin_is_refused(origin: str) -> None:
    with pytest.raises(CatalogueError, match=r"^image_origins.1: an https origin"):
        a_shown_catalogue(image_origins=[CDN, origin])


@pytest.mark.parametrize("text", ["x", "x" * 64])
def test_texts_of_the_first_and_the_last_allowed_length_are_valid(text: str) -> None:
    a_shown_catalogue(gift=Display(category=text), unit=UnitNames(singular=text, plural=text))


def test_picture_of_the_last_allowed_length_is_valid() -> None:
    a_shown_catalogue(gift=Display(image=f"{CDN}/" + "x" * (511 - len(CDN))))


@pytest.mark.parametrize("text", [" ", " Party", "Party\n", "a\u202eb", "x" * 65])
def test_text_that_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError, match=r"^gifts.rose.category: 1-64 characters"):
        a_shown_catalogue(gift=Display(category=text))
    with pytest.raises(CatalogueError, match=r"^unit.singular: 1-64"):
        a_shown_catalogue(unit=UnitNames(singular=text))
    with pytest.raises(CatalogueError, match=r"^unit.plural: 1-64"):
        a_shown_catalogue(unit=UnitNames(plural=text))
