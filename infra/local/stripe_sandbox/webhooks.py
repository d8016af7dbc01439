"""Signed webhook delivery, retried until the endpoint responds 2xx, with the faults that the knobs set.

Drops and delays depend on the seed and the delivery's number, not on thread timing.
"""

import heapq
import json
import random
import threading
import time
from collections.abc import Sequence
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from stripe import WebhookSignature

from .events import Attempt, Delivery, Event
from .knobs import Knobs
from .store import Store

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


def sign(payload: str, webhook_secrets: Sequence[str], timestamp: int) -> str:
    """Build the `Stripe-Signature` header, with one `v1=` for each secret, as Stripe does while secrets rotate."""
    headers = [WebhookSignature.generate_signature_header(payload, secret, timestamp) for secret in webhook_secrets]
    return ",".join([f"t={timestamp}", *(header.split(",", 1)[1] for header in headers)])


def post(url: str, payload: str, webhook_secrets: Sequence[str], timeout_seconds: float) -> int | None:
    """Send one signed event. Returns the HTTP status, None if no response came in time."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        # By the machine's clock, not the sandbox's: receivers reject timestamps far from their own.
        "Stripe-Signature": sign(payload, webhook_secrets, int(time.time())),
    }
    request = Request(url, data=payload.encode(), headers=headers, method="POST")  # noqa: S310
    try:
        with urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
            return int(response.status)
    except HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException):
        return None


class WebhookSender:
    """The threads that deliver events to the webhook endpoint."""

    def __init__(self, store: Store, knobs: Knobs, url: str, webhook_secrets: Sequence[str], workers: int = 4) -> None:
        self._store = store
        self._knobs = knobs
        self.url = url
        self.secrets = list(webhook_secrets)
        self._changed = threading.Condition(store.lock)
        # A heap by due time.
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._in_flight: list[Delivery] = []
        self._count = 0
        self._stopped = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def start(self) -> None:
        """Subscribe to the store's events and start the threads."""
        self._store.on_event = self.enqueue
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the threads after their current requests. Other deliveries are not sent."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def clear(self) -> None:
        """Drop the waiting deliveries and restart their numbering."""
        with self._changed:
            self._waiting.clear()
            self._count = 0
            self._changed.notify_all()

    def enqueue(self, event: Event) -> None:
        """Schedule the event's copies for each endpoint, as the knobs say. Does nothing while `deliver` is off."""
        with self._changed:
            if not self._knobs.deliver:
                return
            endpoint_ids = [""] if self.url and self._knobs.is_enabled(event.type) else []
            endpoint_ids += [each.id for each in self._store.webhook_endpoints.values() if each.takes(event.type)]
            for endpoint_id in endpoint_ids:
                for _ in range(1 + self._knobs.duplicates):
                    self._schedule(event, endpoint_id)
            self._changed.notify_all()

    def wait_idle(self, timeout_seconds: float) -> int:
        """Wait until no delivery is waiting or in flight. Returns the number that still are after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._in_flight, timeout_seconds)
            return len(self._waiting) + len(self._in_flight)

    def _schedule(self, event: Event, endpoint_id: str) -> None:
        self._count += 1
        rng = random.Random(f"{self._knobs.seed}:{self._count}")  # noqa: S311
        delay = self._knobs.delay_seconds + rng.uniform(0, self._knobs.reorder_seconds)
        due_at = time.time() + delay
        delivery = Delivery(number=self._count, event_id=event.id, due_at=due_at, endpoint_id=endpoint_id)
        event.deliveries.append(delivery)
        if rng.uniform(0, 100) < self._knobs.drop_percent:
            delivery.state = "dropped"
        else:
            self._push(delivery)

    def _push(self, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, (delivery.due_at, delivery.number, delivery))

    def _work(self) -> None:
        while (delivery := self._take_due()) is not None:
            self._attempt(delivery)

    def _take_due(self) -> Delivery | None:
        """Wait for a due delivery and take it. Returns None when the sender stops."""
        with self._changed:
            while not self._stopped:
                delay = self._waiting[0][0] - time.time() if self._waiting else None
                if delay is not None and delay <= 0:
                    delivery = heapq.heappop(self._waiting)[2]
                    self._in_flight.append(delivery)
                    return delivery
                self._changed.wait(delay)
        return None

    def _attempt(self, delivery: Delivery) -> None:
        with self._changed:
            event = self._store.events.get(delivery.event_id)
            url, secrets = self._target(delivery)
            payload = json.dumps(event.to_json(), indent=2) if event and url else None
            timeout = self._knobs.post_timeout_seconds
        status = post(url, payload, secrets, timeout) if payload else None
        with self._changed:
            self._in_flight.remove(delivery)
            delivery.attempts.append(Attempt(at=time.time(), status=status))
            if not url:
                delivery.state = "dropped"
            elif status is not None and 200 <= status < 300:
                delivery.state = "delivered"
            elif event is not None and self._store.events.get(event.id) is event:
                self._retry(delivery)
            self._changed.notify_all()

    def _target(self, delivery: Delivery) -> tuple[str, list[str]]:
        """Return the URL and the signing secrets of a delivery's endpoint; no URL if it was deleted."""
        if not delivery.endpoint_id:
            return self.url, list(self.secrets)
        endpoint = self._store.webhook_endpoints.get(delivery.endpoint_id)
        return (endpoint.url, [endpoint.secret]) if endpoint else ("", [])

    def _retry(self, delivery: Delivery) -> None:
        attempts = len(delivery.attempts)
        if attempts >= self._knobs.max_attempts:
            delivery.state = "failed"
            return
        backoff = min(self._knobs.retry_seconds * 2 ** (attempts - 1), self._knobs.retry_max_seconds)
        delivery.due_at = time.time() + backoff
        self._push(delivery)
