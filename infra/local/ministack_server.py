"""MiniStack with one copy of the functions' code, and queues as strict as AWS's.

`.venv-cloud` runs this file by its path, without this project. MiniStack unpacks the code for each function worker:
5,800 files, a second of CPU time. Workers only read it, as at AWS, so those after the first get a symbolic link.
"""
# ruff: noqa: ANN401, SLF001  # MiniStack has no types, and no public name for what is replaced here

import importlib
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable
from contextvars import ContextVar
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

_UNPACKING = threading.Lock()


class CodeFile(zipfile.ZipFile):
    """A zip file that is unpacked once, into the temporary directory, however often it is extracted."""

    def extractall(
        self,
        path: str | PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """Replace the empty directory `path` by a link to the unpacked files."""
        if path is None or members is not None or self.filename is None:
            super().extractall(path, members, pwd)
            return
        with _UNPACKING:
            unpacked = Path(tempfile.gettempdir(), f"code-{sha256(Path(self.filename).read_bytes()).hexdigest()}")
            if not unpacked.exists():
                new = Path(tempfile.mkdtemp())
                super().extractall(new, None, pwd)
                new.rename(unpacked)
        Path(path).rmdir()
        Path(path).symlink_to(unpacked)


_ROUNDS: ContextVar[int] = ContextVar("rounds", default=0)
"""The rounds that the function behind the request has gone, 0 outside of functions."""


def stop_loops(queues: Any, functions: Any) -> None:
    """Stop a function that sends messages to itself after 16 rounds, as Lambda does.

    MiniStack counts the rounds of direct invocations only. AWS counts those through queues, too, and leaves the message
    in its queue (docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).

    Args:
        queues: MiniStack's module `sqs`.
        functions: its module `lambda_svc`.
    """
    handle, send, run = queues.handle_request, queues._act_send_message, functions._run_sqs_batch

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        _ROUNDS.set(functions._inbound_invoke_depth(headers))
        return await handle(method, path, headers, *rest)

    def act_send_message(data: dict[str, Any], url: str) -> Any:
        answer = send(data, url)
        for message in queues._get_q(data.get("QueueUrl", url))["messages"]:
            if message["id"] == answer["MessageId"]:
                message["rounds"] = _ROUNDS.get()
        return answer

    def run_sqs_batch(mapping: dict[str, Any], function: dict[str, Any], event: Any, batch: Any, *rest: Any) -> None:
        rounds = 1 + max(message.get("rounds", 0) for message in batch)
        if functions._recursive_loop_drop(mapping["FunctionName"], function, rounds) is None:
            functions._invoke_depth.set(rounds)
            run(mapping, function, event, batch, *rest)

    queues.handle_request, functions._run_sqs_batch = handle_request, run_sqs_batch
    queues._act_send_message = queues._HANDLERS["SendMessage"] = act_send_message


MAX_HIDDEN_SECONDS = 43_200


def limit_visibility(queues: Any) -> None:
    """Refuse to hide a message for more than 12 hours since its first delivery, as SQS does.

    MiniStack takes any time. The message is AWS's own (github.com/localstack/localstack/issues/3956).

    Args:
        queues: MiniStack's module `sqs`.
    """
    change = queues._act_change_visibility_batch

    def change_visibility_batch(data: dict[str, Any], url: str) -> Any:
        now = time.time()
        delivered = {
            message["receipt_handle"]: message.get("first_receive_at") or now
            for message in queues._get_q(data.get("QueueUrl", url))["messages"]
        }
        failed = []
        for entry in data.get("Entries", []):
            seconds = entry.get("VisibilityTimeout", 0)
            if now + seconds > delivered.get(entry["ReceiptHandle"], now) + MAX_HIDDEN_SECONDS:
                reason = f"Total VisibilityTimeout for the message is beyond the limit [{MAX_HIDDEN_SECONDS} seconds]"
                text = f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: {reason}"
                failed.append(
                    {"Id": entry["Id"], "Code": "InvalidParameterValue", "Message": text, "SenderFault": True}
                )
        refused = {each["Id"] for each in failed}
        kept = [entry for entry in data.get("Entries", []) if entry["Id"] not in refused]
        answer = change({**data, "Entries": kept}, url) if kept or not failed else {"Successful": [], "Failed": []}
        return {**answer, "Failed": [*answer["Failed"], *failed]}

    queues._HANDLERS["ChangeMessageVisibilityBatch"] = change_visibility_batch


if __name__ == "__main__":
    zipfile.ZipFile = CodeFile  # type: ignore[misc]
    sqs = importlib.import_module("ministack.services.sqs")
    stop_loops(sqs, importlib.import_module("ministack.services.lambda_svc"))
    limit_visibility(sqs)
    sys.exit(importlib.import_module("ministack.app").main())
