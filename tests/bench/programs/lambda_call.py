"""Call a function once in a fresh process, as Lambda does: import its handler from the package, and pass one event.

`_HANDLER=app.app python lambda_call.py PACKAGE EVENT RESULT`: the package's directory, a file with the event, and a
file for `{"response": ..., "modules": [...]}`: the handler's response, and the names of all modules imported by then.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace

CONTEXT = SimpleNamespace(aws_request_id="1", function_name="bench", get_remaining_time_in_millis=lambda: 20_000)


def main() -> None:
    """Run the program."""
    package, event_file, result_file = sys.argv[1:]
    sys.path.insert(0, package)
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    with open(event_file, encoding="utf-8") as opened:  # noqa: PTH123  # importing pathlib would be measured too
        event = json.load(opened)
    response = handler(event, CONTEXT)
    with open(result_file, "w", encoding="utf-8") as opened:  # noqa: PTH123
        json.dump({"response": response, "modules": sorted(sys.modules)}, opened)


if __name__ == "__main__":
    main()
