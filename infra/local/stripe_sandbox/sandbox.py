"""The sandbox process: a threaded HTTP server on loopback and the webhook sender."""

import threading
from collections.abc import Sequence
from types import TracebackType

import stripe

from .api import Api
from .billing import run_due
from .checkout import expire_due
from .connections import KeepAliveServer
from .control import Control
from .knobs import Knobs
from .server import build_app
from .store import Store
from .webhooks import WebhookSender

HOST = "127.0.0.1"
ACCOUNT_ID = "acct_1SandboxCoinpurse"
_EXPIRY_CHECK_SECONDS = 0.5


class StripeSandbox:
    """A running sandbox: `with StripeSandbox.start(webhook_url=..., webhook_secret="whsec_...") as sandbox:`."""

    def __init__(
        self, webhook_url: str, webhook_secrets: Sequence[str], port: int, account_id: str, knobs: Knobs
    ) -> None:
        for secret in webhook_secrets:
            if not secret.startswith("whsec_"):
                raise ValueError("a webhook secret starts with whsec_")
        self.store = Store(account_id=account_id, api_version=stripe.api_version)
        self.knobs = knobs
        api = Api(self.store, self.knobs)
        self._sender = WebhookSender(self.store, self.knobs, webhook_url, webhook_secrets)
        app = build_app(api, Control(api, self._sender))
        self._server = KeepAliveServer(HOST, port, app)
        self.url = api.base_url = f"http://{HOST}:{self._server.port}"
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._serve), threading.Thread(target=self._watch_clock)]

    @classmethod
    def start(
        cls,
        *,
        webhook_url: str = "",
        webhook_secret: str | Sequence[str],
        port: int = 0,
        account_id: str = ACCOUNT_ID,
        knobs: Knobs | None = None,
    ) -> "StripeSandbox":
        """Start serving.

        Args:
            webhook_url: the endpoint for events; "" records them without sending.
            webhook_secret: one or several `whsec_...`; each adds a signature.
            port: 0 picks a free port.
            account_id: the account that requests may name in `Stripe-Account`.
            knobs: the initial knobs.

        Raises:
            ValueError: a secret does not begin with `whsec_`.
        """
        secrets = [webhook_secret] if isinstance(webhook_secret, str) else webhook_secret
        sandbox = cls(webhook_url, secrets, port, account_id, knobs or Knobs())
        sandbox._sender.start()
        for thread in sandbox._threads:
            thread.start()
        return sandbox

    def stop(self) -> None:
        """Stop serving and sending. Pending deliveries are dropped."""
        self._stopping.set()
        self._server.shutdown()
        self._sender.stop()
        for thread in self._threads:
            thread.join()
        self._server.server_close()

    def __enter__(self) -> "StripeSandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def _watch_clock(self) -> None:
        while not self._stopping.wait(_EXPIRY_CHECK_SECONDS):
            with self.store.lock:
                expire_due(self.store)
                run_due(self.store, self.knobs)
