"""The pace of a background worker's requests to Stripe, and its pauses after rate limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import stripe

from chalicelib.adapters.stripe.client import PAUSES_SECONDS, TIMEOUTS_SECONDS, PacedConnections
from chalicelib.adapters.stripe.pace import LONGEST_PAUSE_SECONDS, Pace
from chalicelib.errors import TryAgain
from tests.adapters.stripe_lab import Lab


@dataclass
class Stopwatch:
    """A monotonic clock that only sleep moves. `slept` has each sleep."""

    at: float = 100.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def paced_lab(lab: Lab, watch: Stopwatch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab with a paced gateway."""
    paced = PacedConnections(TIMEOUTS_SECONDS, Pace(20, watch.monotonic, watch.sleep))
    monkeypatch.setattr(lab.gateway, "_http", paced)
    yield lab
    paced.close()  # type: ignore[no-untyped-call]  # Stripe leaves it so


def limited(lab: Lab, times: int, **answer: object) -> None:
    lab.control("PUT", "/knobs", fail_next={"times": times, "status": 429, **answer})


def test_pace_begins_no_more_requests_in_a_second_than_told(watch: Stopwatch) -> None:
    pace = Pace(20, watch.monotonic, watch.sleep)
    begins = []
    for _ in range(60):
        pace.wait()
        begins.append(watch.at)
    assert all(later - begin >= 1 - 1e-6 for begin, later in zip(begins, begins[20:], strict=False))
    assert watch.at == pytest.approx(100 + 59 / 20)


def test_pace_after_a_rest_saves_nothing_up(watch: Stopwatch) -> None:
    pace = Pace(20, watch.monotonic, watch.sleep)
    watch.at += 60
    for _ in range(3):
        pace.wait()
    assert watch.slept == pytest.approx([0.05, 0.05])


def test_pace_held_for_long_raises_until_the_pause_is_over(watch: Stopwatch) -> None:
    pace = Pace(20, watch.monotonic, watch.sleep)
    pace.hold(LONGEST_PAUSE_SECONDS + 60)
    with pytest.raises(stripe.RateLimitError):
        pace.wait()
    watch.at += 60
    pace.wait()
    assert watch.slept == [LONGEST_PAUSE_SECONDS]


def test_paced_request_waits_as_long_as_retry_after_says(paced_lab: Lab, watch: Stopwatch) -> None:
    limited(paced_lab, 1, retry_after=7)
    assert paced_lab.gateway.find_purchase_ref("pi_1") is None
    assert watch.slept == [7]


def test_paced_request_without_retry_after_waits_longer_each_time(paced_lab: Lab, watch: Stopwatch) -> None:
    limited(paced_lab, 3)
    assert paced_lab.gateway.find_purchase_ref("pi_1") is None
    assert len(watch.slept) == 3
    assert all(pause / 2 <= slept <= pause for slept, pause in zip(watch.slept, PAUSES_SECONDS, strict=False))


def test_paced_request_that_stays_limited_raises_try_again(paced_lab: Lab, watch: Stopwatch) -> None:
    limited(paced_lab, len(PAUSES_SECONDS) + 1)
    with pytest.raises(TryAgain):
        paced_lab.gateway.find_purchase_ref("pi_1")
    assert len(watch.slept) == len(PAUSES_SECONDS)
    assert paced_lab.gateway.find_purchase_ref("pi_1") is None


def test_paced_request_is_not_sent_during_a_longer_pause(paced_lab: Lab, watch: Stopwatch) -> None:
    limited(paced_lab, 1, retry_after=600)
    for _ in range(2):
        with pytest.raises(TryAgain):
            paced_lab.gateway.find_purchase_ref("pi_1")
    assert (watch.slept, len(paced_lab.control("GET", "/requests")["requests"])) == ([], 1)


def test_paced_request_for_a_locked_object_delays_no_other(paced_lab: Lab, watch: Stopwatch) -> None:
    limited(paced_lab, 1, code="lock_timeout")
    with pytest.raises(TryAgain):
        paced_lab.gateway.find_purchase_ref("pi_1")
    assert watch.slept == []


def test_paced_request_on_a_dead_connection_is_repeated_at_its_pace(paced_lab: Lab, watch: Stopwatch) -> None:
    paced_lab.gateway.find_purchase_ref("pi_1")
    paced_lab.control("PUT", "/knobs", dead_connections=1)
    watch.at += 60
    paced_lab.gateway.find_purchase_ref("pi_1")
    assert watch.slept == pytest.approx([0.05])
