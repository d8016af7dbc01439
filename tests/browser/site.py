"""Two origins on loopback: the API with fakes behind its ports, and a platform's page that embeds the elements."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, Response, request
from msgspec.structs import replace

from chalicelib.domain.payments import PurchaseRef
from infra.local import loopback
from tests.fakes import FakeClock, uuid7_at
from tests.http.api import ABSENT, Api, Reply, put_in_place, token_of
from tests.http.events import event_of

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]

_PAGE = """<!doctype html>
<html lang="{lang}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A stream</title>
<link rel="stylesheet" href="/site.css">
{script}
</head>
<body>
<main>
<h1>Cleo live</h1>
{body}
</main>
</body>
</html>
"""
_STYLE = """:root { color-scheme: light dark }
body { margin: 0; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; background: light-dark(#f6f4fa, #15131b); color: light-dark(#1d1a24, #f3f0f8) }
main { max-width: 46rem; margin: auto; display: grid; gap: 1.25rem }
h1 { margin: 0; font-size: 1.5rem }
"""  # noqa: E501

Fault = Callable[[Callable[[], Response]], Response]


@dataclass
class Site:
    """The page's content and sign-in, the API behind it, and the faults of the API's next answers."""

    api: Api = field(default_factory=lambda: Api(clock=FakeClock(datetime.now(UTC))))
    body: str = ""
    script: str = '<script type="module" src="{api}/assets/coinpurse.js"></script>'
    lang: str = "en"
    fan: str | None = "ann"
    url: str = ""
    api_url: str = ""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pay_url(self) -> str:
        """The payment page, which is a stub. Its origin is another one: to a browser, another name is another host."""
        return f"{self.url.replace('127.0.0.1', 'localhost')}/pay"

    @property
    def policy(self) -> str:
        """A strict policy: no inline code or style, and Trusted Types."""
        return (
            f"default-src 'none'; script-src {self.api_url}; connect-src 'self' {self.api_url}; "
            f"img-src {self.api_url}; "
            "style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def fail(self, path: str, *faults: Fault) -> None:
        """Let the next answers of a path fail, one after the other."""
        self.faults.setdefault(path, []).extend(faults)

    def recover(self) -> None:
        """Let every path answer again.

        An element gives up after six tries, or after a minute, which simulated time reaches first on a slow machine.
        """
        self.faults.clear()

    def pay(self, purchase_id: str) -> None:
        """Deliver the webhook of a paid checkout of ann's."""
        with self.lock:
            assert self.api.tell(self.api.gateway.sign(event_of(self.api, purchase_id))).status == 200

    def checkout(self) -> PurchaseRef:
        """Return what the only checkout is for."""
        [session] = self.api.gateway.sessions.values()
        assert session.ref is not None
        return session.ref

    def later_id(self) -> str:
        """Make a UUIDv7 that sorts after those that the page has made."""
        return uuid7_at(datetime.now(UTC) + timedelta(minutes=1), 1)

    def counts(self) -> Counter[str]:
        """Count the requests by method and path."""
        return Counter(f"{method} {path}" for method, path in self.seen)

    def platform(self) -> Flask:
        app = Flask("platform", static_folder=None)

        @app.get("/")
        def page() -> Response:
            direction = "rtl" if self.lang == "ar" else "ltr"
            script = self.script.format(api=self.api_url)
            text = _PAGE.format(script=script, body=self.body, lang=self.lang, direction=direction)
            headers = {"Content-Security-Policy": self.policy, "Cache-Control": "no-store"}
            return Response(text, 200, headers, content_type="text/html; charset=utf-8")

        @app.get("/site.css")
        def style() -> Response:
            return Response(_STYLE, content_type="text/css")

        @app.get("/favicon.ico")
        def icon() -> Response:
            return Response(status=204)

        @app.get("/pay/<purchase_id>")
        def pay(purchase_id: str) -> str:
            return f"<h1>Pay {purchase_id}</h1>"

        @app.get("/me/token")
        def token() -> Response:
            self.seen.append(("GET", "/me/token"))
            if self.fan is None:
                return Response("", 401)
            return Response(f'{{"access_token": "{token_of(self.fan)}"}}', content_type="application/json")

        return app

    def coinpurse(self) -> Flask:
        app = Flask("coinpurse", static_folder=None)

        @app.route("/<path:path>", methods=METHODS, provide_automatic_options=False)
        def forward(path: str) -> Response:
            self.seen.append((request.method, f"/{path}"))
            if key := request.headers.get("Idempotency-Key"):
                self.keys.append(key)
            waiting = self.faults.get(f"/{path}") if request.method != "OPTIONS" else None
            return waiting.pop(0)(self._answer) if waiting else self._answer()

        return app

    def _answer(self) -> Response:
        target = request.full_path.rstrip("?")
        with self.lock:
            reply = self.api.call(
                request.method,
                target,
                fan=None,
                body=request.get_data() or None,
                headers={
                    **{name.lower(): value for name, value in request.headers},
                    "Content-Type": request.content_type or ABSENT,
                },
            )
        return _response(reply)


def _response(reply: Reply) -> Response:
    headers = {name: value for name, value in reply.headers.items() if name != "content-length"}
    return Response(reply.text, reply.status, headers)


# ---- faults ----------------------------------------------------------------------------------------------------------


def refused(status: int, code: str) -> Fault:
    """Answer a problem without doing anything."""
    body = f'{{"type": "about:blank", "status": {status}, "code": "{code}", "title": "Refused"}}'
    headers = {"Retry-After": "1", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    return lambda _act: Response(body, status, headers, content_type="application/problem+json")


unavailable = refused(503, "try_again")


def lost(act: Callable[[], Response]) -> Response:
    """Run the request, and drop its response."""
    answer = act()
    answer.headers["Content-Length"] = str(len(answer.get_data()) + 1)
    answer.automatically_set_content_length = False
    return answer


def held(gate: threading.Event) -> Fault:
    """Answer when the gate opens."""

    def wait(act: Callable[[], Response]) -> Response:
        assert gate.wait(20)
        return act()

    return wait


@contextmanager
def placed(site: Site) -> Iterator[Site]:
    """Put the site's fakes in place of the services, during the block."""
    with pytest.MonkeyPatch.context() as patch:
        put_in_place(site.api, patch)
        yield site


@contextmanager
def running_site(site: Site) -> Iterator[Site]:
    """Serve both origins during the block."""

    def make(app: Callable[[], Flask], name: str) -> Callable[[str], Flask]:
        def build(url: str) -> Flask:
            setattr(site, name, url)
            return app()

        return build

    with loopback.running(make(site.coinpurse, "api_url")), loopback.running(make(site.platform, "url")):
        settings = site.api.ports["settings"]
        site.api.ports["settings"] = replace(settings, allowed_return_origins=(site.url,))
        site.api.gateway.pay_url = site.pay_url
        yield site
