"""Who may import whom."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.house.source import Import, imports

ANY = tuple(sorted(sys.stdlib_module_names - {"os", "unittest"}))
"""The standard library, but for what reads the environment."""
SDKS = {
    "boto3": "AWS",
    "botocore": "AWS",
    "pynamodb": "PynamoDB",
    "stripe": "Stripe",
    "jwt": "PyJWT",
    "uuid_utils": "UUID",
}
_STORE = (
    *("attributes", "tables", "rows", "transactions", "paid_money", "budget_expressions", "streak_expressions"),
    *("ledger_store", "purchase_store", "budget_store", "lane_store", "membership_store"),
    *("desk_store", "journal_store", "stream_records"),
)
_STRIPE = ("stripe_client", "stripe_gateway", "stripe_memberships", "stripe_shapes", "subscription_shapes")
NEIGHBORS = [tuple(f"chalicelib.adapters.{name}" for name in rooms) for rooms in (_STORE, _STRIPE)]
"""Adapters that share one thing, and so each other's rooms."""


@dataclass(frozen=True)
class Room:
    """What a room may import: of the standard library, of others, of ours; and what only when it is asked for."""

    standard: tuple[str, ...] = ANY
    others: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    lazily: tuple[str, ...] = ()
    for_types: tuple[str, ...] = ()


PLAIN = ("collections.abc", "dataclasses", "datetime", "enum", "typing")

ROOMS = {
    "chalicelib": Room(standard=()),
    "chalicelib.errors": Room(standard=("typing",)),
    "chalicelib.domain": Room(
        standard=(*PLAIN, "collections", "fractions", "hashlib", "heapq", "re", "unicodedata", "zlib", "zoneinfo"),
        ours=("chalicelib.domain", "chalicelib.errors"),
    ),
    "chalicelib.ports": Room(standard=PLAIN, ours=("chalicelib.domain", "chalicelib.errors")),
    "chalicelib.membership_ports": Room(standard=PLAIN, ours=("chalicelib.domain", "chalicelib.errors")),
    "chalicelib.usecases": Room(
        standard=(*PLAIN, "collections", "itertools", "logging", "types"),
        ours=(
            "chalicelib.domain",
            "chalicelib.errors",
            "chalicelib.membership_ports",
            "chalicelib.ports",
            "chalicelib.usecases",
        ),
    ),
    "chalicelib.adapters": Room(
        others=(*SDKS, "msgspec"),
        ours=("chalicelib.domain", "chalicelib.errors", "chalicelib.membership_ports", "chalicelib.ports"),
        for_types=("types_boto3_sns", "types_boto3_sqs", "types_boto3_ssm"),
    ),
    "chalicelib.settings": Room(standard=(*ANY, "os")),
    "chalicelib.wiring": Room(
        standard=(*ANY, "os"),
        ours=("chalicelib.domain", "chalicelib.membership_ports", "chalicelib.ports", "chalicelib.settings"),
        lazily=("chalicelib.adapters",),
        for_types=("chalicelib.adapters",),
    ),
    "chalicelib.answers": Room(others=("chalice.app", "msgspec"), ours=("chalicelib.errors", "chalicelib.telemetry")),
    "chalicelib.web": Room(
        others=("chalice.app", "msgspec"),
        ours=(
            "chalicelib.answers",
            "chalicelib.domain.identity",
            "chalicelib.domain.ids",
            "chalicelib.errors",
            "chalicelib.strict_json",
            "chalicelib.telemetry",
        ),
    ),
    "chalicelib.strict_json": Room(others=("msgspec",), ours=("chalicelib.errors",)),
    "chalicelib.schemas": Room(others=("msgspec",), ours=("chalicelib.domain",)),
    "chalicelib.openapi": Room(
        others=("msgspec",), ours=("chalicelib.VERSION", "chalicelib.domain.top_up", "chalicelib.web")
    ),
    "chalicelib.pages": Room(ours=("chalicelib.domain.money", "chalicelib.errors", "chalicelib.pages")),
    "chalicelib.telemetry": Room(others=("aws_lambda_powertools",)),
    "chalicelib.routes": Room(
        standard=(*PLAIN, "re"),
        others=("chalice.app", "msgspec"),
        ours=(
            "chalicelib.answers",
            "chalicelib.domain",
            "chalicelib.errors",
            "chalicelib.pages",
            "chalicelib.routes",
            "chalicelib.schemas",
            "chalicelib.telemetry",
            "chalicelib.usecases",
            "chalicelib.web",
            "chalicelib.wiring",
        ),
    ),
    "app": Room(
        standard=PLAIN,
        others=("chalice.app",),
        ours=(
            "chalicelib.answers",
            "chalicelib.errors",
            "chalicelib.routes",
            "chalicelib.VERSION",
            "chalicelib.domain",
            "chalicelib.openapi",
            "chalicelib.schemas",
            "chalicelib.telemetry",
            "chalicelib.usecases",
            "chalicelib.web",
            "chalicelib.wiring",
        ),
    ),
}


def broken_laws(path: str, source: str) -> list[str]:
    """What a module imports that it may not, each with its line."""
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    room = ROOMS.get(module) or ROOMS.get(".".join(module.split(".")[:2]))
    if room is None:
        return [f"{path}: belongs to no room"]
    return [*_uninvited(path, module, room, imports(source)), *_too_many_sdks(path, module, imports(source))]


def _uninvited(path: str, module: str, room: Room, found: list[Import]) -> Iterator[str]:
    neighbors = next((rooms for rooms in NEIGHBORS if module in rooms), ())
    for one in found:
        allowed = [*room.standard, *room.others, *room.ours, *neighbors]
        allowed += room.lazily if one.is_lazy else ()
        allowed += room.for_types if one.is_for_types else ()
        if not one.is_of(*allowed):
            yield f"{path}:{one.line}: {module} may not import {one.name}"


def _too_many_sdks(path: str, module: str, found: list[Import]) -> Iterator[str]:
    sdks = {SDKS[package] for one in found if (package := one.name.split(".")[0]) in SDKS}
    if module.startswith("chalicelib.adapters") and len(sdks) > 1:
        yield f"{path}: an adapter knows one SDK, not {', '.join(sorted(sdks))}"
