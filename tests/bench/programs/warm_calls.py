"""Measure the CPU time of calls in one process, and of the bare transaction that each of them writes.

`_HANDLER=app.app python warm_calls.py PACKAGE WORK TIMES`: the package's directory; a file
`{"calls": [event, ...], "transactions": [parameters of TransactWriteItems, ...]}`, both of the same length; and a file
for `{"calls": [seconds, ...], "transactions": [seconds, ...], "responses": [...]}` in the same order.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
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
    for event, parameters in zip(work["calls"], work["transactions"], strict=True):
        seconds, response = timed(handler, event, CONTEXT)
        times["calls"].append(seconds)
        times["responses"].append(response)
        seconds, _ = timed(client.transact_write_items, **parameters)
        times["transactions"].append(seconds)
    with open(times_file, "w", encoding="utf-8") as opened:  # noqa: PTH123
        json.dump(times, opened)


def timed(function: Callable[..., object], *arguments: object, **named: object) -> tuple[float, object]:
    """Call a function. Returns the CPU seconds of this process, and the function's result."""
    before = process_time()
    result = function(*arguments, **named)
    return process_time() - before, result


if __name__ == "__main__":
    main()
