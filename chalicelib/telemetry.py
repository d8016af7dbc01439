"""What the operator sees: structured logs and counters. The only room that knows Powertools."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

log: Final = Logger(service="coinpurse")
"""Logs facts by name. Never given a body, a token, a signature, a fan's message or an e-mail address."""

_metrics: Final = Metrics(namespace="Coinpurse")
"""Their dimension `service` is POWERTOOLS_SERVICE_NAME, so that each stage rings its own alarms."""

# What the other rooms log through the standard library goes the same way.
logging.getLogger("chalicelib").handlers[:] = [log.registered_handler]
logging.getLogger("chalicelib").setLevel(logging.INFO)
logging.getLogger("chalicelib").propagate = False


@contextmanager
def invocation(request_id: str) -> Iterator[None]:
    """Around everything that one request or batch does: its logs bear the id, its counters are written at the end."""
    log.append_keys(request_id=request_id)
    try:
        yield
    finally:
        log.remove_keys(["request_id"])
        if _metrics.metric_set:
            _metrics.flush_metrics()


def count(name: str, amount: int = 1) -> None:
    """Add to a counter, by its name in CamelCase."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)


def count_outcome(outcome: str) -> None:
    """Count what became of an event: `stranger` as WebhookStranger ..., but what an alarm hears by its own name."""
    count_outcomes({outcome: 1})


def count_outcomes(outcomes: Mapping[str, int]) -> None:
    """Count what became of many, as count_outcome does."""
    for outcome, events in outcomes.items():
        count(_ALARMING.get(outcome) or f"Webhook{outcome.title().replace('_', '')}", events)


_ALARMING: Final = {"in_review": "PaymentInReview", "late_failure": "LateFailure", "unforeseen": "Unforeseen"}
