"""The pieces of the proof; one process runs each piece."""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Final

import pytest

from infra.local.dynamodb_local import dynamodb_local, unavailable_reason
from infra.local.ministack import ministack
from infra.local.processes import ROOT
from tests.faults import failpoints, interleavings
from tests.faults.delivery import deliver_with_losses
from tests.faults.failpoints import SCENARIOS
from tests.faults.forgeries import bought, made_up, odd_but_signed, one_bit_off, signed
from tests.faults.invariants import Breach
from tests.faults.kills import kill_harness
from tests.faults.lives.life import breaches_of
from tests.faults.planting import BUGS
from tests.faults.planting import run as plant
from tests.http.api import Api, put_in_place

CHUNK: Final = 250
LIVES_AT_ONCE: Final = 50
COMMANDS: Final = 20_000
IN_TRIPLES: Final = tuple(name for name in interleavings.HANDLERS if name not in {"sweep", "reconcile"})
"""The handlers combined in triples. The two workers make too many calls, and are combined in pairs only."""


@dataclass
class Piece:
    """The totals under a heading: runs, violations by kind, and the seeds that repeat them.

    `seconds` is the time in one process.
    """

    heading: str
    tried: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    seeds: list[str] = field(default_factory=list)
    points: int = 0
    sampled: int = 0
    seconds: float = 0
    skipped: str = ""

    def note(self, seed: str, breaches: Iterable[Breach]) -> None:
        """Count one more run."""
        self.tried += 1
        for breach in breaches:
            self.by_kind[breach.kind] += 1
            self.seeds.append(f"{seed}: {breach.what}")


def one_fault(name: str) -> Piece:
    """Run every fault at every call of a scenario."""
    piece = Piece("one fault at every call")
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == name]
    tally = failpoints.Tally()
    for run in failpoints.singles([scenario]):
        tally.add(run)
        piece.note(run.seed, run.breaches)
    piece.points = failpoints.points_of(scenario)
    missed = {(name, number) for number in range(piece.points)} - tally.points
    piece.by_kind["unhandled"] += len(missed) + len(tally.unmet)
    piece.seeds += [f"{scenario_name}: call {number} was never hit" for scenario_name, number in missed]
    return piece


def two_faults(name: str) -> Piece:
    """Run every pair of faults, pairs with the same effects once."""
    piece = Piece("two faults")
    for run in failpoints.pairs([scenario for scenario in SCENARIOS if scenario.name == name]):
        piece.note(run.seed, run.breaches)
    return piece


def two_handlers(first: str) -> Piece:
    """Run a handler with each one from itself on."""
    piece = Piece("two handlers, all orders")
    for names in interleavings.PAIRS:
        for order in interleavings.all_orders(names) if names[0] == first else ():
            piece.note(order.seed, order.breaches)
    return piece


def three_handlers(first: str) -> Piece:
    """Run a handler with each pair from itself on. Triples with too many orders are sampled."""
    piece = Piece("three handlers, all orders")
    for names in combinations_with_replacement(IN_TRIPLES, 3):
        before = piece.tried
        for order in interleavings.some_orders(names) if names[0] == first else ():
            piece.note(order.seed, order.breaches)
        piece.sampled += piece.tried - before > interleavings.AT_MOST
    return piece


def eight_handlers(start: int) -> Piece:
    """Run random orders of eight handlers."""
    piece = Piece("eight handlers, orders by dice")
    for seed in range(start, start + CHUNK):
        order = interleavings.eight(seed)
        piece.note(order.seed, order.breaches)
    return piece


def lossy_delivery(start: int) -> Piece:
    """Run lost, doubled and reordered deliveries."""
    piece = Piece("a third lost, a third doubled")
    for seed in range(start, start + CHUNK):
        piece.note(f"post/{seed}", deliver_with_losses(seed))
    return piece


def random_lives(start: int) -> Piece:
    """Run random lives on the real adapters."""
    piece = Piece("random lives, real adapters")
    for seed in range(start, start + LIVES_AT_ONCE):
        piece.note(f"life/{seed}", [Breach("broken", what) for what in breaches_of(seed)])
    return piece


def forgeries() -> Piece:
    """Run changed webhooks, and unusual ones with a valid signature."""
    piece = Piece("forged and odd webhooks")
    with pytest.MonkeyPatch.context() as patch:
        put_in_place(api := Api(), patch)
        request = signed(bought(api))
        before = repr(vars(api.ledger))
        for body, signature in [*one_bit_off(request), *made_up(request, 0, 20_000), *odd_but_signed(0, 2_000)]:
            status = api.tell(body, signature, as_base64=True).status if (body, signature) != request else 400
            breaches = [] if status == 400 else [Breach("unhandled", f"answered with {status}")]
            piece.note(f"{signature} {body[:60]!r}", breaches)
        if repr(vars(api.ledger)) != before:
            piece.by_kind["doubled"] += 1
    return piece


def kill_on_ministack(times: int) -> Piece:
    """Run `kill -9` on MiniStack."""
    with tempfile.TemporaryDirectory(prefix="kills-") as directory, ministack(Path(directory) / "ministack") as url:
        return _kill("kill -9 at MiniStack", url, Path(directory), times)


def kill_on_dynamodb_local(times: int) -> Piece:
    """Run `kill -9` on DynamoDB Local."""
    if why_not := unavailable_reason():
        return Piece("kill -9 at DynamoDB Local", skipped=why_not)
    with tempfile.TemporaryDirectory(prefix="kills-") as directory, dynamodb_local() as url:
        return _kill("kill -9 at DynamoDB Local", url, Path(directory), times)


def any_order() -> Piece:
    """Run the state machine of the property tests for longer."""
    done = _pytest("tests/properties/test_state_machine.py", COINPURSE_COMMANDS=str(COMMANDS))
    piece = Piece("commands in any order", tried=COMMANDS)
    if done.returncode:
        piece.by_kind["broken"] += 1
        piece.seeds += re.findall("@reproduce_failure.*", done.stdout) or [done.stdout[-400:]]
    return piece


def seven_events() -> Piece:
    """Deliver the seven events of a purchase's life in all orders, for each of its ends."""
    return _whole("seven events, all orders", "tests/properties/test_purchase_events.py")


def large_amounts() -> Piece:
    """Price amounts of coins up to 50,000 in every shipped catalogue."""
    return _whole("the ladder up to 50,000 coins", "tests/properties/test_ladder.py")


def relay_faults() -> Piece:
    """Run the relay under random faults, with every seed."""
    return _whole("a relay under random faults", "tests/faults/test_relay_random_faults.py")


def memberships() -> Piece:
    """Run the handlers of a membership, in all orders of their calls."""
    return _whole("memberships, all orders", "tests/faults/test_membership_interleavings.py")


def reviews() -> Piece:
    """Run the handlers of a payment and of a month in review, in all orders of their calls."""
    return _whole("reviews, all orders", "tests/faults/test_review_interleavings.py")


def many_gifts_swept() -> Piece:
    """Sweep a thousand gifts on a stack of its own."""
    return _whole("a thousand gifts are swept", "tests/e2e/test_sweep.py")


def planted_bugs(*names: str) -> Piece:
    """Run the negative control, one bug at a time."""
    piece = Piece("planted bugs, each caught")
    for trial in plant([bug for bug in BUGS if bug.name in names], at_once=1):
        breaches = [] if trial.caught_by else [Breach("unhandled", f"not caught: {trial.trouble}")]
        piece.note(f"planted: {trial.bug.name}", breaches)
    return piece


def _kill(heading: str, url: str, directory: Path, times: int) -> Piece:
    with kill_harness(url, directory, seed=1) as harness:
        totals = harness.kill(times)
    return Piece(heading, tried=totals.kills, by_kind=Counter(lost=len(totals.breaches)), seeds=totals.breaches)


def _whole(heading: str, path: str) -> Piece:
    done = _pytest(path, COINPURSE_EXTENT="whole")
    passed = re.search(r"(\d+) passed", done.stdout)
    piece = Piece(heading, tried=int(passed[1]) if passed else 0)
    if done.returncode or not passed:
        piece.by_kind["broken"] += 1
        piece.seeds.append(f"{path}: {done.stdout[-400:]}")
    return piece


def _pytest(path: str, **extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", path]
    environment = os.environ | extra
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
