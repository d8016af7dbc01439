"""Cross-site request forgery (CSRF) check for requests with the fan's cookie."""

from werkzeug.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def may_use_cookie(method: str, headers: Headers) -> bool:
    """Check that a request was not forged by another site, by the headers that browsers set.

    Safe methods are allowed, because another site cannot read the response. Other methods need `Sec-Fetch-Site:
    same-origin` or, without that header, this host as their `Origin`. A request with neither header does not come from
    a browser, so its cookie is its sender's own.
    """
    if method in SAFE_METHODS:
        return True
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or origin in {f"http://{headers.get('Host')}", f"https://{headers.get('Host')}"}
