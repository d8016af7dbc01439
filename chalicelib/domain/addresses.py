"""Strict parsing of web addresses.

Addresses that browsers repair (backslashes, missing slashes, blanks, user names, escapes in the host) are rejected:
they are used to make one address look like another.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.errors import InvalidField

_PLAIN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]*")
_SCHEME: Final = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_HOST_AND_PORT: Final = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_RETURN_PARAMETERS: Final = frozenset({"purchase", "membership", "canceled"})

MAX_ADDRESS: Final = 2_048
"""Maximum characters of an address in a request. Stripe takes up to 5,000."""


class Oddity(StrEnum):
    """Reasons for rejecting an address. The values are public."""

    LOOK_ALIKE = "look_alike"
    ODD_CHARACTERS = "odd_characters"
    NO_WEB_ADDRESS = "no_web_address"
    USER_NAME = "user_name"


class OddAddress(ValueError):
    """The address can be read in more than one way."""

    def __init__(self, oddity: Oddity) -> None:
        super().__init__(oddity.value)
        self.oddity = oddity


class Origin(Struct, frozen=True, kw_only=True):
    """The scheme, host and port of a web address. `host` is lowercase."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The origin as browsers write it: without a default port."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def is_ipv6(self) -> bool:
        """True if the host is an IPv6 address, in brackets."""
        return self.host.startswith("[")

    @property
    def is_punycode(self) -> bool:
        """True if a browser may show the host in other letters than these."""
        return any(label.startswith("xn--") for label in self.host.split("."))


def origin_of(address: str) -> Origin:
    """Parse the origin of an address.

    Raises:
        OddAddress: the address is not a plain http or https address.
    """
    if not address.isascii():
        raise OddAddress(Oddity.LOOK_ALIKE)
    if not _PLAIN.fullmatch(address):
        raise OddAddress(Oddity.ODD_CHARACTERS)
    found = _SCHEME.match(address)
    if not found:
        raise OddAddress(Oddity.NO_WEB_ADDRESS)
    scheme, authority = found[1].lower(), found[2].lower()
    if "@" in authority:
        raise OddAddress(Oddity.USER_NAME)
    host_and_port = _HOST_AND_PORT.fullmatch(authority)
    if not host_and_port:
        raise OddAddress(Oddity.ODD_CHARACTERS)
    return Origin(scheme=scheme, host=host_and_port[1], port=int(host_and_port[2] or _DEFAULT_PORTS[scheme]))


def is_origin(text: str) -> bool:
    """Check that a text is an origin as browsers send it: lowercase, without a path or the scheme's own port."""
    try:
        return origin_of(text).url == text
    except OddAddress:
        return False


def require_return_url(address: str | None, allowed: Collection[Origin]) -> str | None:
    """Return the address that a fan comes back to; None is the shop's own page.

    Raises:
        InvalidField: its origin is not one of `allowed`.
    """
    try:
        if address is None or (len(address) <= MAX_ADDRESS and origin_of(address) in allowed):
            return address
    except OddAddress:
        pass
    raise InvalidField("return_url", f"an address of at most {MAX_ADDRESS} characters in an allowed origin")


def with_parameters(address: str, **parameters: str) -> str:
    """Add query parameters to a return address, without those that an earlier return has left there.

    Braces are escaped: Stripe would put the session's id in place of `{CHECKOUT_SESSION_ID}`.
    """
    page, mark, fragment = address.partition("#")
    path, _, query = page.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in _RETURN_PARAMETERS]
    added = [f"{name}={value}" for name, value in parameters.items()]
    return f"{path}?{'&'.join([*kept, *added])}{mark}{fragment}".replace("{", "%7B").replace("}", "%7D")
