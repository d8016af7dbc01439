"""Bugs in reconcile."""

from typing import Final

from tests.faults.planted.bug import Bug

_RECONCILE: Final = "chalicelib/usecases/reconcile.py"
_SLICES: Final = "chalicelib/usecases/event_slices.py"

IN_RECONCILE: Final = [
    Bug(
        "reconcile moves on past what it left",
        _RECONCILE,
        "since = self._handle(found) or found.until",
        "since = self._handle(found) and found.until or found.until",
        ("tests/usecases/test_reconcile_walks.py",),
    ),
    Bug(
        "reconcile forgets what failed",
        _RECONCILE,
        "_FAILED: Final = frozenset({Outcome.TRY_AGAIN, Outcome.UNFORESEEN})",
        "_FAILED: Final = frozenset({Outcome.UNFORESEEN})",
        ("tests/faults/test_failpoints.py", "-k", "reconcile"),
    ),
    Bug(
        "reconcile looks at each event",
        _SLICES,
        "else 'payment'}/{event.payment_intent}",
        "else 'payment'}/{event.stripe_event_id}",
        ("tests/usecases/test_reconcile_load.py",),
    ),
    Bug(
        "a look hides what happened after it",
        _RECONCILE,
        " or known[object_id] <= group[-1].created_at + CLOCK_SKEW",
        "",
        ("tests/usecases/test_reconcile.py",),
    ),
    Bug(
        "the oldest page of a busy hour is the newest",
        _SLICES,
        "while page.after and until - since > _SECOND:",
        "while page.after and until < since:",
        ("tests/usecases/test_reconcile_walks.py",),
    ),
    Bug(
        "what reconcile set aside stays in its walks",
        _RECONCILE,
        "_note_look(object_id, self._services.clock.now(), self._services)",
        "_note_look(event_id, self._services.clock.now(), self._services)",
        ("tests/usecases/test_reconcile_outages.py",),
    ),
    Bug(
        "retries that fail end the run before its walk",
        _RECONCILE,
        "                break\n            tried",
        "                raise TryAgain\n            tried",
        ("tests/usecases/test_reconcile_outages.py",),
    ),
    Bug(
        "reconcile sets old events aside in an outage",
        _RECONCILE,
        "return since is None or now - since < PATIENCE",
        "return since is None or now - walks.events < PATIENCE",
        ("tests/usecases/test_reconcile_outages.py",),
    ),
    Bug(
        "reconcile leaves nothing of Stripe's limit",
        "chalicelib/adapters/stripe/pace.py",
        "self._next = place + self._interval",
        "self._next = place",
        ("tests/adapters/test_stripe_pace.py",),
    ),
]
