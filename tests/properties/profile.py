"""How hard the properties are tried. `COINPURSE_COMMANDS=1000000` makes a night of it."""

import os

from hypothesis import HealthCheck, settings

STEPS = 40
COMMANDS = int(os.environ.get("COINPURSE_COMMANDS", "10000"))

STEADY = settings(
    # CI tells what a change broke, so it tries the same every time; everybody else explores.
    derandomize="CI" in os.environ,
    print_blob=True,
    deadline=None,
    max_examples=200,
)
STORIES = settings(
    STEADY,
    max_examples=max(1, COMMANDS // STEPS),
    stateful_step_count=STEPS,
    suppress_health_check=[HealthCheck.too_slow],
)
