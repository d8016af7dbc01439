"""Processes that run the packaged code as Lambda does, and the CPU that they take."""

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
"""The packaged functions, as Lambda names their handlers."""

INTERPRETER = (sys.executable, "-B")
"""The environment's own. `-B`: like Lambda's read-only disk, it keeps nothing that it compiles."""

BARE = ("-I", "-S")
"""Without the environment's packages: what is not in the package cannot be imported."""

_PROGRAMS = Path(__file__).parent / "programs"


class BenchError(Exception):
    """Something did not do what is to be measured; the message says what it did instead."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a function answered, which modules its process had imported by then, and the CPU of it all."""

    answer: Mapping[str, Any]
    modules: Sequence[str]
    cpu_seconds: float


class Children:
    """Starts them, one at a time.

    Args:
        environment: all of their environment variables.
        directory: for their input and output.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def call(self, package: Path, handler: str, event: Call, options: Sequence[str] = ()) -> Result:
        """Call a packaged function in a fresh process, as Lambda does when it is cold.

        Args:
            package: the directory where the package is unpacked.
            handler: API or RELAY.
            event: what it is called with.
            options: of the interpreter.
        """
        asked, answered = self._directory / "event.json", self._directory / "answer.json"
        asked.write_text(json.dumps(event))
        answered.unlink(missing_ok=True)
        files = (str(package), str(asked), str(answered))
        seconds = self.program("lambda_call.py", *files, options=options, handler=handler)
        said = json.loads(answered.read_text())
        return Result(said["answer"], said["modules"], seconds)

    def program(self, name: str, *arguments: str, options: Sequence[str] = (), handler: str = API) -> float:
        """Run one of our programs; the CPU that it took, in seconds."""
        return self.run([*INTERPRETER, *options, str(_PROGRAMS / name), *arguments], handler)

    def run(self, command: Sequence[str], handler: str = API) -> float:
        """Run anything; the CPU that it took, the user's and the system's, in seconds.

        Raises:
            BenchError: it failed.
        """
        log = self._directory / "child.log"
        environment = {**self._environment, "_HANDLER": handler}
        with log.open("wb") as output:
            child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            # This child's usage alone: getrusage would add up all children that there ever were.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise BenchError(f"{' '.join(command)} ended with {child.returncode}\n{tail(log)}")
        return usage.ru_utime + usage.ru_stime


def require(answer: Mapping[str, Any], status: int, **facts: object) -> Mapping[str, Any]:
    """The answer's JSON body.

    Raises:
        BenchError: the status or one of the facts is another: what was measured is something else.
    """
    body: Mapping[str, Any] = json.loads(answer["body"])
    if answer["statusCode"] != status or any(body.get(name) != fact for name, fact in facts.items()):
        raise BenchError(f"expected {status} {facts}, got {answer['statusCode']}: {answer['body'][:500]}")
    return body
