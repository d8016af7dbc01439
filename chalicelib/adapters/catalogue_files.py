"""Catalogues from files."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from chalicelib.domain.catalogue import Bundle, Catalogue, GiftItem, unique
from chalicelib.domain.display import Display, UnitNames, is_asset
from chalicelib.domain.economy import CatalogueError, CoinRules, CreatorShare, Economy, GiftRules, Text, Tier
from chalicelib.domain.messages import MAX_NAME_BYTES
from chalicelib.domain.plans import Plan

FOLDER: Final = Path(__file__).parent.parent / "catalogues"
PICTURES: Final = FOLDER / "pictures"


class BadCatalogue(Exception):
    """Raised for an invalid catalogue file. The message names the file, the place and the rule.

    `where` is the path to the value, as in CatalogueError; `byte` the offset of a JSON syntax error.
    """

    def __init__(self, path: Path, problem: Exception) -> None:
        super().__init__(f"{path.name}: {problem}")
        self.where: Sequence[str | int] = getattr(problem, "where", None) or _where(str(problem))
        malformed = _BYTE.search(str(problem))
        self.byte = int(malformed[1]) if malformed else None


_BYTE: Final = re.compile(r"\(byte (\d+)\)$")
_PATH: Final = re.compile(r" - at `\$([^`]*)`$")


def _where(message: str) -> list[str | int]:
    """Parse a msgspec path such as `$.bundles[0].coins`."""
    found = _PATH.search(message)
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", found[1] if found else "")]


class _BundleLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    bundle_id: str
    coins: int
    prices: dict[str, dict[str, int]]
    bonus_coins: int = 0
    image: str = ""
    featured: bool = False


class _GiftLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    item_id: str
    name: str
    coins: int
    image: str = ""
    animation: str = ""
    category: str = ""
    featured: bool = False


class _PlanLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    plan_id: str
    name: str
    coins: int
    prices: dict[str, int]


class _TextLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    max_characters: int
    max_bytes: int
    allows_anonymous: bool


class _GiftRules(_TextLine, forbid_unknown_fields=True, kw_only=True):
    max_quantity: int
    streak_seconds: int = 0


class _CheerRules(_TextLine, forbid_unknown_fields=True, kw_only=True):
    min_coins: int
    max_coins: int


class _TierLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    min_coins: int
    color: str
    pin_seconds: int
    max_characters: int
    max_emoji: int | None = None


class _SuperChatRules(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    max_coins: int
    allows_anonymous: bool
    tiers: list[_TierLine]


class _Kinds(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    gift: _GiftRules | None = None
    cheer: _CheerRules | None = None
    super_chat: _SuperChatRules | None = None


class _CreatorLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    unit: str
    units: int
    per_coins: int
    worth_units: int
    worth_minor: int
    currency: str
    least_units: int = 0


class _CustomLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    max_coins: int


class _UnitLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    singular: str
    plural: str
    image: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    as_of: str
    source: str
    bundles: list[_BundleLine]
    kinds: _Kinds
    creator: _CreatorLine
    gifts: list[_GiftLine] = []
    memberships: list[_PlanLine] = []
    custom: _CustomLine | None = None
    unit: _UnitLine | None = None
    image_origins: list[str] = []
    freeze_on_dispute: bool = True


def load_catalogue(name: str, folder: Path = FOLDER) -> Catalogue:
    """Load the catalogue `<folder>/<name>.json`. A bundle's `coins` in the file exclude its bonus.

    Raises:
        BadCatalogue: the file is missing, has another shape, or breaks a domain rule.
    """
    return load_file(folder / f"{name}.json")


def load_file(path: Path) -> Catalogue:
    """Load the catalogue in the file. Raises BadCatalogue as load_catalogue."""
    try:
        return _require_files(_catalogue(path.stem, msgspec.json.decode(path.read_bytes(), type=_File)))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, CatalogueError) as error:
        raise BadCatalogue(path, error) from error


def _catalogue(name: str, file: _File) -> Catalogue:
    bundles = [
        Bundle(
            bundle_id=line.bundle_id,
            coins=line.coins + line.bonus_coins,
            bonus_coins=line.bonus_coins,
            prices=line.prices,
            display=Display(image=line.image, is_featured=line.featured),
        )
        for line in file.bundles
    ]
    gifts = [
        GiftItem(item_id=line.item_id, name=line.name, coins=line.coins, display=_display(line)) for line in file.gifts
    ]
    plans = [Plan(plan_id=it.plan_id, name=it.name, coins=it.coins, prices=it.prices) for it in file.memberships]
    return Catalogue(
        economy=_economy(name, file),
        bundles=unique(bundles, "bundles", "bundle_id"),
        gifts=unique(gifts, "gifts", "item_id"),
        memberships=unique(plans, "memberships", "plan_id"),
        custom_max_coins=file.custom.max_coins if file.custom else None,
        unit=UnitNames(**msgspec.structs.asdict(file.unit)) if file.unit else UnitNames(),
        image_origins=tuple(file.image_origins),
        freeze_on_dispute=file.freeze_on_dispute,
    )


def _display(line: _GiftLine) -> Display:
    return Display(image=line.image, animation=line.animation, category=line.category, is_featured=line.featured)


def _require_files(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue. Raises CatalogueError for an asset that PICTURES does not have."""
    shown: list[tuple[list[str], Display]] = [(["unit"], Display(image=catalogue.unit.image))]
    shown += [(["bundles", bundle_id], bundle.display) for bundle_id, bundle in catalogue.bundles.items()]
    shown += [(["gifts", item_id], gift.display) for item_id, gift in catalogue.gifts.items()]
    for where, display in shown:
        for field, picture in display.pictures():
            if is_asset(picture) and not (PICTURES / picture).is_file():
                raise CatalogueError([*where, field], "a file of chalicelib/catalogues/pictures")
    return catalogue


def _economy(name: str, file: _File) -> Economy:
    kinds = file.kinds
    return Economy(
        name=name,
        as_of=file.as_of,
        source=file.source,
        gift=_gift(kinds.gift) if kinds.gift else None,
        cheer=_cheer(kinds.cheer) if kinds.cheer else None,
        super_chat=_super_chat(kinds.super_chat) if kinds.super_chat else None,
        share=CreatorShare(**msgspec.structs.asdict(file.creator)),
    )


def _gift(rules: _GiftRules) -> GiftRules:
    return GiftRules(
        max_quantity=rules.max_quantity,
        text=_text(rules),
        allows_anonymous=rules.allows_anonymous,
        streak_seconds=rules.streak_seconds,
    )


def _cheer(rules: _CheerRules) -> CoinRules:
    only = Tier(min_coins=rules.min_coins, text=_text(rules))
    return CoinRules(tiers=[only], max_coins=rules.max_coins, allows_anonymous=rules.allows_anonymous)


def _super_chat(rules: _SuperChatRules) -> CoinRules:
    tiers = [
        Tier(min_coins=line.min_coins, text=_longest(line), color=line.color or None, pin_seconds=line.pin_seconds)
        for line in rules.tiers
    ]
    return CoinRules(tiers=tiers, max_coins=rules.max_coins, allows_anonymous=rules.allows_anonymous)


def _text(line: _TextLine) -> Text:
    return Text(max_characters=line.max_characters, max_bytes=line.max_bytes)


def _longest(line: _TierLine) -> Text:
    """Allow the characters of a tier in every script: a character takes at most four bytes in UTF-8."""
    characters = line.max_characters
    return Text(max_characters=characters, max_bytes=4 * characters + MAX_NAME_BYTES, max_emoji=line.max_emoji)
