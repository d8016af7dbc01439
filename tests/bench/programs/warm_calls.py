"""Measure the CPU time of calls in one process, and of the bare transaction that each of them writes.

`_HANDLER=app.app python warm_calls.py PACKAGE WORK TIMES`: the package's directory; a file
`{"calls": [event, ...], "transactions": [parameters of TransactWriteItems, ...]}`; and a file for `{"calls": [seconds,
...], "transactions": [seconds, ...], "responses": [...], "files": {source: seconds, ...}}` in the same order. Calls
beyond the number of transactions are profiled: `files` has their time by source file.
"""

import cProfile
import importlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from time import process_time
from types import SimpleNamespace

CONTEXT = SimpleNamespace(aws_request_id="1", function_name="bench", get_remaining_time_in_millis=lambda: 20_000)


def main() -> None:
    """Run the program."""
    package, work_file, times_file = sys.argv[1:]
    sys.path.insert(0, package)
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    client = importlib.import_module("botocore.session").get_session().create_client("dynamodb")
    with open(work_file, encoding="utf-8") as opened:  # noqa: PTH123  # as in lambda_call.py
        work = json.load(opened)
    times: dict[str, list[object]] = {"calls": [], "transactions": [], "responses": []}
    # In turn, so that other load on the machine affects both equally.
    for event, parameters in zip(work["calls"], work["transactions"], strict=False):
        seconds, response = timed(handler, event, CONTEXT)
        times["calls"].append(seconds)
        times["responses"].append(response)
        seconds, _ = timed(client.transact_write_items, **parameters)
        times["transactions"].append(seconds)
    files = by_file(handler, work["calls"][len(work["transactions"]) :])
    with open(times_file, "w", encoding="utf-8") as opened:  # noqa: PTH123
        json.dump({**times, "files": files}, opened)


def by_file(function: Callable[..., object], events: Iterable[object]) -> dict[str, float]:
    """Sum the seconds of calls by source file, without waiting for sockets. A builtin's time is its caller's."""
    profile = cProfile.Profile()
    for event in events:
        profile.runcall(function, event, CONTEXT)
    profile.create_stats()
    seconds: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, callers) in profile.stats.items():
        if file != "~":
            seconds[file] += own
        elif "_socket.socket" not in name:
            for (caller, _, _), (_, _, spent, _) in callers.items():
                seconds[caller] += spent
    return dict(seconds)


def timed(function: Callable[..., object], *arguments: object, **named: object) -> tuple[float, object]:
    """Call a function. Returns the CPU seconds of this process, and the function's result."""
    before = process_time()
    result = function(*arguments, **named)
    return process_time() - before, result


if __name__ == "__main__":
    main()
