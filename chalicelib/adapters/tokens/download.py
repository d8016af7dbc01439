"""Download of a small document over HTTP, within a total time."""

import time
import zlib
from collections.abc import Callable
from random import uniform
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from threading import Thread
from typing import IO, TYPE_CHECKING, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from chalicelib.adapters.refreshed_value import SourceFailed

if TYPE_CHECKING:
    from http.client import HTTPMessage

MAX_BYTES: Final = 256 * 1_024
HEADERS: Final = {
    # Hosts behind Cloudflare answer 403 to urllib's own name (https://github.com/jpadilla/pyjwt/issues/1121).
    "User-Agent": "coinpurse",
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "gzip",
}
_TOO_MANY_REQUESTS: Final = 429
_PAUSE_SECONDS: Final = 0.5
_GZIP: Final = zlib.MAX_WBITS + 16


def download(url: str, *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> bytes:
    """Return the document at an address, of at most MAX_BYTES.

    A response 429 is no failure of the source: it is asked again, after a random pause, while the time lasts.

    Args:
        url: http or https. Redirects are followed, but not from https to http.
        seconds: limit of the whole download.
        sleep: waits for some seconds.

    Raises:
        SourceFailed: names the status, or the class of the error.
    """
    outcome: list[bytes | Exception] = []
    deadline = time.monotonic() + seconds

    def run() -> None:
        try:
            outcome.append(_ask_until(deadline, url, sleep))
        except Exception as error:  # noqa: BLE001  # raised again in the thread that waits
            outcome.append(error)

    # A socket's timeout limits each of its operations, and not the resolution of names. The thread ends soon after.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise SourceFailed(f"no response from JWKS within {seconds} s")
    if isinstance(outcome[0], Exception):
        raise SourceFailed(_cause(outcome[0])) from outcome[0]
    return outcome[0]


def _ask_until(deadline: float, url: str, sleep: Callable[[float], None]) -> bytes:
    opener = _opener(url)
    while True:
        try:
            return _ask(opener, url, deadline)
        except HTTPError as error:
            error.close()
            pause = uniform(0, _PAUSE_SECONDS)  # noqa: S311  # spreads the requests of many functions
            if error.code != _TOO_MANY_REQUESTS or time.monotonic() + pause >= deadline:
                raise
            sleep(pause)


def _opener(url: str) -> OpenerDirector:
    # Without a context, urllib loads all CA certificates from Python 3.12 on, for a plain HTTP address as well.
    context = SSLContext(PROTOCOL_TLS_CLIENT) if url.startswith("http:") else None
    return build_opener(Redirects(), HTTPSHandler(context=context))


def _ask(opener: OpenerDirector, url: str, deadline: float) -> bytes:
    request = Request(url, headers=dict(HEADERS))  # noqa: S310  # the address is a setting, of http or https
    with opener.open(request, timeout=max(0.001, deadline - time.monotonic())) as response:
        body = bytearray()
        while (chunk := response.read1(MAX_BYTES)) and len(body) <= MAX_BYTES:
            body += chunk
            if time.monotonic() >= deadline:
                raise TimeoutError
        if response.headers.get("Content-Encoding", "").lower() == "gzip":
            body = bytearray(zlib.decompressobj(_GZIP).decompress(body, MAX_BYTES + 1))
    if len(body) > MAX_BYTES:
        raise SourceFailed(f"JWKS of more than {MAX_BYTES} bytes")
    return bytes(body)


def _cause(error: Exception) -> str:
    if isinstance(error, SourceFailed):
        return str(error)
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} from JWKS"
    reason = error.reason if isinstance(error, URLError) else error
    return f"{type(reason).__name__} from JWKS"


class Redirects(HTTPRedirectHandler):
    """Follows redirects to https, and from http to http."""

    max_redirections = 3

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: "HTTPMessage", newurl: str
    ) -> Request | None:
        if newurl.partition(":")[0].lower() not in {"https", req.type}:
            raise HTTPError(req.full_url, code, "redirect to another scheme", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
