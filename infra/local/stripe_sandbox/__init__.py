"""An offline Stripe double. README.md describes its command line and its control API.

server.py    HTTP: /v1 (api.py), /pay (pages/), /_sandbox (control.py)
api.py       dispatch of an API request: auth.py, idempotency.py, params.py, then its handler
handlers     checkout.py, intents.py, products.py, customers.py, refunds.py, disputes.py, endpoints.py, reads.py ...;
             listing.py paginates and expands
payments.py  actions of payers and banks
state        store.py with session.py, objects.py, events.py under one lock
webhooks.py  signed delivery, with the faults that knobs.py sets
"""

from .sandbox import StripeSandbox

__all__ = ["StripeSandbox"]
