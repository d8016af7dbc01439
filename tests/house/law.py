"""Import law: the modules that each room may import."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.house.source import Import, imports

ANY = tuple(sorted(sys.stdlib_module_names - {"os", "unittest"}))
"""The standard library without the modules that read the environment."""
SDKS = {
    "boto3": "AWS",
    "botocore": "AWS",
    "pynamodb": "PynamoDB",
    "stripe": "Stripe",
    "jwt": "PyJWT",
    "uuid_utils": "UUID",
}
NEIGHBORS = (
    "chalicelib.adapters.dynamodb",
    "chalicelib.adapters.stripe",
    "chalicelib.adapters.aws",
    "chalicelib.adapters.tokens",
)
"""Adapters of one SDK share a room and may import each other."""


@dataclass(frozen=True)
class Room:
    """Imports that a room may have: standard library, third party, ours; `lazily` only inside functions.

    With `all_but` everything else is allowed, too.
    """

    standard: tuple[str, ...] = ANY
    others: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    lazily: tuple[str, ...] = ()
    for_types: tuple[str, ...] = ()
    all_but: tuple[str, ...] = ()


SHARED = (
    *("chalicelib.adapters.aws_session", "chalicelib.adapters.deferred", "chalicelib.adapters.pyjwt"),
    "chalicelib.adapters.refreshed_value",
)
"""Modules of adapters that all adapters may import."""

PLAIN = ("collections.abc", "datetime", "enum", "typing")
"""Without `dataclasses`: making a Struct takes a tenth of the time, which every cold start waits for."""

CORE = ("chalicelib.domain", "chalicelib.errors")

ROOMS = {
    "chalicelib": Room(standard=("gc", "os")),
    "chalicelib.errors": Room(standard=("collections.abc", "typing")),
    "chalicelib.domain": Room(
        standard=(
            *PLAIN,
            "collections",
            "fractions",
            "hashlib",
            "heapq",
            "itertools",
            "re",
            "unicodedata",
            "zlib",
            "zoneinfo",
        ),
        others=("msgspec.Struct", "msgspec.field", "msgspec.structs"),
        ours=CORE,
    ),
    "chalicelib.ports": Room(standard=PLAIN, others=("msgspec.Struct",), ours=(*CORE, "chalicelib.ports")),
    "chalicelib.usecases": Room(
        standard=(*PLAIN, "collections", "functools", "itertools", "logging", "types"),
        others=("msgspec.Struct", "msgspec.structs"),
        ours=(*CORE, "chalicelib.ports", "chalicelib.usecases"),
    ),
    "chalicelib.adapters": Room(
        others=(*SDKS, "msgspec"),
        ours=(*CORE, *SHARED, "chalicelib.ports"),
        for_types=("types_boto3_sns", "types_boto3_sqs", "types_boto3_ssm"),
    ),
    "chalicelib.settings": Room(
        standard=(*ANY, "os"), others=("msgspec.Struct",), ours=("chalicelib.domain.addresses",)
    ),
    "chalicelib.services": Room(
        standard=(*ANY, "os"),
        ours=("chalicelib.domain", "chalicelib.ports", "chalicelib.settings", "chalicelib.telemetry"),
        lazily=("chalicelib.adapters",),
        for_types=("chalicelib.adapters",),
    ),
    "chalicelib.telemetry": Room(others=("aws_lambda_powertools", "msgspec"), ours=("chalicelib.domain.outcomes",)),
    "chalicelib.http": Room(
        others=("chalice.app", "msgspec"),
        ours=(*CORE, "chalicelib.VERSION", "chalicelib.http", "chalicelib.ports.tokens", "chalicelib.telemetry"),
    ),
    "chalicelib.http.pages": Room(ours=("chalicelib.domain.money", "chalicelib.errors", "chalicelib.http.pages")),
    "chalicelib.http.schemas": Room(others=("msgspec",), ours=(*CORE, "chalicelib.http.schemas")),
    "chalicelib.http.strict_json": Room(others=("msgspec",), ours=("chalicelib.errors",)),
    "chalicelib.http.routes": Room(
        standard=(*PLAIN, "re"),
        others=("chalice.app", "msgspec"),
        ours=(
            *CORE,
            "chalicelib.VERSION",
            "chalicelib.http",
            "chalicelib.services",
            "chalicelib.telemetry",
            "chalicelib.usecases",
        ),
    ),
    "chalicelib.workers": Room(
        others=("chalice.app",),
        ours=(*CORE, "chalicelib.services", "chalicelib.telemetry", "chalicelib.usecases"),
    ),
    "app": Room(
        standard=PLAIN,
        others=("chalice.app",),
        ours=("chalicelib.http", "chalicelib.services", "chalicelib.workers"),
    ),
    "infra": Room(all_but=("tests",)),
}


def broken_laws(path: str, source: str) -> list[str]:
    """List a module's forbidden imports with their lines."""
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    room = _room_of(module)
    if room is None:
        return [f"{path}: belongs to no room"]
    return [*_uninvited(path, module, room, imports(source)), *_too_many_sdks(path, module, imports(source))]


def _room_of(module: str) -> Room | None:
    """Find the room with the longest name that holds the module. `chalicelib` itself holds only its `__init__`."""
    names = module.split(".")
    prefixes = [".".join(names[:size]) for size in range(len(names), 0, -1)]
    return next((ROOMS[name] for name in prefixes if name in ROOMS and (name != "chalicelib" or name == module)), None)


def _uninvited(path: str, module: str, room: Room, found: list[Import]) -> Iterator[str]:
    neighbors = [package for package in NEIGHBORS if module.startswith(f"{package}.")]
    for one in found:
        allowed = [*room.standard, *room.others, *room.ours, *neighbors]
        allowed += room.lazily if one.is_lazy else ()
        allowed += room.for_types if one.is_for_types else ()
        is_allowed = not one.is_of(*room.all_but) if room.all_but else one.is_of(*allowed)
        if not is_allowed:
            yield f"{path}:{one.line}: {module} may not import {one.name}"


def _too_many_sdks(path: str, module: str, found: list[Import]) -> Iterator[str]:
    sdks = {SDKS[package] for one in found if (package := one.name.split(".")[0]) in SDKS}
    if module.startswith("chalicelib.adapters") and len(sdks) > 1:
        yield f"{path}: an adapter knows one SDK, not {', '.join(sorted(sdks))}"
