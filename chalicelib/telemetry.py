"""Structured logs and metrics. The only module that imports Powertools."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from chalicelib.domain.outcomes import Outcome

log: Final = Logger(service="coinpurse")
"""Never log a body, a token, a signature, a fan's message or an e-mail address."""

_metrics: Final = Metrics(namespace="Coinpurse")
"""The dimension `service` is POWERTOOLS_SERVICE_NAME, so that each stage has alarms of its own."""

_keys: Final[dict[str, str]] = {}
"""Keys in each line of the present request or batch."""

# Every request has a line of this logger. Powertools' own takes ten times as long for a line.
_requests: Final = logging.getLogger("coinpurse.requests")
_requests.addHandler(logging.StreamHandler(sys.stdout))
_requests.setLevel(logging.INFO)
_requests.propagate = False

# Modules that log through the standard library use the same handler.
logging.getLogger("chalicelib").handlers[:] = [log.registered_handler]
logging.getLogger("chalicelib").setLevel(logging.INFO)
logging.getLogger("chalicelib").propagate = False


@contextmanager
def invocation(request_id: str) -> Iterator[None]:
    """Add the request id to the logs of one request or batch, and flush its metrics at the end."""
    _keys["request_id"] = request_id
    log.append_keys(request_id=request_id)
    try:
        yield
    finally:
        log.remove_keys(list(_keys))
        _keys.clear()
        if _metrics.metric_set:
            _metrics.flush_metrics()


def identify(caller: str) -> None:
    """Add the caller, as a keyed hash, to the logs of the present request."""
    _keys["caller"] = caller
    log.append_keys(caller=caller)


def answered(method: str, route: str, status: int, began: float) -> None:
    """Log the end of a request that began at a time of the monotonic clock."""
    fields: dict[str, Any] = {"level": "INFO", "message": "answered", "service": log.service, **_keys}
    fields |= {"method": method, "route": route, "status": status, "ms": round((time.monotonic() - began) * 1000)}
    _requests.info(msgspec.json.encode(fields).decode())


def count(name: str, amount: int = 1) -> None:
    """Add to a metric; `name` is in CamelCase."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)


def count_outcome(outcome: Outcome) -> None:
    """Count the outcome of a Stripe event."""
    count_outcomes({outcome: 1})


def count_outcomes(outcomes: Mapping[Outcome, int]) -> None:
    """Count the outcomes of several Stripe events."""
    for outcome, events in outcomes.items():
        count(outcome.metric, events)
