"""Web addresses, read so narrowly that no browser can take one for another.

What a browser would repair (backslashes, missing slashes, blanks, user names, escapes in the host) is refused here: an
address that needs repair is one that somebody made to look like another.
"""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

_PLAIN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]*")
_SCHEME: Final = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_HOST_AND_PORT: Final = re.compile(r"([a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Oddity(StrEnum):
    """What is wrong with an address. Stable words."""

    LOOK_ALIKE = "look_alike"
    ODD_CHARACTERS = "odd_characters"
    NO_WEB_ADDRESS = "no_web_address"
    USER_NAME = "user_name"


class OddAddress(ValueError):
    """Not an address that can be read in one way only."""

    def __init__(self, oddity: Oddity) -> None:
        super().__init__(oddity.value)
        self.oddity = oddity


class Origin(Struct, frozen=True, kw_only=True):
    """Where a web address leads: browsers take what has one origin for one site. `host` in lowercase."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """As browsers write it: a default port is left out."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def is_punycode(self) -> bool:
        """Whether a browser may show the host in other letters than these."""
        return any(label.startswith("xn--") for label in self.host.split("."))


def origin_of(address: str) -> Origin:
    """Where the address leads.

    Raises:
        OddAddress: it is no plain http or https address.
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
