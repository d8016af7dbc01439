"""Hypothesis settings. `COINPURSE_COMMANDS=1000000` runs the state machine overnight."""

import os

from hypothesis import HealthCheck, settings

STEPS = 40
COMMANDS = int(os.environ.get("COINPURSE_COMMANDS", "2400"))

STEADY = settings(
    # In CI the examples are fixed, so that a failure is caused by the change; elsewhere they are random.
    derandomize="CI" in os.environ,
    print_blob=True,
    deadline=None,
    max_examples=100,
)
MACHINE = settings(
    STEADY,
    max_examples=max(1, COMMANDS // STEPS),
    stateful_step_count=STEPS,
    suppress_health_check=[HealthCheck.too_slow],
)
