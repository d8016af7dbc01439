"""The packaged functions in this process, driven by HTTP requests, stream records, queue messages and Stripe events."""

import hashlib
import hmac
import importlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode, urljoin

import urllib3
from chalice.test import Client
from msgspec.structs import replace
from uuid_utils import uuid7

from tests.recorded.backends import WEBHOOK_SECRET, Backends

Item = Mapping[str, Mapping[str, Any]]

SUBSCRIBED = (
    *("checkout.session.*", "charge.refunded", "refund.*", "charge.dispute.*"),
    *("invoice.paid", "invoice.payment_failed", "customer.subscription.*"),
)
"""Types of Stripe events that the webhook is registered for."""

HEADERS = ("cache-control", "content-type", "etag", "idempotent-replayed", "retry-after", "vary", "www-authenticate")
"""Response headers that are recorded."""

_FORM = re.compile(rb'<form[^>]*\baction="([^"]+)"')
_HTTP = urllib3.PoolManager(timeout=30, retries=False)


class Harness:
    """Runs steps and keeps what they answered and published, in order.

    After each step that may write, the new stream records go through the relay: nothing is left to publish when a
    step ends.
    """

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._sqs = backends.client("sqs")
        self._tokens: dict[tuple[str, str], str] = {}
        self._seen: dict[tuple[str, str], Item] = {}
        self._delivered: set[str] = set()
        self.economy = ""
        self.answers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.control("PUT", "/knobs", {"deliver": False})

    def load(self, catalogue: str) -> None:
        """Import the app afresh with this catalogue, as a new execution environment would."""
        self.economy = catalogue
        os.environ |= self._backends.settings(catalogue)
        for name in [name for name in sys.modules if name == "app" or name.split(".")[0] == "chalicelib"]:
            del sys.modules[name]
        self._client = Client(importlib.import_module("app").app)
        self._use_loopback()

    def _use_loopback(self) -> None:
        """Set the addresses of the servers here. The stage `test` refuses to read them, because they have no TLS."""
        services = importlib.import_module("chalicelib.services").services
        services.settings = replace(services.settings, **self._backends.addresses)

    def get(self, path: str, fan: str = "", scope: str = "", **query: object) -> Any:
        """Send a GET request; returns the answer's body."""
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path, None, fan=fan, scope=scope)

    def post(self, path: str, body: object, fan: str = "", scope: str = "", key: str | None = None) -> Any:
        """Send a POST request with a fresh idempotency key unless one is given; returns the answer's body."""
        return self.call("POST", path, body, fan=fan, scope=scope, headers={"Idempotency-Key": key or str(uuid7())})

    def put(self, path: str, body: object, fan: str) -> Any:
        """Send a PUT request; returns the answer's body."""
        return self.call("PUT", path, body, fan=fan)

    def call(
        self,
        method: str,
        path: str,
        body: object,
        fan: str = "",
        scope: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request, record its answer and relay what it posted. Bytes go out as they are."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        sent |= {"Authorization": f"Bearer {self._token(fan, scope)}"} if fan else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        reply = self._client.http.request(method, path, headers=sent | dict(headers or {}), body=raw)
        kept = {name.lower(): value for name, value in reply.headers.items() if name.lower() in HEADERS}
        is_json = "json" in kept.get("content-type", "")
        shown = json.loads(reply.body) if is_json else f"<{len(reply.body) > 0 and 'body'}>"
        asked: dict[str, Any] = {"economy": self.economy, "request": f"{method} {path}"}
        asked |= {"fan": fan} if fan else {}
        asked |= {"sent": body} if body is not None and not isinstance(body, bytes) else {}
        self.answers.append(asked | {"status": reply.status_code, "headers": kept, "answer": shown})
        if method != "GET":
            self.relay()
        return shown

    def wake(self, worker: str) -> None:
        """Run a scheduled worker and record its result."""
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "time": "", "account": "", "region": ""}
        event |= {"resources": [], "detail": {}, "version": "0", "id": ""}  # type: ignore[dict-item]  # Chalice reads it
        result = self._client.lambda_.invoke(worker, event).payload
        self.answers.append({"economy": self.economy, "worker": worker, "result": result})
        self.relay()

    def set_watermarks(self, *workers: str) -> None:
        """Say that these workers came as far as 15 minutes ago: else they read every shard of two days' hours."""
        at = (datetime.now(UTC) - timedelta(minutes=15)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for worker in workers:
            key = f"WATERMARK#{worker}", "WATERMARK"
            self._backends.table.items[key] = {"PK": {"S": key[0]}, "SK": {"S": key[1]}, "at": {"S": at}}

    def end_streaks(self, seconds: float = 20) -> None:
        """Hand the timer's messages to their worker until it published the end of one more streak."""
        deadline, before = time.monotonic() + seconds, self._ended_streaks()
        while self._ended_streaks() == before:
            if time.monotonic() > deadline:
                raise TimeoutError("no streak ended")
            messages = self._receive(self._backends.streaks, wait=1)
            records = [
                {
                    "messageId": each["MessageId"],
                    "receiptHandle": each["ReceiptHandle"],
                    "body": each["Body"],
                    "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": f"{int(time.time() * 1000)}"},
                    "eventSource": "aws:sqs",
                }
                for each in messages
            ]
            if records:
                result = self._client.lambda_.invoke("streaks", {"Records": records}).payload
                kept = {each["itemIdentifier"] for each in result["batchItemFailures"]}
                self._delete(self._backends.streaks, [each for each in messages if each["MessageId"] not in kept])
                self.relay()

    def _ended_streaks(self) -> int:
        return sum(event["body"]["type"].endswith("streak_ended.v1") for event in self.events)

    def relay(self) -> None:
        """Relay new stream records until the table stays as it is, then collect the published messages."""
        while records := self._new_records():
            self._work("relay", {"Records": records})
        while messages := self._take(self._backends.inbox):
            for each in messages:
                attributes = {
                    name: [value["DataType"], value["StringValue"]]
                    for name, value in sorted(each.get("MessageAttributes", {}).items())
                }
                event = {"economy": self.economy, "attributes": attributes, "body": json.loads(each["Body"])}
                self.events.append(event)

    def scan(self) -> list[Item]:
        """Return every row of the table."""
        return [*self._backends.table.items.values()]

    def pay(self, url: str, outcome: str = "card", *, lost: bool = False) -> None:
        """Pay on the provider's page, then deliver its events, or lose them all."""
        self._submit(url, {"outcome": outcome})
        if lost:
            self._delivered |= {event["id"] for event in self.stripe_events()}
        self.deliver()

    def choose(self, url: str, choice: str) -> None:
        """Submit the billing portal's form, then deliver the provider's events."""
        self._submit(url, {"choice": choice})
        self.deliver()

    def _submit(self, url: str, fields: Mapping[str, str]) -> None:
        form = _FORM.search(_HTTP.request("GET", url).data)
        if form is None:
            raise ValueError(f"no form at {url}")
        action = urljoin(url, form[1].decode())
        answer = _post_form(action, fields)
        if answer.status not in {303, 402}:
            raise ValueError(f"{answer.status} from {action}")

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Use the Stripe sandbox's control API."""
        raw = None if body is None else json.dumps(body).encode()
        url = f"{self._backends.stripe}/_sandbox{path}"
        answer = _HTTP.request(method, url, body=raw, headers={"Content-Type": "application/json"})
        if answer.status != 200:
            raise ValueError(f"{answer.status} from {url}: {answer.data!r}")
        return json.loads(answer.data)

    def stripe_events(self) -> list[dict[str, Any]]:
        """Stripe's events, oldest first."""
        return [each["event"] for each in self.control("GET", "/events")["events"]]

    def deliver(self) -> None:
        """Deliver Stripe's new events, signed, in their order."""
        for event in self.stripe_events():
            if event["id"] in self._delivered:
                continue
            self._delivered.add(event["id"])
            if any(fnmatchcase(event["type"], pattern) for pattern in SUBSCRIBED):
                self.send(event)

    def send(self, event: Mapping[str, Any], secret: str = WEBHOOK_SECRET) -> None:
        """Deliver one event of Stripe's, and record its type with the answer."""
        body, now = json.dumps(event).encode(), int(time.time())
        digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": f"t={now},v1={digest}"}
        self.call("POST", "/v1/webhooks/stripe", body, headers=headers)
        self.answers[-1]["stripe_event"] = event["type"]

    def _token(self, fan: str, scope: str) -> str:
        if (fan, scope) not in self._tokens:
            fields = {"sub": fan, "scope": scope}
            answer = _post_form(f"{self._backends.issuer}/token", fields)
            self._tokens[fan, scope] = json.loads(answer.data)["access_token"]
        return self._tokens[fan, scope]

    def _take(self, queue: str) -> list[dict[str, Any]]:
        messages = self._receive(queue)
        self._delete(queue, messages)
        return messages

    def _receive(self, queue: str, wait: int = 0) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait, MessageAttributeNames=["All"]
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _delete(self, queue: str, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def _work(self, worker: str, event: Mapping[str, Any]) -> None:
        result = self._client.lambda_.invoke(worker, dict(event)).payload
        if result and result.get("batchItemFailures"):
            raise ValueError(f"{worker} left {result}")

    def _new_records(self) -> list[dict[str, Any]]:
        """Stream records of what changed since the last look: entries that became posted, wallets with a budget."""
        before, now = self._seen, {(item["PK"]["S"], item["SK"]["S"]): item for item in self.scan()}
        self._seen = now
        changed = [key for key, item in now.items() if before.get(key) != item and _is_relayed(before.get(key), item)]
        changed.sort(key=lambda key: (now[key].get("journal_at", {}).get("S", ""), key))
        return [_record(key, before.get(key), now[key]) for key in changed]


def _post_form(url: str, fields: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return _HTTP.request("POST", url, headers=headers, body=urlencode(fields), redirect=False)


def _is_relayed(old: Item | None, new: Item) -> bool:
    """Apply the event source mapping's filter."""
    if new["SK"]["S"].startswith("ENTRY#"):
        posted = {"S": "posted"}
        return new.get("status") == posted and (old is None or old.get("status") != posted)
    return new["SK"]["S"] == "WALLET" and old is not None and "budget" in new


def _record(key: tuple[str, str], old: Item | None, new: Item) -> dict[str, Any]:
    images: dict[str, Any] = {"NewImage": new} if old is None else {"NewImage": new, "OldImage": old}
    change = {"Keys": {"PK": new["PK"], "SK": new["SK"]}, "SequenceNumber": "|".join(key), **images}
    change["ApproximateCreationDateTime"] = time.time()
    return {
        "eventID": "|".join(key),
        "eventName": "INSERT" if old is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": change,
    }
