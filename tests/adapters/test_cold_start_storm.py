"""Cold starts of 200 functions at once, against an SSM and an issuer with the quotas of AWS and of a small issuer.

Each function is a thread with its own `Services`. Time is virtual: it passes when all threads wait for it.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import count
from threading import Event, Lock
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from stripe import WebhookSignature

from chalicelib.adapters.aws.secrets import TRIES_SECONDS, SsmSecrets
from chalicelib.adapters.tokens.issuer_keys import IssuerKeys
from chalicelib.adapters.tokens.verifier import JwtVerifier
from chalicelib.services import Services
from infra.local import loopback
from tests.adapters import ssm_lab
from tests.adapters.tokens_lab import AUDIENCE, ISSUER, Issuer, claims, ignore
from tests.adapters.webhooks_lab import NOW, SECRET, an_event
from tests.fakes import START
from tests.http.api import SETTINGS
from tests.stores import cloud_at

pytestmark = pytest.mark.untraced

FUNCTIONS = 200
SSM_RATE, JWKS_RATE = 40, 100
PATIENT_SECONDS = 60
"""Limit of a fetch in real time, in place of 2 s: this process does the work of all functions and of the issuer."""


class VirtualTime:
    """Seconds that pass when every running thread sleeps. A thread that waits for another one's sleep counts as one."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._now = 0.0
        self._sleepers: list[tuple[float, int, Event]] = []
        self._numbers = count()
        self._lock = Lock()

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        woken = Event()
        with self._lock:
            heappush(self._sleepers, (self._now + seconds, next(self._numbers), woken))
            self._pass()
        woken.wait()

    def leave(self) -> None:
        """End one thread."""
        with self._lock:
            self._threads -= 1
            self._pass()

    def _pass(self) -> None:
        if self._sleepers and len(self._sleepers) == self._threads:
            self._now, _, woken = heappop(self._sleepers)
            woken.set()


class Quota:
    """A token bucket of one second, as AWS throttles."""

    def __init__(self, rate: int, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = Lock()
        self._left, self._at = float(rate), monotonic()
        self.refused = 0

    def takes(self) -> bool:
        with self._lock:
            now = self._monotonic()
            self._left, self._at = min(self._rate, self._left + (now - self._at) * self._rate), now
            if self._left < 1:
                self.refused += 1
                return False
            self._left -= 1
            return True


class Storm:
    """The doubles, and the functions that start at the same time."""

    def __init__(self, issuer: Issuer, url: str, time: VirtualTime, ssm: Quota) -> None:
        self.issuer, self.time = issuer, time
        self._url, self._ssm = url, ssm

    def function(self, *, reads_secrets: bool) -> Services:
        """A function whose adapters wait in virtual time."""
        services, monotonic, sleep = Services(), self.time.monotonic, self.time.sleep
        services.settings = SETTINGS
        keys = IssuerKeys(self._url, on_stale=ignore, timeout_seconds=PATIENT_SECONDS, monotonic=monotonic, sleep=sleep)
        services.tokens = JwtVerifier(issuer=ISSUER, audiences=(AUDIENCE,), keys=keys)
        if reads_secrets:
            secrets = SsmSecrets("test", livemode=False, on_stale=ignore, monotonic=monotonic, sleep=sleep)
            ssm_lab.intercept(secrets, self._respond)
            services.secrets = secrets
        return services

    def _respond(self, url: str) -> AWSResponse:
        if not self._ssm.takes():
            return ssm_lab.error_response(url, 400, "ThrottlingException")
        found = [{"Name": "/coinpurse/test/stripe_webhook_secrets", "Value": json.dumps([SECRET])}]
        return ssm_lab.response(url, 200, {"Parameters": found, "InvalidParameters": []})


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime(FUNCTIONS)


@pytest.fixture
def jwks(time: VirtualTime) -> Quota:
    return Quota(JWKS_RATE, time.monotonic)


@pytest.fixture
def ssm(time: VirtualTime) -> Quota:
    return Quota(SSM_RATE, time.monotonic)


@pytest.fixture
def storm(time: VirtualTime, jwks: Quota, ssm: Quota) -> Iterator[Storm]:
    issuer = Issuer()

    def limited(environ: Any, start_response: Any) -> Any:
        if jwks.takes():
            return issuer(environ, start_response)
        start_response("429 Too Many Requests", [])
        return [b""]

    with cloud_at(None), loopback.running(lambda _url: limited) as url:
        yield Storm(issuer, url, time, ssm)


def start_at_once(storm: Storm, act: Callable[[Services], object], *, reads_secrets: bool) -> list[float]:
    """Run the act in all functions. Returns the seconds at which they ended; an error of one is raised."""
    functions = [storm.function(reads_secrets=reads_secrets) for _ in range(FUNCTIONS)]

    def run(services: Services) -> float:
        try:
            act(services)
            return storm.time.monotonic()
        finally:
            storm.time.leave()

    with ThreadPoolExecutor(FUNCTIONS) as executor:
        return list(executor.map(run, functions))


def test_200_functions_answer_within_ten_seconds(storm: Storm, ssm: Quota) -> None:
    token = storm.issuer.sign(claims())
    payload = json.dumps(an_event())
    signature = WebhookSignature.generate_signature_header(payload, SECRET, NOW)

    def answer(services: Services) -> None:
        assert services.gateway.read_event(payload.encode(), signature, START).stripe_event_id == "evt_1"
        assert services.tokens.verify(token).user_id == "ann"

    ended = start_at_once(storm, answer, reads_secrets=True)
    assert max(ended) <= TRIES_SECONDS < 10
    assert ssm.refused > FUNCTIONS - SSM_RATE


def test_200_functions_fetch_the_keys_within_two_seconds(storm: Storm, jwks: Quota) -> None:
    token = storm.issuer.sign(claims())

    ended = start_at_once(storm, lambda services: services.tokens.verify(token), reads_secrets=False)
    assert max(ended) <= 2
    assert jwks.refused >= FUNCTIONS - JWKS_RATE
