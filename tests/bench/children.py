"""Child processes that run the packaged code as Lambda does, and the CPU time that they take."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.processes import tail
from tests.bench.calls import Call

API, RELAY = "app.app", "chalicelib.workers.relay"
"""Handlers of packaged functions, as Lambda names them."""

INTERPRETER = (sys.executable, "-I", "-S", "-B")
"""The interpreter without its environment's packages, so that only the package can be imported.

`-B` because Lambda's disk is read-only: no bytecode is written.
"""

_PROGRAMS = Path(__file__).parent / "programs"


class BenchError(Exception):
    """Raised if a call did something else than what is to be measured."""


@dataclass(frozen=True, slots=True)
class Result:
    """A function's response, the modules that its process had imported by then, and the CPU time of the process."""

    response: Mapping[str, Any]
    modules: Sequence[str]
    cpu_seconds: float


class Children:
    """Runs child processes, one at a time.

    Args:
        environment: all of their environment variables.
        directory: for their input and output.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self.log = directory / "child.log"
        """Output of the last process."""
        directory.mkdir(parents=True, exist_ok=True)

    def call(self, package: Path, handler: str, event: Call, options: Sequence[str] = ()) -> Result:
        """Call a packaged function in a fresh process, as Lambda does at a cold start.

        Args:
            package: the unpacked package.
            handler: API or RELAY.
            event: the function's event.
            options: more options of the interpreter.
        """
        event_file, result_file = self._directory / "event.json", self._directory / "result.json"
        event_file.write_text(json.dumps(event))
        result_file.unlink(missing_ok=True)
        files = (str(package), str(event_file), str(result_file))
        seconds = self.program("lambda_call.py", *files, options=options, handler=handler)
        result = json.loads(result_file.read_text())
        return Result(result["response"], result["modules"], seconds)

    def program(self, name: str, *arguments: str, options: Sequence[str] = (), handler: str = API) -> float:
        """Run a program of `programs/`. Returns its CPU seconds."""
        return self.run([*INTERPRETER, *options, str(_PROGRAMS / name), *arguments], handler)

    def run(self, command: Sequence[str], handler: str = API) -> float:
        """Run a command. Returns its CPU seconds, user and system.

        Raises:
            BenchError: it failed.
        """
        environment = {**self._environment, "_HANDLER": handler}
        with self.log.open("wb") as output:
            child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            # wait4 reports this child alone; getrusage adds up all children of this process.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise BenchError(f"{' '.join(command)} exited with {child.returncode}\n{tail(self.log)}")
        return usage.ru_utime + usage.ru_stime


def require(response: Mapping[str, Any], status: int, **fields: object) -> Mapping[str, Any]:
    """Return the JSON body of a response.

    Raises:
        BenchError: it has another status or another value of one of the fields.
    """
    body: Mapping[str, Any] = json.loads(response["body"])
    if response["statusCode"] != status or any(body.get(name) != value for name, value in fields.items()):
        raise BenchError(f"expected {status} {fields}, got {response['statusCode']}: {response['body'][:500]}")
    return body


def require_relayed(response: Mapping[str, Any]) -> None:
    """Check that the relay handled all records.

    Raises:
        BenchError: it returned some for a retry.
    """
    if response != {"batchItemFailures": []}:
        raise BenchError(f"the relay returned {response}")
