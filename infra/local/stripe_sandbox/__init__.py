"""A stand-in for Stripe that runs offline; README.md tells how to start it and how to steer it.

server.py    HTTP: /v1 (api.py), /pay (pages/), /_sandbox (control.py)
api.py       what each API request goes through: auth.py, idempotency.py, params.py, then its handler
handlers     checkout.py, refunds.py, disputes.py, reads.py; listing.py pages and expands
payments.py  what payers and banks do
state        store.py with session.py, objects.py, events.py under one lock
webhooks.py  signed delivery, made hard by knobs.py
"""

from .sandbox import StripeSandbox

__all__ = ["StripeSandbox"]
