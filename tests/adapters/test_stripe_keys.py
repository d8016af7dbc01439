"""Idempotency keys at Stripe: errors that Stripe keeps, connections that died, keys of the first release."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import stripe
from msgspec.structs import replace

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.stripe.keys import LAST_CALL_SECONDS, MAX_KEYS, keys_of, walk
from chalicelib.domain.purchases import FORMER_KEY_FORM, KEY_FORM
from chalicelib.errors import TryAgain
from tests.adapters.samples import a_membership, new_id
from tests.adapters.stripe_lab import Lab, todays_purchase

USER = "ann@example.com"
KEYS = keys_of("checkout", USER, "purchase", KEY_FORM)
Open = Callable[[], str | None]


@pytest.fixture(params=["checkout", "membership"])
def open_again(request: pytest.FixtureRequest, lab: Lab) -> Open:
    """A call that opens one session, at first and as a repeat, and returns its address."""
    now = SystemClock().now()
    if request.param == "checkout":
        purchase = todays_purchase()
        return lambda: lab.gateway.open_session(purchase).url
    membership = replace(a_membership(), membership_id=new_id(now), created_at=now)
    return lambda: lab.members.open_session(membership)


def fail_next(lab: Lab, times: int = 1, *, after_work: bool = False, path: str = "/v1/checkout") -> None:
    plan = {"times": times, "status": 500, "after_work": after_work, "method": "POST", "path": path}
    lab.control("PUT", "/knobs", fail_next=plan)


def keys_sent(lab: Lab) -> list[tuple[str, int, bool]]:
    """Return the last part of each key that was sent, with the status and if Stripe replayed its answer."""
    log = lab.control("GET", "/requests")["requests"]
    return [(each["idempotency_key"].rpartition("/")[2], each["status"], each["replayed"]) for each in log]


# --- with Stripe's client, against the sandbox ------------------------------------------------------------------------


@pytest.mark.parametrize("after_work", [False, True], ids=["work_not_done", "work_done"])
def test_open_session_after_a_kept_error_ends_in_one_payable_session(
    lab: Lab, open_again: Open, after_work: bool
) -> None:
    fail_next(lab, after_work=after_work)
    url = open_again()
    assert url is not None
    assert keys_sent(lab) == [("1", 500, False), ("1", 500, True), ("2", 200, False)]
    assert open_again() == url
    assert keys_sent(lab)[3:] == [("1", 500, True), ("2", 200, True)]
    payable = [session for session in lab.sandbox.store.sessions.values() if session.url == url]
    assert [session.status for session in payable] == ["open"]
    assert len(lab.sandbox.store.sessions) == 1 + after_work, "nobody got the address of the one behind the error"


def test_open_session_at_once_by_many_gives_out_one_address(lab: Lab, open_again: Open) -> None:
    fail_next(lab, times=2, after_work=True)

    def open_until_answered(_: int) -> str | None:
        while True:
            try:
                return open_again()
            except TryAgain:
                continue  # another request has the key

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(open_until_answered, range(8)))) == 1


def test_open_session_with_every_key_failed_raises_try_again(lab: Lab, open_again: Open) -> None:
    fail_next(lab, times=MAX_KEYS, after_work=True)
    for _ in range(2):
        with pytest.raises(TryAgain):
            open_again()
    assert [(key, replayed) for key, _, replayed in keys_sent(lab)[-MAX_KEYS:]] == [
        (str(number + 1), True) for number in range(MAX_KEYS)
    ]


def test_open_session_while_stripe_is_down_uses_the_first_key_only(lab: Lab, open_again: Open) -> None:
    lab.control("PUT", "/knobs", down=True)
    with pytest.raises(TryAgain):
        open_again()
    lab.control("PUT", "/knobs", down=False)
    assert open_again() is not None
    assert [key for key, _, _ in keys_sent(lab)] == ["1", "1", "1"]


def test_open_portal_after_a_kept_error_uses_the_next_key(lab: Lab) -> None:
    customer = lab.unrelated_client().v1.customers.create()
    fail_next(lab, path="/v1/billing_portal")
    assert lab.members.open_portal(customer.id).startswith(lab.sandbox.url)
    assert keys_sent(lab)[1:] == [("1", 500, False), ("1", 500, True), ("2", 200, False)]


def test_open_session_on_a_dead_connection_repeats_at_once(lab: Lab, open_again: Open) -> None:
    url = open_again()
    lab.control("PUT", "/knobs", dead_connections=1)
    assert open_again() == url
    assert lab.control("GET", "/knobs")["dead_connections"] == 0
    assert [key for key, _, _ in keys_sent(lab)] == ["1", "1"]


def test_read_money_on_a_dead_connection_repeats_at_once(lab: Lab) -> None:
    payment = lab.pay(todays_purchase())
    lab.control("PUT", "/knobs", dead_connections=1)
    assert lab.gateway.read_money(payment).captured_minor == 529


# --- the walk ---------------------------------------------------------------------------------------------------------


@dataclass
class ScriptedStripe:
    """Stripe with a final answer to each key: 200, or the status of an error. `passing` errors come first, unkept."""

    final: Sequence[int | None]
    passing: list[int] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def send(self, key: str) -> str:
        is_repeat = key in self.sent
        self.sent.append(key)
        if self.passing:
            raise stripe.APIError(http_status=self.passing.pop(0))
        status = self.final[KEYS.index(key)]
        if status == 200:
            return f"session of {key}"
        raise stripe.APIError(http_status=status, headers={"Idempotent-Replayed": "true"} if is_repeat else {})

    def numbers(self) -> list[int]:
        return [KEYS.index(key) + 1 for key in self.sent]


@pytest.mark.parametrize("failed", range(MAX_KEYS))
def test_walk_ends_at_the_first_success_for_everybody(failed: int) -> None:
    scripted = ScriptedStripe([500] * failed + [200] * (MAX_KEYS - failed))
    assert {walk(KEYS, scripted.send) for _ in range(3)} == {f"session of {KEYS[failed]}"}
    assert max(scripted.numbers()) == failed + 1, "no later key is used, whose session would be payable too"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 429, None])
def test_walk_ends_at_an_error_that_is_no_server_error(status: int | None) -> None:
    scripted = ScriptedStripe([500, status, 200, 200, 200])
    for _ in range(2):
        with pytest.raises(stripe.APIError) as raised:
            walk(KEYS, scripted.send)
        assert raised.value.http_status == status
    assert set(scripted.numbers()) == {1, 2}


def test_walk_of_a_server_error_that_is_not_kept_stays_at_its_key() -> None:
    scripted = ScriptedStripe([200] * MAX_KEYS, passing=[500, 503])
    with pytest.raises(stripe.APIError):
        walk(KEYS, scripted.send)
    assert walk(KEYS, scripted.send) == f"session of {KEYS[0]}"
    assert scripted.numbers() == [1, 1, 1]


def test_walk_begins_no_call_when_time_is_up() -> None:
    scripted, times = ScriptedStripe([500] * MAX_KEYS), [0.0, LAST_CALL_SECONDS - 0.1, LAST_CALL_SECONDS]
    with pytest.raises(stripe.APIError):
        walk(KEYS, scripted.send, monotonic=lambda: times.pop(0))
    assert scripted.numbers() == [1, 1]


# --- the keys ---------------------------------------------------------------------------------------------------------


def test_keys_of_holds_no_user_id_and_differs_by_each_part() -> None:
    others = [("membership", USER, "purchase"), ("checkout", "bob", "purchase"), ("checkout", USER, "another")]
    sets = [KEYS, *(keys_of(*other, KEY_FORM) for other in others)]
    assert len({key for keys in sets for key in keys}) == len(sets) * MAX_KEYS
    assert not any("ann" in key for key in KEYS)
    longest = keys_of("membership", "f" * 128, new_id(), FORMER_KEY_FORM)
    assert max(map(len, longest)) <= 255, "Stripe takes no longer ones"


def test_open_session_of_a_row_of_the_first_release_keeps_its_key(lab: Lab) -> None:
    purchase = todays_purchase(key_form=FORMER_KEY_FORM)
    fail_next(lab)
    assert lab.gateway.open_session(purchase) == lab.gateway.open_session(purchase)
    sent = [each["idempotency_key"] for each in lab.control("GET", "/requests")["requests"]]
    former = f"checkout/{purchase.user_id}/{purchase.purchase_id}"
    second = keys_of("checkout", purchase.user_id, purchase.purchase_id, KEY_FORM)[1]
    assert sent == [former, former, second, former, second]
