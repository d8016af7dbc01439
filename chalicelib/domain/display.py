"""Rules for the display data of a catalogue: pictures, categories and unit names."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from chalicelib.domain.addresses import OddAddress, is_origin, origin_of
from chalicelib.domain.economy import CatalogueError

MAX_ADDRESS: Final = 512
"""Maximum characters of a picture's address."""
_MAX_TEXT: Final = 64
_ASSET: Final = re.compile(r"[a-z0-9_]{1,60}\.svg")


class Display(Struct, frozen=True, kw_only=True):
    """Pictures and place of a bundle or gift in a shop; `category` groups gifts.

    A picture is the name of an asset (`rose.svg`) or an https address in one of the catalogue's `image_origins`.
    """

    image: str = ""
    animation: str = ""
    category: str = ""
    is_featured: bool = False

    def pictures(self) -> Iterable[tuple[str, str]]:
        """Yield the pictures that it has, each with the name of its field."""
        yield from ((name, picture) for name in ("image", "animation") if (picture := getattr(self, name)))


class UnitNames(Struct, frozen=True, kw_only=True):
    """Names of one unit and of several, as in "1 coin" and "2 coins", and the unit's picture."""

    singular: str = "coin"
    plural: str = "coins"
    image: str = ""


def is_asset(picture: str) -> bool:
    """Return True for the name of a picture that is served under `/assets/`."""
    return _ASSET.fullmatch(picture) is not None


def check_image_origins(origins: Sequence[str]) -> None:
    """Raise CatalogueError unless each is an https origin as browsers write it."""
    for place, origin in enumerate(origins):
        if not (is_origin(origin) and origin.startswith("https:")):
            raise CatalogueError(["image_origins", place], "an https origin, like https://cdn.example")


def check_display(where: Sequence[str | int], display: Display, origins: Collection[str]) -> None:
    """Raise CatalogueError for a picture from elsewhere, or for a category that cannot be shown."""
    for name, picture in display.pictures():
        check_picture([*where, name], picture, origins)
    if display.category:
        _check_text([*where, "category"], display.category)


def check_unit(unit: UnitNames, origins: Collection[str]) -> None:
    """Raise CatalogueError for a name that cannot be shown, or a picture from elsewhere."""
    _check_text(["unit", "singular"], unit.singular)
    _check_text(["unit", "plural"], unit.plural)
    if unit.image:
        check_picture(["unit", "image"], unit.image, origins)


def check_picture(where: Sequence[str | int], picture: str, origins: Collection[str]) -> None:
    """Raise CatalogueError unless the picture is an asset's name or an address in one of the origins."""
    is_allowed = is_asset(picture) or (len(picture) <= MAX_ADDRESS and _https_origin(picture) in origins)
    if not is_allowed:
        raise CatalogueError(where, "the name of an .svg file, or an https address in one of image_origins")


def _check_text(where: Sequence[str | int], text: str) -> None:
    if not (text == text.strip() and text.isprintable() and 1 <= len(text) <= _MAX_TEXT):
        raise CatalogueError(where, f"1-{_MAX_TEXT} characters, without blanks at either end")


def _https_origin(address: str) -> str | None:
    try:
        origin = origin_of(address)
    except OddAddress:
        return None
    return origin.url if origin.scheme == "https" else None
