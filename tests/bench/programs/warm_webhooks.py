"""CPU of webhooks in a process that has seen many, beside the bare transaction that each of them comes to.

`_HANDLER=app.app python warm_webhooks.py PACKAGE WORK FIGURES`: the package's directory, a file
`{"webhooks": [event, ...], "transactions": [parameters of TransactWriteItems, ...]}` with as many of one as of the
other, and a file for `{"webhooks": [seconds, ...], "transactions": [seconds, ...], "answers": [...]}` in their order.
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
    """The program."""
    package, work_file, figures_file = sys.argv[1:]
    sys.path.insert(0, package)
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    client = importlib.import_module("botocore.session").get_session().create_client("dynamodb")
    with open(work_file, encoding="utf-8") as opened:  # noqa: PTH123  # as in lambda_call.py
        work = json.load(opened)
    figures: dict[str, list[object]] = {"webhooks": [], "transactions": [], "answers": []}
    # Turn and turn about, so that whatever else the machine does falls on both alike.
    for event, parameters in zip(work["webhooks"], work["transactions"], strict=True):
        seconds, answer = timed(handler, event, CONTEXT)
        figures["webhooks"].append(seconds)
        figures["answers"].append(answer)
        seconds, _ = timed(client.transact_write_items, **parameters)
        figures["transactions"].append(seconds)
    with open(figures_file, "w", encoding="utf-8") as opened:  # noqa: PTH123
        json.dump(figures, opened)


def timed(function: Callable[..., object], *arguments: object, **named: object) -> tuple[float, object]:
    """The CPU that this process took for a call, in seconds, and what came of it."""
    before = process_time()
    result = function(*arguments, **named)
    return process_time() - before, result


if __name__ == "__main__":
    main()
