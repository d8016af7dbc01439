"""`make logs`: print what the functions of the local cloud logged, oldest first, or the lines of one request.

The id of a request is the header `X-Request-Id` of its response, and `request_id` of a problem document.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local.deployment import Deployer
from infra.local.facts import StackFacts, aws_session
from infra.local.processes import StartError
from infra.local.registry import DIRECTORY, running_stack

if TYPE_CHECKING:
    from botocore.client import BaseClient

LINES = 200
"""Number of lines that are printed without a request id."""

# Fields of the structured log that are columns of their own, or the same in every line.
_COLUMNS = ("level", "message", "request_id")
_PLATFORM = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
_LEFT_OUT = frozenset({*_COLUMNS, "_aws", "location", "sampling_rate", "service", "timestamp", "xray_trace_id"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a function's log. `at` is in Unix milliseconds."""

    at: int
    function: str
    text: str

    def format(self) -> str:
        """Format as `time function level request_id message field=value ...`; plain text stays as it is."""
        clock = time.strftime("%H:%M:%S", time.gmtime(self.at / 1000)) + f".{self.at % 1000:03d}"
        try:
            fields = json.loads(self.text)
        except ValueError:
            fields = None
        if not isinstance(fields, Mapping):
            return f"{clock} {self.function:<10} {self.text}"
        if "_aws" in fields:  # CloudWatch's embedded metric format
            fields = {"level": "METRIC", "message": "", **fields}
        level, message, request_id = (fields.get(name, "-") for name in _COLUMNS)
        others = (f"{name}={value}" for name, value in fields.items() if name not in _LEFT_OUT)
        return " ".join(filter(None, [f"{clock} {self.function:<10} {level:<7} {request_id}", str(message), *others]))


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit code: 0, or 1 if the stack is not running or the request has no line."""
    request_id = arguments[0] if arguments else ""
    try:
        lines = select(_read(running_stack(DIRECTORY)), request_id)
    except StartError as failure:
        print(failure)
        return 1
    if not lines:
        print(f"No function logged anything for the request {request_id}." if request_id else "No function logged yet.")
        return int(bool(request_id))
    print(*(line.format() for line in lines), sep="\n")
    return 0


def select(lines: Iterable[Line], request_id: str) -> list[Line]:
    """Return the lines that contain the id, or the latest ones without an id, oldest first, but for Lambda's own."""
    wanted = (line for line in lines if request_id in line.text and not line.text.startswith(_PLATFORM))
    ordered = sorted(wanted, key=lambda line: line.at)
    return ordered if request_id else ordered[-LINES:]


def _read(facts: StackFacts) -> Iterator[Line]:
    logs = aws_session(facts.aws_region).client("logs", endpoint_url=facts.aws_endpoint_url)
    for logical_id, group in Deployer(facts.aws_endpoint_url).resources("AWS::Logs::LogGroup"):
        yield from _read_group(logs, group, logical_id.removesuffix("LogGroup"))


def _read_group(logs: "BaseClient", group: str, function: str) -> Iterator[Line]:
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            # An event is one line of output, or several that were written at once.
            for text in filter(None, event["message"].splitlines()):
                yield Line(event["timestamp"], function, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
