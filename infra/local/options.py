"""Options of `make up`: the catalogue, the Stripe account and the token issuer that a developer brings.

They are environment variables, to which make adds the variables of its command line, so that no key is in an argument.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from chalicelib.adapters.catalogue_files import FOLDER
from chalicelib.domain.addresses import is_origin
from infra.local.variables import NAMES, refusal
from infra.operations.catalogue_check import problems_of

STRIPE_URL = "https://api.stripe.com"
MAX_WORKERS = 8

_TEST_KEY = re.compile(r"[sr]k_test_\w+", re.ASCII)
_SECRET = re.compile(r"whsec_\w+", re.ASCII)
_CATALOGUE_NAME = re.compile(r"[a-z0-9_-]+", re.ASCII)

OptionT = TypeVar("OptionT")


class OptionError(Exception):
    """Options are unknown, invalid, or contradict others. The message has a line for each, which names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """The Stripe account, or the sandbox in its place."""

    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The issuer of the bearer tokens."""

    url: str
    audience: str
    jwks_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a stack. Without `stripe` and `issuer` it has a sandbox and a token issuer of its own."""

    workers: int = 4
    """Number of function workers to warm, and so of concurrent requests without a cold start."""
    catalogue: str = "default"
    """Name of the catalogue, without `.json`."""
    catalogue_file: Path | None = None
    """The catalogue's file, unless it is one of `chalicelib/catalogues`."""
    stripe: StripeAccount | None = None
    issuer: Issuer | None = None
    return_origins: tuple[str, ...] = ()
    """Origins of the developer's pages, which fans may come back to, beside the shop's own."""
    given: frozenset[str] = frozenset()
    """Names of the options that were given, even if with the default."""


def read_options(environment: Mapping[str, str]) -> Options:
    """Read and validate the options.

    Args:
        environment: environment variables; empty ones count as absent.

    Raises:
        OptionError: an option is unknown, invalid, or contradicts another.
    """
    if unknown := refusal(environment.get("MAKEFLAGS", "")):
        raise OptionError(unknown)
    given = {name: environment[name] for name in NAMES if environment.get(name)}
    faults: list[str] = []

    def valid(read: Callable[[], OptionT], otherwise: OptionT) -> OptionT:
        try:
            return read()
        except OptionError as bad:
            faults.append(str(bad))
            return otherwise

    no_catalogue: tuple[str, Path | None] = ("", None)
    catalogue, file = valid(lambda: _catalogue(given.get("CATALOGUE", "default")), no_catalogue)
    options = Options(
        workers=valid(lambda: _workers(given.get("WORKERS", "4")), 0),
        catalogue=catalogue,
        catalogue_file=file,
        stripe=valid(lambda: _stripe(given), None),
        issuer=valid(lambda: _issuer(given), None),
        return_origins=valid(lambda: _return_origins(given.get("RETURN_ORIGINS", "")), ()),
        given=frozenset(given),
    )
    if faults:
        raise OptionError("\n".join(faults))
    return options


def check_catalogue_file(path: Path) -> None:
    """Validate a catalogue file.

    Raises:
        OptionError: it cannot be loaded; the message has the line and the rule of the first fault.
    """
    for problem in problems_of(path):
        raise OptionError(f"CATALOGUE cannot be used: {problem}")


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_WORKERS):
        raise OptionError(f"WORKERS={text} must be a whole number from 1 to {MAX_WORKERS}.")
    return int(text)


def _catalogue(text: str) -> tuple[str, Path | None]:
    """Find a catalogue by its name, or by its file. Returns the name, and the file if it is not shipped."""
    is_file = "/" in text or text.endswith(".json")
    path = Path(text).expanduser().resolve() if is_file else FOLDER / f"{text}.json"
    if not path.is_file():
        names = ", ".join(sorted(each.stem for each in FOLDER.glob("*.json") if each.stem != "reference_rates"))
        raise OptionError(f"CATALOGUE={text} is neither a file nor one of {names}.")
    check_catalogue_file(path)
    if path.parent == FOLDER.resolve():
        return path.stem, None
    if not _CATALOGUE_NAME.fullmatch(path.stem) or (FOLDER / path.name).exists():
        raise OptionError(
            f"CATALOGUE={text} must have another file name: lowercase letters, digits, - and _, then .json, and not "
            "the name of a catalogue in chalicelib/catalogues."
        )
    return path.stem, path


def _stripe(given: Mapping[str, str]) -> StripeAccount | None:
    key, secret = given.get("STRIPE_API_KEY"), given.get("STRIPE_WEBHOOK_SECRET")
    if key is None:
        for name in ("STRIPE_WEBHOOK_SECRET", "STRIPE_API_URL"):
            if name in given:
                raise OptionError(
                    f"{name} needs STRIPE_API_KEY=sk_test_... beside it; without one the sandbox is used."
                )
        return None
    # Neither message quotes the key.
    if "_live_" in key:
        raise OptionError("STRIPE_API_KEY is a live key, which moves real money; use the test key, sk_test_...")
    if not _TEST_KEY.fullmatch(key):
        raise OptionError("STRIPE_API_KEY must be a secret or restricted test key, sk_test_... or rk_test_...")
    if secret is None:
        raise OptionError(
            "STRIPE_API_KEY needs STRIPE_WEBHOOK_SECRET=whsec_...; `stripe listen --print-secret` shows it."
        )
    if not _SECRET.fullmatch(secret):
        raise OptionError("STRIPE_WEBHOOK_SECRET must begin with whsec_; `stripe listen --print-secret` shows it.")
    url = given.get("STRIPE_API_URL", STRIPE_URL)
    _require_url("STRIPE_API_URL", url)
    return StripeAccount(api_key=key, webhook_secret=secret, api_url=url.rstrip("/"))


def _issuer(given: Mapping[str, str]) -> Issuer | None:
    names = ("TOKEN_ISSUER", "TOKEN_AUDIENCE", "JWKS_URL")
    missing = [name for name in names if name not in given]
    if len(missing) == len(names):
        return None
    if missing:
        raise OptionError(f"{', '.join(names)} are given together or not at all; missing: {', '.join(missing)}.")
    _require_url("JWKS_URL", given["JWKS_URL"])
    return Issuer(url=given["TOKEN_ISSUER"], audience=given["TOKEN_AUDIENCE"], jwks_url=given["JWKS_URL"])


def _return_origins(text: str) -> tuple[str, ...]:
    origins = tuple(each.strip() for each in text.split(",")) if text else ()
    for each in origins:
        if not is_origin(each):
            raise OptionError(f"RETURN_ORIGINS={each} must be an origin, such as http://localhost:3000.")
    return origins


def _require_url(name: str, text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(f"{name}={text} must be an address that begins with https:// or http://.")
