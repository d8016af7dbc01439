"""Catalogues from files."""

from pathlib import Path
from typing import Final

import msgspec

from chalicelib.domain.catalogue import Bundle, Catalogue, CatalogueError, GiftItem, unique
from chalicelib.domain.plans import Plan

FOLDER: Final = Path(__file__).parent.parent / "catalogues"


class BadCatalogue(Exception):
    """A catalogue file that must not go live. The message names the file, the item, the field and the rule."""


class _BundleLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    bundle_id: str
    coins: int
    prices: dict[str, dict[str, int]]
    bonus_coins: int = 0


class _GiftLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    item_id: str
    name: str
    coins: int


class _PlanLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    plan_id: str
    name: str
    coins: int
    prices: dict[str, int]


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    bundles: list[_BundleLine]
    gifts: list[_GiftLine]
    memberships: list[_PlanLine] = []


def load_catalogue(name: str, folder: Path = FOLDER) -> Catalogue:
    """The catalogue in `<folder>/<name>.json`. In the file, a bundle's `coins` does not count its bonus.

    Raises:
        BadCatalogue: the file is missing, is no such JSON, or breaks a rule of the domain.
    """
    path = folder / f"{name}.json"
    try:
        return _catalogue(msgspec.json.decode(path.read_bytes(), type=_File))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, CatalogueError) as error:
        raise BadCatalogue(f"{path.name}: {error}") from error


def _catalogue(file: _File) -> Catalogue:
    bundles = [
        Bundle(
            bundle_id=line.bundle_id,
            coins=line.coins + line.bonus_coins,
            bonus_coins=line.bonus_coins,
            prices=line.prices,
        )
        for line in file.bundles
    ]
    gifts = [GiftItem(item_id=line.item_id, name=line.name, coins=line.coins) for line in file.gifts]
    plans = [Plan(plan_id=it.plan_id, name=it.name, coins=it.coins, prices=it.prices) for it in file.memberships]
    return Catalogue(
        bundles=unique(bundles, "bundle_id"), gifts=unique(gifts, "item_id"), memberships=unique(plans, "plan_id")
    )
