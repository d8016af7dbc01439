"""A stack with a developer's own catalogue, Stripe account and token issuer, as `make up` starts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response, request

from infra.local import loopback, token_issuer
from infra.local.client import Bundles, Checkout, Fan, Wallet
from infra.local.front_door.upstream import Upstream
from infra.local.options import read_options
from infra.local.processes import ROOT
from infra.local.progress import ProgressConsole
from infra.local.registry import DIRECTORY, Registry
from infra.local.reload import reload
from infra.local.stack import temporary_stack
from infra.local.stripe_sandbox import StripeSandbox
from infra.local.stripe_side import StripeSide

pytestmark = pytest.mark.cloud

SECRET = "whsec_listen"


class StripeDouble:
    """A proxy in the place of api.stripe.com: it passes the API on, and knows nothing else of the sandbox."""

    def __init__(self, sandbox_url: str) -> None:
        self._sandbox = Upstream(sandbox_url)
        self.passed: list[str] = []
        self.refused: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        try:
            with loopback.running(self._build) as url:
                yield url
        finally:
            self._sandbox.close()

    def _build(self, _url: str) -> Flask:
        app = Flask(__name__, static_folder=None)

        @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
        def forward(path: str) -> Response:
            if not path.startswith("v1/"):
                self.refused.append(path)
                return Response("", 404)
            self.passed.append(path)
            headers = [
                (name, value) for name, value in request.headers.items() if name not in {"Host", "Content-Length"}
            ]
            target = request.full_path.removesuffix("?")
            reply = self._sandbox.exchange(request.method, target, headers, request.get_data(parse_form_data=False))
            dropped = {"connection", "content-length", "transfer-encoding"}
            return Response(
                reply.body, reply.status, [pair for pair in reply.headers if pair[0].lower() not in dropped]
            )

        return app


def test_own_catalogue_stripe_account_and_issuer_sell_coins(tmp_path: Path) -> None:
    ours = tmp_path / "ours.json"
    ours.write_bytes((ROOT / "chalicelib" / "catalogues" / "youtube_like.json").read_bytes())
    with StripeSandbox.start(webhook_secret=SECRET) as sandbox, loopback.running(token_issuer.create_app) as issuer_url:
        stripe = StripeDouble(sandbox.url)
        with stripe.serving() as stripe_url:
            options = read_options(
                {
                    "CATALOGUE": str(ours),
                    "STRIPE_API_KEY": "sk_test_ours",
                    "STRIPE_WEBHOOK_SECRET": SECRET,
                    "STRIPE_API_URL": stripe_url,
                    "TOKEN_ISSUER": issuer_url,
                    "TOKEN_AUDIENCE": token_issuer.AUDIENCE,
                    "JWKS_URL": f"{issuer_url}/.well-known/jwks.json",
                    "WORKERS": "1",
                }
            )
            with temporary_stack("own", print, options) as facts:
                (directory,) = DIRECTORY.glob("own-*")
                assert [each.name for each in Registry(directory).processes()] == ["ministack", "front door"]
                assert facts.stripe_api_url == stripe_url
                side = StripeSide(replace(facts, stripe_api_url=sandbox.url))
                side._control("PUT", "/webhook", {"url": f"{facts.api_url}/v1/webhooks/stripe"})  # `stripe listen`
                fan = Fan(facts, "ada")

                bundles = fan.get("/bundles").read(200, Bundles).bundles
                bought = fan.post("/checkout-sessions", {"bundle_id": bundles[0].bundle_id}).read(201, Checkout)
                side.pay(bought)
                side.wait_for_webhooks()

                assert (bought.coins, bought.price.currency) == (100, "jpy")
                assert fan.wallet() == Wallet(coins=100, owed=0)

                ours.write_text(ours.read_text().replace(bundles[0].bundle_id, "ours"))
                with ProgressConsole() as console:
                    reload(directory, console)
                assert fan.get("/bundles").read(200, Bundles).bundles[0].bundle_id == "ours"
    assert "v1/checkout/sessions" in stripe.passed
    assert stripe.refused == []
