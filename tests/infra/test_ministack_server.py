"""The copy of the functions' code that MiniStack's workers share, and the limits that it lacks."""

import asyncio
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.ministack_server import MAX_HIDDEN_SECONDS, CodeFile, limit_visibility, stop_loops


def test_code_file_is_unpacked_once_per_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, text in (("first", "one"), ("repeat", "one"), ("other", "two")):
        (tmp_path / name / "code").mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / name / "code.zip", "w") as written:
            written.writestr(zipfile.ZipInfo("package/module.py"), text)
        with CodeFile(tmp_path / name / "code.zip") as code:
            code.extractall(tmp_path / name / "code")

    read = [(tmp_path / name / "code/package/module.py").read_text() for name in ("first", "repeat", "other")]
    assert read == ["one", "one", "two"]
    first, repeat, other = ((tmp_path / name / "code").readlink() for name in ("first", "repeat", "other"))
    assert first == repeat != other
    assert {first.parent, other.parent} == {tmp_path}


class Queue:
    """A stand-in for MiniStack's module `sqs` with one queue."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.hidden: dict[str, int] = {}
        self._HANDLERS: dict[str, Any] = {}

    def _get_q(self, _url: str) -> dict[str, Any]:
        return {"messages": self.messages}

    async def handle_request(self, _method: str, _path: str, _headers: dict[str, str], body: str) -> Any:
        return self._HANDLERS["SendMessage"]({"QueueUrl": "q", "MessageBody": body}, "")

    def _act_send_message(self, data: dict[str, Any], _url: str) -> dict[str, str]:
        name = f"m{len(self.messages)}"
        self.messages.append({"id": name, "body": data["MessageBody"]})
        return {"MessageId": name}

    def _act_change_visibility_batch(self, data: dict[str, Any], _url: str) -> dict[str, Any]:
        self.hidden |= {entry["Id"]: entry["VisibilityTimeout"] for entry in data["Entries"]}
        return {"Successful": [{"Id": entry["Id"]} for entry in data["Entries"]], "Failed": []}


@pytest.mark.parametrize(("loop", "runs"), [("Terminate", 16), ("Allow", 20)])
def test_stop_loops_ends_a_function_that_feeds_its_queue(loop: str, runs: int) -> None:
    queue, ran, depth = Queue(), list[int](), list[int]()

    def run(*_: Any) -> None:
        ran.append(depth[-1])
        asyncio.run(queue.handle_request("POST", "/", {"depth": str(depth[-1])}, "again"))

    def dropped(_name: str, function: dict[str, Any], rounds: int) -> object:
        return None if rounds <= 16 or function["recursive_loop"] == "Allow" else "dropped"

    functions = SimpleNamespace(
        _run_sqs_batch=run,
        _invoke_depth=SimpleNamespace(set=depth.append),
        _inbound_invoke_depth=lambda headers: int(headers.get("depth", 0)),
        _recursive_loop_drop=dropped,
    )
    stop_loops(queue, functions)
    asyncio.run(queue.handle_request("POST", "/", {}, "first"))
    for _ in range(20):
        functions._run_sqs_batch({"FunctionName": "f"}, {"recursive_loop": loop}, {}, queue.messages[-1:])
    assert ran == list(range(1, runs + 1))


def test_limit_visibility_counts_from_the_first_delivery() -> None:
    queue, now = Queue(), time.time()
    queue.messages = [{"receipt_handle": f"r{age}", "first_receive_at": now - age * 3600} for age in (1, 11)]
    queue.messages.append({"receipt_handle": "new"})
    limit_visibility(queue)
    change = queue._HANDLERS["ChangeMessageVisibilityBatch"]
    entries = [("a", "r1", 7200), ("b", "r11", 3000), ("c", "r11", 7200), ("d", "new", MAX_HIDDEN_SECONDS + 60)]
    asked = [{"Id": name, "ReceiptHandle": receipt, "VisibilityTimeout": left} for name, receipt, left in entries]
    answer = change({"QueueUrl": "q", "Entries": asked}, "")
    assert [each["Id"] for each in answer["Successful"]] == list(queue.hidden) == ["a", "b"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [
        (name, "InvalidParameterValue") for name in "cd"
    ]
    assert "beyond the limit" in answer["Failed"][0]["Message"]
