"""Do what Lambda does with a cold function: import its handler out of the package, and call it once.

`_HANDLER=app.app python lambda_call.py PACKAGE EVENT ANSWER`: the package's directory, a file with the event, and a
file for `{"answer": ..., "modules": [...]}`: what the handler answered, and the names of all modules imported by then.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace

CONTEXT = SimpleNamespace(aws_request_id="1", function_name="bench", get_remaining_time_in_millis=lambda: 20_000)


def main() -> None:
    """The program."""
    package, event_file, answer_file = sys.argv[1:]
    sys.path.insert(0, package)
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    with open(event_file, encoding="utf-8") as opened:  # noqa: PTH123  # pathlib would be one more import
        event = json.load(opened)
    answer = handler(event, CONTEXT)
    with open(answer_file, "w", encoding="utf-8") as opened:  # noqa: PTH123
        json.dump({"answer": answer, "modules": sorted(sys.modules)}, opened)


if __name__ == "__main__":
    main()
