"""`python -m infra.local.stripe_sandbox --port N --webhook-url URL --webhook-secret whsec_...`."""

import argparse
import json
import signal
import threading

from .knobs import Knobs
from .sandbox import ACCOUNT_ID, StripeSandbox


def main() -> None:
    """Serve until SIGTERM or SIGINT. Prints one JSON line `{"url": ...}` when the server is ready."""
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description="Run an offline Stripe double.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument(
        "--webhook-url", default="", help="URL that events are posted to; without it they are only recorded"
    )
    parser.add_argument(
        "--webhook-secret", required=True, action="append", help="whsec_...; repeat to sign with several"
    )
    parser.add_argument(
        "--event",
        action="append",
        help="event type to send, or a pattern (checkout.session.*); repeatable; default: all",
    )
    parser.add_argument("--account", default=ACCOUNT_ID, help="acct_...")
    options = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    with StripeSandbox.start(
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
        port=options.port,
        account_id=options.account,
        knobs=Knobs(enabled_events=options.event or ["*"]),
    ) as sandbox:
        print(json.dumps({"url": sandbox.url}), flush=True)
        stopping.wait()


if __name__ == "__main__":
    main()
