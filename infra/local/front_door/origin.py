"""Which requests may use the fan's cookie: those that the fan's browser made for a page of this site."""

from werkzeug.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def may_use_cookie(method: str, headers: Headers) -> bool:
    """Whether a request is no forgery from another site (CSRF), as its browser tells.

    Reading is always allowed: another site cannot see the answer. To change something, the browser must call it
    same-origin (`Sec-Fetch-Site`), or name this host as its `Origin`. A request with neither header comes from no
    browser, and so rides on nobody's cookie but its sender's.
    """
    if method in SAFE_METHODS:
        return True
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or origin in {f"http://{headers.get('Host')}", f"https://{headers.get('Host')}"}
